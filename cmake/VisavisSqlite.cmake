# SQLite with page encryption (SQLite3 Multiple Ciphers), from the sources that tools/fetch_runtimes.sh
# puts into the cache: one static library for plain and encrypted galleries and for their tests.
set(VISAVIS_SQLITE3MC_VERSION 2.4.0)
set(VISAVIS_SQLITE3MC_ROOT ${VISAVIS_CACHE_DIR}/runtimes/sqlite3mc-${VISAVIS_SQLITE3MC_VERSION})
if(NOT EXISTS ${VISAVIS_SQLITE3MC_ROOT}/sqlite3.c)
  message(FATAL_ERROR "SQLite's sources are not in ${VISAVIS_CACHE_DIR}: run tools/setup.sh")
endif()

add_library(sqlite3mc STATIC ${VISAVIS_SQLITE3MC_ROOT}/sqlite3.c)
add_library(SQLite3MC::sqlite3mc ALIAS sqlite3mc)
target_include_directories(sqlite3mc SYSTEM INTERFACE ${VISAVIS_SQLITE3MC_ROOT})
target_link_libraries(sqlite3mc PRIVATE Threads::Threads m)
set_target_properties(sqlite3mc PROPERTIES
  C_VISIBILITY_PRESET hidden  # another SQLite in the process, of some library, is not replaced
  # Instead of what is set for our own code: no warnings, no sanitizers, fast in every build.
  COMPILE_OPTIONS "-w;-O2;-ffile-prefix-map=${VISAVIS_SQLITE3MC_ROOT}/=")
target_compile_definitions(sqlite3mc PRIVATE
  # What https://www.sqlite.org/compile.html recommends and this program can do without
  SQLITE_DQS=0 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_LIKE_DOESNT_MATCH_BLOBS SQLITE_OMIT_DEPRECATED
  SQLITE_OMIT_SHARED_CACHE SQLITE_OMIT_LOAD_EXTENSION SQLITE_USE_ALLOCA
  HAVE_FDATASYNC=1  # no journal of the file system is waited for where only contents changed
  SQLITE_TEMP_STORE=3  # nothing of a gallery in temporary files, whatever a connection is told
  # AEGIS-256; ChaCha20 is there because a part of the amalgamation cannot do without
  CODEC_TYPE=CODEC_TYPE_AEGIS HAVE_CIPHER_AES_128_CBC=0 HAVE_CIPHER_AES_256_CBC=0
  HAVE_CIPHER_SQLCIPHER=0 HAVE_CIPHER_RC4=0 HAVE_CIPHER_ASCON128=0)
