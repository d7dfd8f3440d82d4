#include "base/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>

namespace cella {
namespace {

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};

constexpr std::uint64_t power(std::uint64_t base, int exponent) {
  return exponent == 0 ? 1 : base * power(base, exponent - 1);
}

constexpr std::array<Suffix, 14> kSizes{{{"", 1},
                                         {"B", 1},
                                         {"kB", power(1000, 1)},
                                         {"MB", power(1000, 2)},
                                         {"GB", power(1000, 3)},
                                         {"TB", power(1000, 4)},
                                         {"PB", power(1000, 5)},
                                         {"EB", power(1000, 6)},
                                         {"KiB", power(1024, 1)},
                                         {"MiB", power(1024, 2)},
                                         {"GiB", power(1024, 3)},
                                         {"TiB", power(1024, 4)},
                                         {"PiB", power(1024, 5)},
                                         {"EiB", power(1024, 6)}}};

constexpr std::array<Suffix, 10> kRates{{{"", 1},
                                         {"bit", 1},
                                         {"kbit", power(1000, 1)},
                                         {"Mbit", power(1000, 2)},
                                         {"Gbit", power(1000, 3)},
                                         {"Tbit", power(1000, 4)},
                                         {"Kibit", power(1024, 1)},
                                         {"Mibit", power(1024, 2)},
                                         {"Gibit", power(1024, 3)},
                                         {"Tibit", power(1024, 4)}}};

template <typename Number>
Result<Number> parse_number(std::string_view key, std::string_view text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc::result_out_of_range) return invalid_value(key, text, "the number is too large");
  if (code != std::errc() || end != text.data() + text.size()) return invalid_value(key, text, "not a whole number");
  return number;
}

Result<std::uint64_t> parse_scaled(std::string_view key, std::string_view text, const Suffix* begin, const Suffix* end,
                                   std::string_view reason) {
  std::size_t digits = 0;
  while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) ++digits;
  const std::string_view unit = text.substr(digits);
  const Suffix* suffix = std::find_if(begin, end, [&](const Suffix& s) { return s.text == unit; });
  if (digits == 0 || suffix == end) return invalid_value(key, text, reason);
  const auto number = parse_number<std::uint64_t>(key, text.substr(0, digits));
  if (!number.ok()) return invalid_value(key, text, "the number is too large");
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(*number, suffix->factor, &product))
    return invalid_value(key, text, "the number is too large");
  return product;
}

}  // namespace

Result<std::uint64_t> parse_unsigned(std::string_view key, std::string_view text) {
  return parse_number<std::uint64_t>(key, text);
}

Result<std::int64_t> parse_signed(std::string_view key, std::string_view text) {
  return parse_number<std::int64_t>(key, text);
}

Result<Bytes> parse_size(std::string_view key, std::string_view text) {
  return Bytes{TRY(parse_scaled(key, text, kSizes.begin(), kSizes.end(), "not a size such as 512MiB or 2GB"))};
}

Result<std::uint64_t> parse_bit_rate(std::string_view key, std::string_view text) {
  return parse_scaled(key, text, kRates.begin(), kRates.end(), "not a rate such as 10Mbit");
}

Result<bool> parse_bool(std::string_view key, std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "true" || lower == "1" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "0" || lower == "no" || lower == "off") return false;
  return invalid_value(key, text, "not a boolean (true or false)");
}

std::string format_size(Bytes size) {
  constexpr std::array<const char*, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (size.value < 1024) return std::to_string(size.value) + "B";
  double scaled = static_cast<double>(size.value);
  std::size_t unit = 0;
  for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit) scaled /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%s", scaled, kUnits[unit]);
  return text;
}

}  // namespace cella
