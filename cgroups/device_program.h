// Which device nodes a container may make, read and write, as rules and as the BPF program the kernel runs for each try.
#pragma once

#include <cstdint>
#include <linux/bpf.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::cgroups {

enum class DeviceType : std::uint8_t { kAny, kBlock, kChar };

struct DeviceAccess {
  bool make_node = false;
  bool read = false;
  bool write = false;
  bool operator==(const DeviceAccess&) const = default;
};
inline constexpr DeviceAccess kMakeNode{.make_node = true};
inline constexpr DeviceAccess kFullAccess{.make_node = true, .read = true, .write = true};

// nullopt for a number: any. Rules only ever allow: what no rule allows is refused with EPERM.
struct DeviceRule {
  DeviceType type = DeviceType::kAny;
  std::optional<std::uint32_t> major;
  std::optional<std::uint32_t> minor;
  DeviceAccess access;
  bool operator==(const DeviceRule&) const = default;
};

// "c 1:3 rwm", "b *:* m", "a *:* rwm". Errors: kInvalid naming key and text.
Result<DeviceRule> parse_device_rule(std::string_view key, std::string_view text);

// What every container may use: mknod of anything (a node that cannot be opened: package managers unpack them, overlay
// whiteouts need them); null zero full random urandom tty console ptmx pts fuse net/tun.
std::vector<DeviceRule> default_device_rules();

// The program for the rules; a request is allowed if one rule covers all of the access asked for. Equal lists give equal
// instructions. At most a few thousand rules: jumps reach 32767 instructions.
std::vector<bpf_insn> compile_device_program(const std::vector<DeviceRule>& rules);

}  // namespace cella::cgroups
