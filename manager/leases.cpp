#include "manager/leases.h"

#include <algorithm>

#include "base/units.h"
#include "netlink/ip.h"

namespace cella::manager {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t space = std::min(line.find(' '), line.size());
    if (space > 0) words.emplace_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

}  // namespace

std::vector<DhcpLease> parse_leases(std::string_view text) {
  std::vector<DhcpLease> leases;
  while (!text.empty()) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    const auto words = words_of(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (words.size() < 4) continue;
    const auto expiry = parse_unsigned("lease", words[0]);
    const auto address = netlink::parse_ip("lease", words[2]);
    if (!expiry.ok() || !address.ok()) continue;
    const auto mac = netlink::parse_mac("lease", words[1]);
    leases.push_back({static_cast<std::int64_t>(*expiry), mac.ok() ? netlink::format(*mac) : "", netlink::format(*address),
                      words[3] == "*" ? "" : words[3]});
  }
  return leases;
}

}  // namespace cella::manager
