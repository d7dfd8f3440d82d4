# With CELLA_FUZZ (clang): tests/fuzz/NAME.cpp becomes the libFuzzer program fuzz_NAME, and all of them together become
# unit_fuzz, which feeds every seed of tests/fuzz/seeds/NAME/ to its target.
if(NOT CELLA_FUZZ)
  return()
endif()
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/*.cpp)
# The daemon's parsers alone: the fuzzers need nothing of its servers.
add_library(cella_fuzz_support STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz/program/target.cpp
  ${PROJECT_SOURCE_DIR}/daemon/filter.cpp ${PROJECT_SOURCE_DIR}/daemon/multipart.cpp)
target_link_libraries(cella_fuzz_support PUBLIC cella_manager cella_api cella_test_support)

add_executable(unit_fuzz ${PROJECT_SOURCE_DIR}/tests/fuzz/program/seeds_test.cpp ${fuzz_sources})
target_link_libraries(unit_fuzz PRIVATE cella_fuzz_support GTest::gtest GTest::gtest_main)
target_compile_definitions(unit_fuzz PRIVATE CELLA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
add_test(NAME unit_fuzz COMMAND unit_fuzz)
set_tests_properties(unit_fuzz PROPERTIES LABELS unit TIMEOUT 300)

add_custom_target(fuzzers)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/fuzz/program/fuzzer.cpp ${source})
  target_link_libraries(fuzz_${name} PRIVATE cella_fuzz_support)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzzers fuzz_${name})
endforeach()
