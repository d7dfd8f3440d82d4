// Ids and capabilities of a process that is about to become a container's. Runs after clone: no allocation.
// Shared by launch and exec.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cella::runtime {

// setgroups, setresgid, setresuid, in the order in which each is still permitted. 0 or an errno.
int become(std::uint32_t user, std::uint32_t group, const std::uint32_t* groups, std::size_t group_count) noexcept;

// Removes `dropped` (bit per CAP_*) from the bounding set and empties the inheritable and ambient sets (CVE-2022-29162,
// CVE-2025-27612). Bits the kernel does not know are skipped. 0 or an errno.
int drop_capabilities(std::uint64_t dropped) noexcept;

}  // namespace cella::runtime
