# Runs cmake/coroutine_check.cc once: a compiler that gets it wrong would corrupt memory later.
if(NOT DEFINED NARU_COROUTINES_WORK)
  try_run(NARU_COROUTINE_RUN NARU_COROUTINE_COMPILED
    ${CMAKE_BINARY_DIR}/coroutine_check SOURCES ${CMAKE_SOURCE_DIR}/cmake/coroutine_check.cc
    CMAKE_FLAGS -DCMAKE_CXX_STANDARD=23 COMPILE_DEFINITIONS -O2 -std=c++23)
  if(NOT NARU_COROUTINE_COMPILED OR NOT "${NARU_COROUTINE_RUN}" STREQUAL "0")
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER} miscompiles coroutines or lacks C++23 (result: "
      "${NARU_COROUTINE_RUN}). Use clang-19: apt-get install clang-19, then ./dev build.")
  endif()
  set(NARU_COROUTINES_WORK ON CACHE INTERNAL "this compiler passed cmake/coroutine_check.cc")
endif()
