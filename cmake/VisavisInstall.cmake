# `cmake --install`: the program, its manifests, and the inference runtimes beside it, so that the
# installed folder can be moved. Only the parts that visavis uses are copied.
include(GNUInstallDirs)
set(VISAVIS_RUNTIME_DIR ${CMAKE_INSTALL_LIBDIR}/visavis)

set_target_properties(visavis PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${VISAVIS_RUNTIME_DIR}"
  INSTALL_RPATH_USE_LINK_PATH OFF)
install(TARGETS visavis RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/visavis/models
  FILES_MATCHING PATTERN "*.json")
if(EXISTS ${CMAKE_SOURCE_DIR}/apps/web/dist/index.html)  # `make web` builds it
  install(DIRECTORY apps/web/dist/ DESTINATION ${CMAKE_INSTALL_DATADIR}/visavis/web)
endif()
install(FILES LICENSE NOTICE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(TARGET openvino::runtime)
  install(DIRECTORY ${VISAVIS_OPENVINO_ROOT}/openvino/libs/ DESTINATION ${VISAVIS_RUNTIME_DIR}
    FILES_MATCHING
    REGEX "/libopenvino\\.so\\.[0-9]+$"
    REGEX "/libopenvino_(intel_cpu_plugin|onnx_frontend|ir_frontend)\\.so[.0-9]*$"
    REGEX "/libtbb[a-z_0-9]*\\.so[.0-9]*$"
    PATTERN "cmake" EXCLUDE)
endif()
if(TARGET OnnxRuntime::onnxruntime)
  install(DIRECTORY ${VISAVIS_ONNXRUNTIME_ROOT}/lib/ DESTINATION ${VISAVIS_RUNTIME_DIR}
    FILES_MATCHING PATTERN "libonnxruntime.so*")
endif()
if(TARGET TensorFlowLite::tensorflowlite)
  install(DIRECTORY ${VISAVIS_TENSORFLOWLITE_ROOT}/lib/ DESTINATION ${VISAVIS_RUNTIME_DIR}
    FILES_MATCHING PATTERN "libtensorflowlite.so")
endif()
