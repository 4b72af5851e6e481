# Inference runtimes that no Debian package brings. tools/fetch_runtimes.sh puts them into the cache
# (pinned by version and SHA-256); here they become ordinary CMake packages.
if(DEFINED ENV{VISAVIS_CACHE})
  set(VISAVIS_CACHE_DIR $ENV{VISAVIS_CACHE})
else()
  set(VISAVIS_CACHE_DIR $ENV{HOME}/.cache/visavis)
endif()
set(VISAVIS_OPENVINO_VERSION 2026.4.1)
set(VISAVIS_ONNXRUNTIME_VERSION 1.31.1)

set(VISAVIS_OPENVINO_ROOT ${VISAVIS_CACHE_DIR}/runtimes/openvino-${VISAVIS_OPENVINO_VERSION})
if(NOT OpenVINO_DIR AND EXISTS ${VISAVIS_OPENVINO_ROOT}/openvino/cmake)
  set(OpenVINO_DIR ${VISAVIS_OPENVINO_ROOT}/openvino/cmake CACHE PATH "")
endif()

set(VISAVIS_ONNXRUNTIME_ROOT
    ${VISAVIS_CACHE_DIR}/runtimes/onnxruntime-${VISAVIS_ONNXRUNTIME_VERSION})

set(VISAVIS_TENSORFLOWLITE_VERSION 2.20.0)
set(VISAVIS_TENSORFLOWLITE_ROOT
    ${VISAVIS_CACHE_DIR}/runtimes/tensorflowlite-${VISAVIS_TENSORFLOWLITE_VERSION})
