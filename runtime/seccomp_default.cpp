// The policy of every container that asks for no other: a deny list, so that a whole distribution runs, of what acts on
// the machine instead of a namespace or has been a way out. The reasons are in docs/seccomp.md.
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <string>

#include "runtime/seccomp.h"
#include "runtime/seccomp_calls.h"

namespace cella::runtime {
namespace {

struct Denied {
  std::string_view name;
  int errno_value;
};

// The first five are LXC's list, answered as LXD does. A call whose absence programs are prepared for answers ENOSYS;
// one that they expect to be forbidden answers EPERM.
constexpr std::array kDenied = {
    Denied{"kexec_load", ENOSYS},
    Denied{"open_by_handle_at", ENOSYS},
    Denied{"init_module", ENOSYS},
    Denied{"finit_module", ENOSYS},
    Denied{"delete_module", ENOSYS},
    Denied{"create_module", ENOSYS},
    Denied{"kexec_file_load", ENOSYS},
    Denied{"keyctl", ENOSYS},
    Denied{"add_key", ENOSYS},
    Denied{"request_key", ENOSYS},
    Denied{"bpf", EPERM},
    Denied{"perf_event_open", EPERM},
    Denied{"userfaultfd", EPERM},
    Denied{"swapon", EPERM},
    Denied{"swapoff", EPERM},
    Denied{"acct", EPERM},
    Denied{"quotactl", EPERM},
    Denied{"quotactl_fd", EPERM},
    Denied{"nfsservctl", ENOSYS},
    Denied{"lookup_dcookie", EPERM},
    Denied{"syslog", EPERM},
    Denied{"uselib", ENOSYS},
    Denied{"_sysctl", ENOSYS},
    Denied{"iopl", EPERM},
    Denied{"ioperm", EPERM},
    Denied{"vm86", ENOSYS},
    Denied{"vm86old", ENOSYS},
};

// Arguments that the kernel reads as 32 bits are compared as such: the upper half is the caller's rubbish.
SeccompCondition is(std::uint32_t argument, std::uint32_t value) {
  return {.argument = argument, .compare = SeccompCompare::kMasked, .value = value, .mask = 0xffffffffu};
}

SeccompCondition has_flag(std::uint32_t argument, std::uint32_t flag) {
  return {.argument = argument, .compare = SeccompCompare::kMasked, .value = flag, .mask = flag};
}

void deny(SeccompPolicy& policy, std::string_view name, int errno_value, std::vector<SeccompCondition> conditions) {
  const NamedCall* call = find_call(name);
  if (call == nullptr) return;
  const SeccompAction action = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(errno_value);
  if (call->x86_64 >= 0)
    policy.x86_64.push_back(
        {.call = static_cast<std::uint32_t>(call->x86_64), .action = action, .conditions = conditions});
  if (call->i386 >= 0)
    policy.i386.push_back({.call = static_cast<std::uint32_t>(call->i386), .action = action, .conditions = conditions});
}

SeccompPolicy make_default() {
  constexpr std::uint32_t kForceUnmount = 1;  // MNT_FORCE: aborts requests of a network file system of the host
  SeccompPolicy policy;
  policy.default_action = SECCOMP_RET_ALLOW;
  policy.newest_call = kNewestKnownCall;
  for (const Denied& denied : kDenied) deny(policy, denied.name, denied.errno_value, {});
  deny(policy, "umount2", EACCES, {has_flag(1, kForceUnmount)});
  deny(policy, "ioctl", EPERM, {is(1, TIOCSTI)});
  deny(policy, "ioctl", EPERM, {is(1, TIOCLINUX)});
  // The audit subsystem is the host's; programs take this errno for a kernel without it.
  deny(policy, "socket", EAFNOSUPPORT, {is(0, AF_NETLINK), is(2, NETLINK_AUDIT)});
  return policy;
}

}  // namespace

const SeccompPolicy& default_seccomp_policy() {
  static const SeccompPolicy policy = make_default();
  return policy;
}

}  // namespace cella::runtime
