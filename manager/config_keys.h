// The instance configuration keys: which exist, what values they take, which of them cella has an effect for.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

// Whether a change reaches a running container or waits for its next start.
enum class Live { kNow, kNextStart };

struct KeyRule {
  // "limits.memory", or a family: "user.*".
  std::string_view name;
  Live live = Live::kNextStart;
  // Checks one value (never empty); nullptr: any text.
  Result<void> (*check)(std::string_view key, std::string_view value) = nullptr;
  // Not empty: LXD has this key and cella has no effect for it: refused with this reason.
  std::string_view refused = {};
};

// All rules, exact names before the families that contain them.
std::span<const KeyRule> key_rules();

// The rule for a key; nullptr when there is none.
const KeyRule* find_key_rule(std::string_view key);

enum class ConfigOwner { kInstance, kProfile };

// Checks every key and value. Errors: kInvalid naming key and value (unknown key, bad value, "volatile.*" in a profile);
// kUnsupported naming the key and the reason.
Result<void> check_config(const Config& config, ConfigOwner owner);

}  // namespace cella::manager
