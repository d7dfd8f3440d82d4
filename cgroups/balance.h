// Choosing CPUs for containers that asked for a number of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroups/cpu_set.h"
#include "cgroups/notation.h"

namespace cella::cgroups {

struct CpuClient {
  std::string name;
  std::optional<CpuRequest> request;  // unset: all CPUs
};
struct CpuAssignment {
  std::string name;
  // What to write to cpuset.cpus; empty (the parent's CPUs) without a request.
  CpuSet cpus;
  bool operator==(const CpuAssignment&) const = default;
};

// Spreads the clients over the usable CPUs: pinned ones get their set as far as it is usable, then each count takes the
// CPUs with the fewest clients so far, in the order given, lowest number first among equals. A count over the number of
// usable CPUs takes them all, as LXD does. The same input gives the same answer, so that unaffected clients stay put.
// A pinned set of which nothing is usable is given as it is: the kernel then lets it run on the parent's CPUs.
std::vector<CpuAssignment> balance_cpus(const CpuSet& usable, const std::vector<CpuClient>& clients);

}  // namespace cella::cgroups
