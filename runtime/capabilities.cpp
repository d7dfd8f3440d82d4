#include "runtime/capabilities.h"

#include <linux/capability.h>
#include <array>
#include <cctype>

namespace cella::runtime {
namespace {

// In number order (linux/capability.h).
constexpr std::array<std::string_view, CAP_LAST_CAP + 1> kNames = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
static_assert(!kNames.back().empty());

constexpr CapabilityMask bit(unsigned capability) { return CapabilityMask{1} << capability; }

std::string lowered_without_prefix(std::string_view text) {
  std::string name;
  for (const char letter : text) name.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(letter))));
  return name.starts_with("cap_") ? name.substr(4) : name;
}

}  // namespace

// Each acts on the machine and not on a namespace. SYS_RAWIO also keeps systemd from trying to mount debugfs.
CapabilityMask default_dropped_capabilities() {
  return bit(CAP_SYS_MODULE) | bit(CAP_SYS_RAWIO) | bit(CAP_SYS_TIME) | bit(CAP_MAC_ADMIN) | bit(CAP_MAC_OVERRIDE);
}

CapabilityMask all_capabilities() { return (CapabilityMask{1} << kNames.size()) - 1; }

Result<CapabilityMask> parse_capability(std::string_view key, std::string_view text) {
  const std::string name = lowered_without_prefix(text);
  if (name == "all") return all_capabilities();
  for (unsigned capability = 0; capability < kNames.size(); ++capability)
    if (kNames[capability] == name) return bit(capability);
  return invalid_value(key, text, "no such capability");
}

std::vector<std::string> capability_names(CapabilityMask mask) {
  std::vector<std::string> names;
  for (unsigned capability = 0; capability < kNames.size(); ++capability)
    if ((mask >> capability & 1u) != 0) names.push_back("cap_" + std::string(kNames[capability]));
  return names;
}

}  // namespace cella::runtime
