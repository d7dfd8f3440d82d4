#include "cli/list_filters.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <regex>

#include "cli/words.h"

namespace cella::cli {
namespace {

bool same_word(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

// Bytes of an address in network order; empty when the text is none.
std::string address_bytes(std::string_view text) {
  const std::string copy(text);
  in6_addr six{};
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) return {reinterpret_cast<const char*>(&four), sizeof four};
  if (inet_pton(AF_INET6, copy.c_str(), &six) == 1) return {reinterpret_cast<const char*>(&six), sizeof six};
  return {};
}

bool matches_expression(const std::string& text, const std::string& expression, bool& valid) {
  try {
    valid = true;
    return std::regex_search(text, std::regex(expression, std::regex::ECMAScript));
  } catch (const std::regex_error&) {
    valid = false;
    return false;
  }
}

bool matches_name(const std::string& name, const std::string& filter) {
  const bool anchored = filter.find('^') != std::string::npos || filter.find('$') != std::string::npos;
  bool valid = false;
  if (matches_expression(name, anchored ? filter : "^(" + filter + ")$", valid)) return true;
  return name.starts_with(filter);
}

bool has_address(const api::InstanceFull& instance, std::string_view family, const std::string& wanted) {
  if (!instance.state) return false;
  for (const auto& [name, network] : instance.state->network) {
    for (const auto& address : network.addresses) {
      if (address.family == family && address_in(address.address, wanted)) return true;
    }
  }
  return false;
}

bool matches_shorthand(const api::InstanceFull& full, const std::string& key, const std::string& value) {
  const api::Instance& instance = full.instance;
  if (key == "type") return same_word(instance.type.empty() ? "container" : instance.type, value);
  if (key == "status") return same_word(instance.status, value);
  if (key == "architecture") return same_word(instance.architecture, value);
  if (key == "location") return same_word(instance.location, value);
  return has_address(full, key == "ipv4" ? "inet" : "inet6", value);
}

bool is_shorthand(const std::string& key) {
  return key == "type" || key == "status" || key == "architecture" || key == "location" || key == "ipv4" ||
         key == "ipv6";
}

bool matches_config(const api::Instance& instance, const std::string& key, const std::string& value) {
  for (const auto& [name, present] : instance.expanded_config) {
    bool valid = false;
    if (!is_key_abbreviation(key, name)) continue;
    if (present == value || (!value.empty() && matches_expression(present, value, valid))) return true;
  }
  return false;
}

bool matches(const api::InstanceFull& instance, const std::string& filter) {
  const std::size_t equals = filter.find('=');
  if (equals == std::string::npos) return matches_name(instance.instance.name, filter);
  const std::string key = filter.substr(0, equals);
  const std::string value = filter.substr(equals + 1);
  if (!is_shorthand(key)) return matches_config(instance.instance, key, value);
  for (const std::string& one : split_names(value)) {
    if (matches_shorthand(instance, key, one)) return true;
  }
  return false;
}

}  // namespace

bool is_key_abbreviation(std::string_view abbreviation, std::string_view key) {
  while (true) {
    const std::size_t short_dot = abbreviation.find('.');
    const std::size_t long_dot = key.find('.');
    if (!key.substr(0, long_dot).starts_with(abbreviation.substr(0, short_dot))) return false;
    if (short_dot == std::string_view::npos || long_dot == std::string_view::npos) {
      return short_dot == long_dot;
    }
    abbreviation.remove_prefix(short_dot + 1);
    key.remove_prefix(long_dot + 1);
  }
}

bool address_in(std::string_view address, std::string_view cidr) {
  const std::size_t slash = cidr.find('/');
  const std::string bytes = address_bytes(address);
  const std::string network = address_bytes(cidr.substr(0, slash));
  if (bytes.empty() || bytes.size() != network.size()) return false;
  std::size_t bits = bytes.size() * 8;
  if (slash != std::string_view::npos) {
    const std::string_view text = cidr.substr(slash + 1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (code != std::errc() || end != text.data() + text.size() || bits > bytes.size() * 8) return false;
  }
  for (std::size_t i = 0; i < bits; ++i) {
    const int shift = 7 - static_cast<int>(i % 8);
    if (((bytes[i / 8] ^ network[i / 8]) >> shift & 1) != 0) return false;
  }
  return true;
}

bool matches_filters(const api::InstanceFull& instance, std::span<const std::string> filters) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const std::string& filter) { return matches(instance, filter); });
}

}  // namespace cella::cli
