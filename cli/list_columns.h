// The columns of `list`: shorthand letters and custom keys.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/instance.h"
#include "base/result.h"

namespace cella::cli {

struct Column {
  std::string header;
  std::function<std::string(const api::InstanceFull&)> cell;
  bool needs_state = false;  // live counters or snapshots: the list must be fetched in full
};

inline constexpr std::string_view kDefaultColumns = "ns46tS";
inline constexpr std::string_view kFastColumns = "nsacPt";

// "nFs46,volatile.eth0.hwaddr:MAC,devices:eth0.parent:ETHP:8": letters, and "[config:|devices:]key[:name][:width]".
// Errors: kInvalid naming the letter or the part.
Result<std::vector<Column>> parse_columns(std::string_view text);

// One address per line, as "10.5.65.9 (eth0)"; loopback and link-local ones are left out. family: "inet" or "inet6".
std::string address_lines(const api::InstanceFull& instance, std::string_view family);

}  // namespace cella::cli
