// libstdc++ asks glibc whether atomic reference counts can be skipped. cella-runtime has one thread.
#pragma once

static constexpr char __libc_single_threaded = 1;
