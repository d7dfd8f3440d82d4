#include "storage/worker_confinement.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include "base/syscalls.h"

namespace cella::storage {
namespace {

constexpr int kFreshNamespaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

Result<void> become_root() {
  if (::setgroups(0, nullptr) != 0) return errno_error(errno, "setgroups");
  if (::setresgid(0, 0, 0) != 0) return errno_error(errno, "setresgid");
  if (::setresuid(0, 0, 0) != 0) return errno_error(errno, "setresuid");
  return kOk;
}

// An own empty tmpfs is the root when there is nothing to write.
Result<Fd> empty_root() {
  const Fd context(sys_fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context) return errno_error(errno, "fsopen tmpfs");
  if (sys_fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return errno_error(errno, "create tmpfs");
  Fd mount(sys_fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (!mount) return errno_error(errno, "fsmount tmpfs");
  return mount;
}

Result<void> become_root_of(const Fd& user_namespace) {
  if (::setns(user_namespace.get(), CLONE_NEWUSER) != 0) return errno_error(errno, "setns user namespace");
  if (::unshare(CLONE_NEWNS | kFreshNamespaces) != 0) return errno_error(errno, "unshare");
  return become_root();
}

Result<void> change_root(const Fd& root) {
  if (::fchdir(root.get()) != 0) return errno_error(errno, "fchdir to the root");
  if (::chroot(".") != 0) return errno_error(errno, "chroot to the root");
  return kOk;
}

}  // namespace

Result<void> limit_resource(int resource, unsigned long value, const char* name) {
  const rlimit limits{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limits) != 0)
    return errno_error(errno, std::string("setrlimit ") + name);
  return kOk;
}

void close_all_but(std::span<const int> kept) {
  std::vector<unsigned> sorted;
  for (const int fd : kept) sorted.push_back(static_cast<unsigned>(fd));
  std::sort(sorted.begin(), sorted.end());
  unsigned first = 0;
  for (const unsigned fd : sorted) {
    if (fd > first) sys_close_range(first, fd - 1, 0);
    first = fd + 1;
  }
  sys_close_range(first, ~0u, 0);
}

Result<void> enter_tree(const Fd& root, const Fd& user_namespace) {
  TRY(become_root_of(user_namespace));
  return change_root(root);
}

Result<void> enter_empty_tree(const Fd& user_namespace) {
  TRY(become_root_of(user_namespace));
  return change_root(TRY(empty_root()));
}

Result<void> join_process(const PidFd& process) {
  if (::setns(process.get(), CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno_error(errno, "setns process");
  if (::unshare(kFreshNamespaces) != 0) return errno_error(errno, "unshare");
  return become_root();
}

Result<void> keep_file_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].permitted = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID;
  data[0].permitted |= 1u << CAP_SETFCAP;
  data[0].effective = data[0].permitted;
  if (::syscall(SYS_capset, &header, data) != 0) return errno_error(errno, "capset");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error(errno, "prctl NO_NEW_PRIVS");
  return kOk;
}

// Foreign ABIs are killed, so that the numbers below are the native ones.
Result<void> forbid_calls(WorkerThreads threads) {
#if defined(__x86_64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "worker: this architecture's audit number is missing"
#endif
  constexpr std::uint32_t kForbidden[] = {SYS_execve,
                                          SYS_execveat,
                                          SYS_socket,
                                          SYS_socketpair,
                                          SYS_ptrace,
                                          SYS_kill,
                                          SYS_tkill,
                                          SYS_mount,
                                          SYS_umount2,
                                          SYS_move_mount,
                                          SYS_open_tree,
                                          SYS_fsopen,
                                          SYS_mount_setattr,
                                          SYS_pivot_root,
                                          SYS_chroot,
                                          SYS_unshare,
                                          SYS_setns,
                                          SYS_bpf,
                                          SYS_keyctl,
                                          SYS_add_key,
                                          SYS_request_key,
                                          SYS_io_uring_setup,
                                          SYS_userfaultfd,
                                          SYS_perf_event_open,
                                          SYS_process_vm_readv,
                                          SYS_process_vm_writev,
                                          SYS_open_by_handle_at,
                                          SYS_personality};
  constexpr std::size_t kCount = sizeof kForbidden / sizeof kForbidden[0];
  sock_filter program[kCount + 10];
  std::uint8_t at = 0;
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  // Its flags are behind a pointer; the C library falls back to clone(2).
  program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (threads == WorkerThreads::kMany ? ENOSYS : EPERM));
  // The x32 ABI has its own numbers from 2^30 on.
  program[at++] = BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, static_cast<std::uint8_t>(kCount + 1), 0);
  for (std::size_t i = 0; i < kCount; ++i)
    program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kForbidden[i], static_cast<std::uint8_t>(kCount - i), 0);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  sock_fprog filter{at, program};
  if (sys_seccomp(SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) return errno_error(errno, "seccomp");
  return kOk;
}

}  // namespace cella::storage
