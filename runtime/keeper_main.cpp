#include "runtime/keeper_main.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "runtime/base_namespace.h"
#include "runtime/keeper.h"

namespace cella::runtime {
namespace {

constexpr rlim_t kDescriptors = 1u << 20;  // default of fs.nr_open

// Returns what it was, which is what containers get.
Result<rlimit> raise_descriptor_limit() {
  rlimit before{};
  if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return errno_error(errno, "read RLIMIT_NOFILE");
  const rlimit most{kDescriptors, std::max(kDescriptors, before.rlim_max)};
  const rlimit allowed{before.rlim_max, before.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &most) != 0) (void)::setrlimit(RLIMIT_NOFILE, &allowed);
  return before;
}

// Nothing of whoever started the daemon may reach a container: capability sets that survive execve, keys, signals.
Result<void> shed_inheritance() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error(errno, "make the keeper non-dumpable");
  (void)::prctl(PR_SET_NAME, "cella-keeper", 0, 0, 0);
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return errno_error(errno, "clear ambient capabilities");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return errno_error(errno, "read capabilities");
  sets[0].inheritable = sets[1].inheritable = 0;
  if (::syscall(SYS_capset, &header, sets) != 0) return errno_error(errno, "clear inheritable capabilities");
  // Without key support in the kernel there is nothing to leave behind.
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0) < 0 && errno != ENOSYS)
    return errno_error(errno, "join a session keyring");
  for (const int number : {SIGPIPE, SIGHUP, SIGINT}) (void)::signal(number, SIG_IGN);
  ::umask(022);
  return kOk;
}

// Freed requests go back to the kernel: the keeper lives as long as the host. musl does so by itself.
void give_memory_back() {
#ifdef __GLIBC__
  (void)::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  (void)::mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}

Result<void> check_listener(const Fd& listener) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
    return errno_error(errno, "descriptor 3 (the keeper is started by the daemon)");
  if (listens == 0) return Error(ErrorKind::kInvalid, "descriptor 3 does not listen");
  return kOk;
}

Result<void> keep() {
  Fd listener(kListenerDescriptor);
  TRY(check_listener(listener));
  if (sys_close_range(kListenerDescriptor + 1, ~0u, 0) != 0) return errno_error(errno, "close inherited descriptors");
  if (::fcntl(listener.get(), F_SETFD, FD_CLOEXEC) != 0) return errno_error(errno, "set close-on-exec");
  TRY(shed_inheritance());
  give_memory_back();
  const rlimit before = TRY(raise_descriptor_limit());
  BaseNamespace base = TRY(enter_base_namespace());
  const auto keeper = TRY(Keeper::create({std::move(listener), std::move(base.procfs), before}));
  return keeper->run();
}

}  // namespace

int keeper_main(int argc, char**) {
  if (argc > 3) {
    (void)std::fputs("usage: cella-runtime keeper [DIRECTORY] (started by the daemon)\n", stderr);
    return 2;
  }
  const Result<void> kept = keep();
  if (kept) return 0;
  (void)std::fprintf(stderr, "cella-runtime keeper: %s\n", kept.error().message().c_str());
  return 1;
}

}  // namespace cella::runtime
