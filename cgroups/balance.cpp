#include "cgroups/balance.h"

#include <algorithm>
#include <map>

namespace cella::cgroups {

namespace {

// How many clients each usable CPU has.
using Load = std::map<std::uint32_t, std::uint32_t>;

// The `count` CPUs with the fewest clients; the lowest numbers among equals.
CpuSet least_used(const Load& load, std::size_t count) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> by_load;  // (clients, CPU)
  for (const auto& [cpu, clients] : load) by_load.emplace_back(clients, cpu);
  std::sort(by_load.begin(), by_load.end());
  CpuSet chosen;
  for (std::size_t i = 0; i < std::min(count, by_load.size()); ++i) chosen.add(by_load[i].second);
  return chosen;
}

void count_clients(Load& load, const CpuSet& cpus) {
  for (const std::uint32_t cpu : cpus.cpus()) ++load[cpu];
}

}  // namespace

std::vector<CpuAssignment> balance_cpus(const CpuSet& usable, const std::vector<CpuClient>& clients) {
  Load load;
  for (const std::uint32_t cpu : usable.cpus()) load[cpu] = 0;
  std::vector<CpuAssignment> assignments;
  for (const CpuClient& client : clients) {
    assignments.push_back({client.name, {}});
    const auto* pinned = client.request ? std::get_if<CpuSet>(&*client.request) : nullptr;
    if (!pinned) continue;
    const CpuSet possible = pinned->intersection(usable);
    count_clients(load, possible);
    assignments.back().cpus = possible.empty() ? *pinned : possible;
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto* count = clients[i].request ? std::get_if<std::uint32_t>(&*clients[i].request) : nullptr;
    if (!count) continue;
    assignments[i].cpus = least_used(load, *count);
    count_clients(load, assignments[i].cpus);
  }
  return assignments;
}

}  // namespace cella::cgroups
