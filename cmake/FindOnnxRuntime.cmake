# Finds what tools/fetch_runtimes.sh unpacked: OnnxRuntime::onnxruntime.
include(FindPackageHandleStandardArgs)
find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_cxx_api.h
  HINTS ${VISAVIS_ONNXRUNTIME_ROOT}/include PATH_SUFFIXES onnxruntime)
find_library(OnnxRuntime_LIBRARY NAMES libonnxruntime.so.1 onnxruntime
  HINTS ${VISAVIS_ONNXRUNTIME_ROOT}/lib)
find_package_handle_standard_args(OnnxRuntime
  REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR)
if(OnnxRuntime_FOUND AND NOT TARGET OnnxRuntime::onnxruntime)
  add_library(OnnxRuntime::onnxruntime SHARED IMPORTED)
  set_target_properties(OnnxRuntime::onnxruntime PROPERTIES
    IMPORTED_LOCATION ${OnnxRuntime_LIBRARY}
    IMPORTED_SONAME libonnxruntime.so.1
    INTERFACE_INCLUDE_DIRECTORIES ${OnnxRuntime_INCLUDE_DIR})
endif()
mark_as_advanced(OnnxRuntime_INCLUDE_DIR OnnxRuntime_LIBRARY)
