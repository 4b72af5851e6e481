# USearch, of which the header of its graph is used, from what tools/fetch_runtimes.sh puts into the cache.
set(VISAVIS_USEARCH_ROOT ${VISAVIS_CACHE_DIR}/runtimes/usearch-2.25.3)
if(NOT EXISTS ${VISAVIS_USEARCH_ROOT}/include/usearch/index.hpp)
  message(FATAL_ERROR "USearch's header is not in ${VISAVIS_CACHE_DIR}: run tools/setup.sh")
endif()

add_library(usearch INTERFACE)
add_library(usearch::usearch ALIAS usearch)
target_include_directories(usearch SYSTEM INTERFACE ${VISAVIS_USEARCH_ROOT}/include)
