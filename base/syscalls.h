// The one place for system calls, structures and flags that Debian 12's headers lack. Thin: arguments go to the kernel
// as they are, -1 and errno come back. Everything here may be called after clone.
#pragma once

#include <cstdint>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467  // Linux 6.15
#endif
#ifndef SYS_statmount
#define SYS_statmount 457  // Linux 6.8
#endif
#ifndef SYS_listmount
#define SYS_listmount 458  // Linux 6.8
#endif

#ifndef PIDFD_INFO_PID
#define PIDFD_INFO_PID (1UL << 0)
#define PIDFD_INFO_CREDS (1UL << 1)
#define PIDFD_INFO_CGROUPID (1UL << 2)
#define PIDFD_INFO_EXIT (1UL << 3)
#endif

#ifndef FSCONFIG_CMD_CREATE_EXCL
#define FSCONFIG_CMD_CREATE_EXCL 8  // Linux 6.6
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace cella {

// struct pidfd_info of Linux 6.13, with exit_code from 6.15; PIDFD_GET_INFO = _IOWR(0xFF, 11, struct pidfd_info).
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroupid;
  std::uint32_t pid;
  std::uint32_t tgid;
  std::uint32_t ppid;
  std::uint32_t ruid;
  std::uint32_t rgid;
  std::uint32_t euid;
  std::uint32_t egid;
  std::uint32_t suid;
  std::uint32_t sgid;
  std::uint32_t fsuid;
  std::uint32_t fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
inline constexpr unsigned long kPidfdGetInfo = 0xC040FF0Bul;

// <sys/mount.h> cannot be included beside <linux/mount.h> in glibc 2.36, so mount(2) and umount2(2) stand here too.
inline constexpr int kMntDetach = 2;
inline int sys_mount(const char* source, const char* target, const char* type, unsigned long flags,
                     const void* data) noexcept {
  return static_cast<int>(::syscall(SYS_mount, source, target, type, flags, data));
}
inline int sys_umount2(const char* target, int flags) noexcept {
  return static_cast<int>(::syscall(SYS_umount2, target, flags));
}
inline int sys_openat2(int dir, const char* path, open_how* how) noexcept {
  return static_cast<int>(::syscall(SYS_openat2, dir, path, how, sizeof *how));
}
inline long sys_clone3(clone_args* args) noexcept { return ::syscall(SYS_clone3, args, sizeof *args); }
inline int sys_pidfd_open(pid_t pid, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}
inline int sys_pidfd_send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags));
}
inline int sys_open_tree(int dir, const char* path, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_open_tree, dir, path, flags));
}
inline int sys_open_tree_attr(int dir, const char* path, unsigned flags, mount_attr* attr) noexcept {
  return static_cast<int>(::syscall(SYS_open_tree_attr, dir, path, flags, attr, sizeof *attr));
}
inline int sys_mount_setattr(int dir, const char* path, unsigned flags, mount_attr* attr) noexcept {
  return static_cast<int>(::syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof *attr));
}
inline int sys_move_mount(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_move_mount, from_dir, from, to_dir, to, flags));
}
inline int sys_fsopen(const char* type, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_fsopen, type, flags));
}
inline int sys_fsconfig(int fs, unsigned command, const char* key, const void* value, int aux) noexcept {
  return static_cast<int>(::syscall(SYS_fsconfig, fs, command, key, value, aux));
}
inline int sys_fsmount(int fs, unsigned flags, unsigned attributes) noexcept {
  return static_cast<int>(::syscall(SYS_fsmount, fs, flags, attributes));
}
inline int sys_pivot_root(const char* new_root, const char* put_old) noexcept {
  return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}
inline int sys_close_range(unsigned first, unsigned last, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_close_range, first, last, flags));
}
inline int sys_seccomp(unsigned operation, unsigned flags, void* args) noexcept {
  return static_cast<int>(::syscall(SYS_seccomp, operation, flags, args));
}

}  // namespace cella
