#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include "base/syscalls.h"
#include "storage/unpack_worker.h"

namespace cella::storage {
namespace {

Result<void> limit(int resource, rlim_t value, const char* name) {
  const rlimit limits{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &limits) != 0)
    return errno_error(errno, std::string("setrlimit ") + name);
  return kOk;
}

Result<void> become_namespace_root(const Fd& user_namespace) {
  if (::setns(user_namespace.get(), CLONE_NEWUSER) != 0) return errno_error(errno, "setns user namespace");
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return errno_error(errno, "unshare");
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

Result<void> change_root(const Fd& root) {
  if (::fchdir(root.get()) != 0) return errno_error(errno, "fchdir to the destination");
  if (::chroot(".") != 0) return errno_error(errno, "chroot to the destination");
  return kOk;
}

Result<void> keep_few_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].permitted = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID;
  data[0].permitted |= 1u << CAP_SETFCAP;
  data[0].effective = data[0].permitted;
  if (::syscall(SYS_capset, &header, data) != 0) return errno_error(errno, "capset");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error(errno, "prctl NO_NEW_PRIVS");
  return kOk;
}

// Whatever a broken decompressor is made to do, it starts no program, opens no socket and makes no namespace. Foreign
// ABIs are killed, so that the numbers below are the native ones.
Result<void> forbid_calls() {
#if defined(__x86_64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "unpack worker: this architecture's audit number is missing"
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
                                          SYS_clone3,
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
  sock_filter program[kCount + 8];
  std::uint8_t at = 0;
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  program[at++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
  program[at++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  program[at++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
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

}  // namespace

Result<void> enter_confinement(const WorkerJob& job) {
  ::umask(0);
  TRY(limit(RLIMIT_CORE, 0, "core"));
  TRY(limit(RLIMIT_NOFILE, 64, "nofile"));
  TRY(limit(RLIMIT_FSIZE, job.limits.max_bytes.value, "fsize"));
  // A file that grows past the limit is to fail with EFBIG, not to kill.
  ::signal(SIGXFSZ, SIG_IGN);
  TRY(become_namespace_root(job.user_namespace));
  // The change of credentials above has cleared it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno_error(errno, "prctl PDEATHSIG");
  // Other workers may have the same ids one day: no debugging among them.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error(errno, "prctl DUMPABLE");
  if (job.destination != nullptr) {
    TRY(change_root(*job.destination));
  } else {
    TRY(change_root(TRY(empty_root())));
  }
  TRY(keep_few_capabilities());
  return forbid_calls();
}

}  // namespace cella::storage
