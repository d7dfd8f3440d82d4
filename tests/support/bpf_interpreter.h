// Runs classic BPF programs of seccomp as the kernel does, so that filters are tested without loading them.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace cella::test {

// The program's verdict (SECCOMP_RET_*), or nullopt for a program that the kernel would refuse: an unknown instruction,
// a load outside seccomp_data or unaligned, a jump past the end, no return.
// steps: how many instructions ran, if not null.
std::optional<std::uint32_t> run_seccomp(const std::vector<sock_filter>& program, const seccomp_data& data,
                                         unsigned* steps = nullptr);

}  // namespace cella::test
