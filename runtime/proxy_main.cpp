#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "runtime/proxy_worker.h"

namespace cella::runtime {
namespace {

constexpr int kListener = 3;
constexpr rlim_t kDescriptors = 1u << 20;

Result<void> serve() {
  Fd listener(kListener);
  if (sys_close_range(kListener + 1, ~0u, 0) != 0) return errno_error(errno, "close inherited descriptors");
  if (::fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) return errno_error(errno, "descriptor 3 (the daemon starts this)");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error(errno, "make the proxy worker non-dumpable");
  (void)::prctl(PR_SET_NAME, "cella-proxy", 0, 0, 0);
  // Helpers that made a socket elsewhere are nobody's concern.
  for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGCHLD}) (void)::signal(number, SIG_IGN);
  ::umask(077);
  rlimit limit{kDescriptors, kDescriptors};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
  Fd home = TRY(open_path("/proc/self/ns/net", O_RDONLY));
  ProxyWorker worker(TRY(EventLoop::create()), std::move(listener), std::move(home));
  return worker.run();
}

}  // namespace

int proxy_main(int argc, char**) {
  if (argc > 3) {
    (void)std::fputs("usage: cella-runtime proxy [DIRECTORY] (started by the daemon)\n", stderr);
    return 2;
  }
  const Result<void> served = serve();
  if (served.ok()) return 0;
  (void)std::fprintf(stderr, "cella-runtime proxy: %s\n", served.error().message().c_str());
  return 1;
}

}  // namespace cella::runtime
