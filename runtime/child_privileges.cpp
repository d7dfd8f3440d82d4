#include "runtime/child_privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace cella::runtime {

// Raw calls: the C library's wrappers signal every thread of a process it believes to have some.
int become(std::uint32_t user, std::uint32_t group, const std::uint32_t* groups, std::size_t group_count) noexcept {
  if (::syscall(SYS_setgroups, group_count, groups) != 0) return errno;
  if (::syscall(SYS_setresgid, group, group, group) != 0) return errno;
  if (::syscall(SYS_setresuid, user, user, user) != 0) return errno;
  return 0;
}

int drop_capabilities(std::uint64_t dropped) noexcept {
  for (unsigned capability = 0; capability < 64; ++capability) {
    if ((dropped >> capability & 1u) == 0) continue;
    // EINVAL: newer than this kernel, so there is nothing to drop.
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return errno;
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return errno;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
  if (::syscall(SYS_capget, &header, sets) != 0) return errno;
  for (auto& set : sets) set.inheritable = 0;
  return ::syscall(SYS_capset, &header, sets) == 0 ? 0 : errno;
}

}  // namespace cella::runtime
