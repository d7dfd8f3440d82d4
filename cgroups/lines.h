// The text formats of cgroup interface files: words, flat keyed lines ("populated 1"), nested keyed lines
// ("8:0 rbytes=1 wbytes=2"). Source: Documentation/admin-guide/cgroup-v2.rst, "Interface Files".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::cgroups {

// Views into text, which must outlive them. Empty words and lines are left out.
std::vector<std::string_view> split_words(std::string_view text);
std::vector<std::string_view> split_lines(std::string_view text);

// A whole decimal number; nullopt for anything else.
std::optional<std::uint64_t> find_number(std::string_view text);

// "max\n" (nullopt inside) or a number. Errors: kIo naming the file.
Result<std::optional<std::uint64_t>> parse_number_or_max(std::string_view file, std::string_view text);

// The value after `key` in flat keyed text; nullopt when the kernel has no such line.
std::optional<std::uint64_t> find_flat(std::string_view text, std::string_view key);
// The same with 0 for a line this kernel does not have.
std::uint64_t flat_or_zero(std::string_view text, std::string_view key);

// The text after "key=" among the words of a nested keyed line.
std::optional<std::string_view> find_nested(std::string_view line, std::string_view key);

}  // namespace cella::cgroups
