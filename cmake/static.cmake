# Libraries that go into the programs themselves. Every shared library costs each start of the command line about a
# third of a millisecond and the daemon private memory (its relocations), libarchive's closure alone (libxml2, ICU,
# nettle, acl) most of all; statically only what is used of it comes along. glibc, and what Debian ships as shared
# library only, stays shared. Where an archive is missing the shared library is used.
option(CELLA_STATIC_LIBRARIES "Link the distribution's libraries statically where it has the archives" ON)

# cella_link_archives(TARGET ARCHIVE… [SHARED library…]): what TARGET stands for is these from now on.
function(cella_link_archives target)
  cmake_parse_arguments(link "" "" "SHARED" ${ARGN})
  set(paths)
  foreach(name IN LISTS link_UNPARSED_ARGUMENTS)
    find_library(CELLA_ARCHIVE_${name} lib${name}.a)
    if(NOT CELLA_ARCHIVE_${name})
      message(STATUS "lib${name}.a is missing: ${target} stays a shared library")
      return()
    endif()
    list(APPEND paths ${CELLA_ARCHIVE_${name}})
  endforeach()
  foreach(name IN LISTS link_SHARED)
    find_library(CELLA_SHARED_${name} NAMES lib${name}.a lib${name}.so lib${name}.so.1 lib${name}.so.0)
    if(NOT CELLA_SHARED_${name})
      message(STATUS "lib${name} is missing: ${target} stays a shared library")
      return()
    endif()
    list(APPEND paths ${CELLA_SHARED_${name}})
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${paths}")
  if(target MATCHES "^(OpenSSL|SQLite)::")
    list(GET paths 0 own)
    list(REMOVE_AT paths 0)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${own} INTERFACE_LINK_LIBRARIES "${paths};dl;pthread;m")
  endif()
endfunction()

if(CELLA_STATIC_LIBRARIES AND NOT CELLA_SANITIZE)
  cella_link_archives(PkgConfig::libarchive archive lzma bz2 z SHARED zstd)
  cella_link_archives(PkgConfig::libnftnl nftnl SHARED mnl)
  cella_link_archives(PkgConfig::yaml yaml-cpp)
  cella_link_archives(SQLite::SQLite3 sqlite3)
  cella_link_archives(OpenSSL::SSL ssl crypto)
  cella_link_archives(OpenSSL::Crypto crypto)
  # Debian has no archive of spdlog and fmt: their sources come with the headers of exactly these versions.
  if(spdlog_VERSION VERSION_GREATER_EQUAL 1.10 AND spdlog_VERSION VERSION_LESS 1.11)
    add_library(cella_log STATIC ${PROJECT_SOURCE_DIR}/cmake/log/log_library.cpp)
    target_compile_definitions(cella_log PRIVATE SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL)
    target_compile_options(cella_log PRIVATE -w)
    set_target_properties(PkgConfig::spdlog PROPERTIES INTERFACE_LINK_LIBRARIES "cella_log;Threads::Threads")
    set(CELLA_STATIC_CXX ON)
  endif()
endif()

# Relative relocations as a bitmap (glibc 2.36): a tenth of the space, and read once. By GNU ld, which also records that
# the C library must know them; mold 1.10 leaves that out and the program would not start.
include(CheckLinkerFlag)
check_linker_flag(CXX "-fuse-ld=bfd;-Wl,-z,pack-relative-relocs" CELLA_PACKED_RELOCATIONS)

# For the programs that are installed.
function(cella_lean_program target)
  if(CELLA_STATIC_CXX)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  if(CELLA_PACKED_RELOCATIONS AND CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(${target} PRIVATE -fuse-ld=bfd -Wl,-z,pack-relative-relocs)
  endif()
endfunction()
