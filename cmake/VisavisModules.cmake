# Every module, in dependency order. A folder that is not listed is not built.
foreach(module IN ITEMS
    base/core base/vocab base/geometry base/image
    engine/graph engine/tflite engine/runtime engine/models
    face/detect face/landmark face/align face/embed face/quality face/pipeline
    gallery/matching gallery/index gallery/store gallery/gallery gallery/cluster
    measure/metrics measure/degrade measure/protocols measure/quality_pairs measure/report
    modelkit/equivalence modelkit/import modelkit/export modelkit/quantize
    service/batching service/access service/fetch service/jobs
    service/usecases service/wire)
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/libs/${module}/CMakeLists.txt)
    add_subdirectory(libs/${module})
  endif()
endforeach()
foreach(folder IN ITEMS tests/support tests/integration tests/fuzz bench)
  if(VISAVIS_DEVELOPER AND EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
  endif()
endforeach()
