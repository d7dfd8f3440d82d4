// Checks that the tables of configuration keys share. Each: kInvalid naming key and value.
#pragma once

#include <string_view>

#include "base/result.h"

namespace cella::manager {

Result<void> check_bool(std::string_view key, std::string_view value);
// 0 to 1,000,000,000.
Result<void> check_count(std::string_view key, std::string_view value);
// As expiry_time() reads it ("1d 12H").
Result<void> check_expiry(std::string_view key, std::string_view value);
// As storage::parse_compression() reads it ("gzip", "zstd" …).
Result<void> check_compression(std::string_view key, std::string_view value);

}  // namespace cella::manager
