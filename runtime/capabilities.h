// Capability sets as bit masks, their names, and what a container's bounding set loses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::runtime {

// Bit N is capability number N (capabilities(7)).
using CapabilityMask = std::uint64_t;

// CAP_SYS_MODULE SYS_RAWIO SYS_TIME MAC_ADMIN MAC_OVERRIDE: what no system container is given by default.
CapabilityMask default_dropped_capabilities();

// All capabilities this code knows (0 … CAP_CHECKPOINT_RESTORE).
CapabilityMask all_capabilities();

// "CAP_SYS_ADMIN", "sys_admin" in any case, or "all". Errors: kInvalid naming key and text.
Result<CapabilityMask> parse_capability(std::string_view key, std::string_view text);

// "cap_chown cap_kill …" in number order.
std::vector<std::string> capability_names(CapabilityMask mask);

}  // namespace cella::runtime
