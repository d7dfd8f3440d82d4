// The server's configuration keys: which exist, what values they take, and why some of LXD's are refused.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

struct ServerKeyRule {
  // "core.https_address", or a family: "cluster.*".
  std::string_view name;
  // Checks one value (never empty); nullptr: any text.
  Result<void> (*check)(std::string_view key, std::string_view value) = nullptr;
  // Not empty: refused with this reason.
  std::string_view refused = {};
};

// Exact names before the families that contain them.
std::span<const ServerKeyRule> server_key_rules();

// Errors: kInvalid naming an unknown key, or key and value; kUnsupported naming a key of LXD and why it is refused.
Result<void> check_server_key(std::string_view key, std::string_view value);

}  // namespace cella::manager
