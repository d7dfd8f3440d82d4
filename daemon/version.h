// The version the API tells; the project's version in CMakeLists.txt.
#pragma once

namespace cella::daemon {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace cella::daemon
