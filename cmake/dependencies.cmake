# Each library of others and the one place that may use it. ARCHITECTURE.md says why each is here.
function(naru_use layer)
  if(TARGET naru_${layer})
    get_target_property(kind naru_${layer} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY")
      target_link_libraries(naru_${layer} PUBLIC ${ARGN})
    endif()
  endif()
endfunction()
naru_use(base isal)                                     # CRC-32C: base/crc32c.cc
naru_use(io Threads::Threads ssl crypto)                # TLS: io/tls.cc
naru_use(broker pcre2-8 crypto)                         # broker/users/pattern.cc, broker/users/password.cc
naru_use(sqs crypto)                                    # digests and signatures: sqs/wire/digest.cc
naru_use(log libzstd.a liblz4.a libsnappy.a libz.a)     # codecs: log/compression.cc

# Files that wrap a library which throws.
function(naru_throws)
  foreach(file IN LISTS ARGN)
    if(EXISTS ${CMAKE_SOURCE_DIR}/${file})
      set_source_files_properties(${file} PROPERTIES
        COMPILE_OPTIONS "-fexceptions;-frtti;-Wno-error" SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
naru_throws(src/base/json_parse.cc src/io/logger.cc src/http/parser.cc src/server/config.cc src/server/config_file.cc)
# Optimizing these templates took more of a build than any other file, for what runs once at the start. Not -O0: the
# linker may take its copy of an inline function for everybody.
set_property(SOURCE src/base/json_parse.cc src/io/logger.cc src/server/config.cc src/server/config_file.cc APPEND PROPERTY COMPILE_OPTIONS -O1)
