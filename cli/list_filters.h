// The filter words of `list`.
#pragma once

#include <span>
#include <string>

#include "api/instance.h"

namespace cella::cli {

// True when the instance satisfies every filter:
//   word           its name starts with it, or matches it as a regular expression (the whole name)
//   type=, status=, architecture=, location=, ipv4=, ipv6=   one of the comma-separated values (addresses or CIDR)
//   key=value      a config key, abbreviated part by part ("u.blah"), equals the value or matches it
bool matches_filters(const api::InstanceFull& instance, std::span<const std::string> filters);

// "u.blah" matches "user.blah": as many parts, each a prefix of the other's.
bool is_key_abbreviation(std::string_view abbreviation, std::string_view key);

// "10.0.0.0/8" holds "10.1.2.3"; without "/" the texts of both addresses are compared as addresses.
bool address_in(std::string_view address, std::string_view cidr);

}  // namespace cella::cli
