// Included before every file of cella-runtime when it is built against musl: what the C++ library's headers, configured
// for glibc, and our own sources expect of the C library.
#pragma once

#include <bits/c++config.h>
#include <linux/close_range.h>
#include <locale.h>
#include <string.h>

// bits/c++config.h says that glibc's timed waits on a given clock exist.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK

#define __locale_t locale_t                       // bits/c++locale.h
#define strerrordesc_np(errnum) strerror(errnum)  // musl's strerror has one language and no buffer

// musl's allocator gives freed pages back by itself and has nothing to tune.
#define M_MMAP_THRESHOLD (-3)
#define M_TRIM_THRESHOLD (-1)
inline int mallopt(int, int) { return 1; }

// bits/ctype_base.h names glibc's table bits. Nothing here uses std::locale; if something did, the link would fail.
enum { _ISupper = 1, _ISlower = 2, _ISalpha = 4, _ISdigit = 8, _ISxdigit = 16, _ISspace = 32, _ISprint = 64 };
enum { _ISgraph = 128, _ISblank = 256, _IScntrl = 512, _ISpunct = 1024, _ISalnum = 2048 };
