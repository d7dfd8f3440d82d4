#include "manager/cpu_balance.h"

#include <algorithm>
#include <map>
#include <memory>

#include "cgroups/balance.h"
#include "cgroups/limits.h"
#include "manager/instance_set.h"

namespace cella::manager {

std::optional<cgroups::CpuSet> CpuBalance::place(const std::string& name,
                                                 const std::optional<cgroups::CpuRequest>& request) {
  return balance(&name, request);
}

void CpuBalance::rebalance() { (void)balance(nullptr, std::nullopt); }

std::optional<cgroups::CpuSet> CpuBalance::balance(const std::string* newcomer,
                                                   const std::optional<cgroups::CpuRequest>& request) {
  std::lock_guard lock(mutex_);
  std::vector<cgroups::CpuClient> clients;
  std::map<std::string, std::shared_ptr<RunningContainer>> containers;
  bool any = request.has_value();
  for (const auto& entry : set_.list()) {
    auto running = set_.running(*entry);
    if (running == nullptr) continue;
    const auto name = set_.record(*entry).name;
    std::lock_guard container_lock(running->mutex);
    any = any || running->cpu || running->limits.cpus;
    clients.push_back({name, running->cpu});
    containers.emplace(name, std::move(running));
  }
  if (!any) return std::nullopt;
  if (newcomer != nullptr) clients.push_back({*newcomer, request});
  std::optional<cgroups::CpuSet> placed;
  for (const auto& assignment : cgroups::balance_cpus(usable_, clients)) {
    const auto cpus = assignment.cpus.empty() ? std::nullopt : std::optional(assignment.cpus);
    if (newcomer != nullptr && assignment.name == *newcomer) {
      placed = cpus;
      continue;
    }
    const auto found = containers.find(assignment.name);
    if (found == containers.end()) continue;
    RunningContainer& container = *found->second;
    std::lock_guard container_lock(container.mutex);
    auto wanted = container.limits;
    wanted.cpus = cpus;
    // A container that is just ending has no files any more: nothing to move.
    if (cgroups::apply_limits(container.cgroup, container.limits, wanted).ok()) container.limits = std::move(wanted);
  }
  return placed;
}

}  // namespace cella::manager
