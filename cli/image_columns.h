// The columns and filters of `image list`.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/image.h"
#include "base/result.h"

namespace cella::cli {

struct ImageColumn {
  std::string header;
  std::function<std::string(const api::Image&)> cell;
};

inline constexpr std::string_view kDefaultImageColumns = "lfpdatsu";

// Errors: kInvalid naming an unknown letter.
Result<std::vector<ImageColumn>> parse_image_columns(std::string_view text);

// key=value compares a property (or type, architecture, public, fingerprint, alias); another word must be part of an
// alias or the beginning of the fingerprint. Every filter must hold.
bool matches_image_filters(const api::Image& image, std::span<const std::string> filters);

}  // namespace cella::cli
