# cella-runtime against musl, where it is installed: glibc's start-up alone takes 0.5 ms of a `run` in a virtual machine
# (it asks the CPU dozens of questions that trap), musl's takes nothing. The same sources also make cella_runtime, which
# the tests link. Sets CELLA_MUSL_FOUND.
option(CELLA_MUSL "Build cella-runtime against musl if it is installed" ON)
set(CELLA_MUSL_FOUND OFF)
if(CELLA_MUSL AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CELLA_SANITIZE)
  find_path(CELLA_MUSL_INCLUDE bits/alltypes.h PATHS /usr/include/${CMAKE_CXX_LIBRARY_ARCHITECTURE}
    /usr/include/x86_64-linux-musl /usr/local/musl/include NO_DEFAULT_PATH)
  find_path(CELLA_MUSL_LIB crt1.o PATHS /usr/lib/x86_64-linux-musl /usr/local/musl/lib NO_DEFAULT_PATH)
  if(CELLA_MUSL_INCLUDE AND CELLA_MUSL_LIB)
    set(CELLA_MUSL_FOUND ON)
  endif()
endif()

# The file the compiler itself would link, for example its libgcc.a.
function(cella_compiler_file name variable)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()

# musl's headers before the C library's; the latter's stay last, for <linux/…> and <asm/…>.
function(cella_musl_compile target)
  cella_compiler_file(include builtin)
  set(options -nostdinc -nostdinc++ "SHELL:-isystem ${PROJECT_SOURCE_DIR}/cmake/musl")
  foreach(directory IN LISTS CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    if(directory MATCHES "/c\\+\\+/")
      list(APPEND options "SHELL:-isystem ${directory}")
    endif()
  endforeach()
  list(APPEND options "SHELL:-isystem ${CELLA_MUSL_INCLUDE}" "SHELL:-isystem ${builtin}" "SHELL:-idirafter /usr/include"
    "SHELL:-idirafter /usr/include/${CMAKE_CXX_LIBRARY_ARCHITECTURE}" "SHELL:-include compat.h"
    "-D__GLIBC_PREREQ(major,minor)=0" -D_GLIBCXX_EXTERN_TEMPLATE=0 -U_FORTIFY_SOURCE -fno-threadsafe-statics
    -Wno-conversion -Wno-sign-compare -Wno-overflow)  # types differ from those the sources are checked against in the libraries
  target_compile_options(${target} PRIVATE ${options})
endfunction()

function(cella_musl_link target)
  foreach(name crtbeginT.o crtend.o libstdc++.a libgcc.a libgcc_eh.a)
    cella_compiler_file(${name} ${name}_path)
  endforeach()
  target_link_options(${target} PRIVATE -static -nostdlib ${CELLA_MUSL_LIB}/crt1.o ${CELLA_MUSL_LIB}/crti.o
    ${crtbeginT.o_path})
  target_link_libraries(${target} PRIVATE -Wl,--start-group ${libstdc++.a_path} ${libgcc.a_path} ${libgcc_eh.a_path}
    ${CELLA_MUSL_LIB}/libc.a -Wl,--end-group ${crtend.o_path} ${CELLA_MUSL_LIB}/crtn.o)
endfunction()
