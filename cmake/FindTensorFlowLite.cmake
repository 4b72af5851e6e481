# Finds what tools/fetch_runtimes.sh unpacked: TensorFlowLite::tensorflowlite. The library carries no
# headers; the adapter declares the few functions of the C API that it calls.
include(FindPackageHandleStandardArgs)
find_library(TensorFlowLite_LIBRARY NAMES tensorflowlite HINTS ${VISAVIS_TENSORFLOWLITE_ROOT}/lib)
find_package_handle_standard_args(TensorFlowLite REQUIRED_VARS TensorFlowLite_LIBRARY)
if(TensorFlowLite_FOUND AND NOT TARGET TensorFlowLite::tensorflowlite)
  add_library(TensorFlowLite::tensorflowlite SHARED IMPORTED)
  set_target_properties(TensorFlowLite::tensorflowlite PROPERTIES
    IMPORTED_LOCATION ${TensorFlowLite_LIBRARY}
    IMPORTED_NO_SONAME TRUE)
endif()
mark_as_advanced(TensorFlowLite_LIBRARY)
