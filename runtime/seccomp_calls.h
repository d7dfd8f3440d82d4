// System calls by name, for seccomp policies.
#pragma once

#include <cstdint>
#include <string_view>

namespace cella::runtime {

struct NamedCall {
  std::string_view name;
  std::int32_t x86_64 = -1;  // -1: not on this architecture
  std::int32_t i386 = -1;
};

// The newest call number that both tables know; calls from 424 on have one number on all architectures.
inline constexpr std::uint32_t kNewestKnownCall = 469;  // file_setattr, Linux 6.17

// nullptr for an unknown name.
const NamedCall* find_call(std::string_view name);

}  // namespace cella::runtime
