// The client's version.
#pragma once

#include <string_view>

namespace cella::cli {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace cella::cli
