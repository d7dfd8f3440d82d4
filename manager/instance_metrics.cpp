#include "manager/instance_metrics.h"

#include <algorithm>
#include <unistd.h>

#include "base/units.h"
#include "cgroups/cpu.h"
#include "cgroups/io.h"
#include "cgroups/memory.h"
#include "manager/names.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

// "sda" for 8:0; the number where the device has no name any more.
std::string block_device_name(cgroups::BlockDevice device) {
  const std::string number = std::to_string(device.major) + ":" + std::to_string(device.minor);
  std::string target(4096, '\0');
  const auto size = ::readlink(("/sys/dev/block/" + number).c_str(), target.data(), target.size());
  if (size <= 0) return number;
  target.resize(static_cast<std::size_t>(size));
  return target.substr(target.rfind('/') + 1);
}

}  // namespace

std::map<std::string, std::uint64_t> parse_flat_keyed(std::string_view text) {
  std::map<std::string, std::uint64_t> values;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const auto value = parse_unsigned("value", line.substr(space + 1));
    if (value.ok()) values[std::string(line.substr(0, space))] = *value;
  }
  return values;
}

void MetricsReader::add_cgroup(const cgroups::Cgroup& cgroup, InstanceMetrics& metrics) const {
  if (const auto cpu = cgroups::read_cpu_stat(cgroup); cpu.ok()) {
    metrics.cpu_user_us = cpu->user.count();
    metrics.cpu_system_us = cpu->system.count();
  }
  if (around_.controllers.has(cgroups::Controller::kMemory)) {
    if (const auto stat = cgroup.read("memory.stat"); stat.ok()) metrics.memory = parse_flat_keyed(*stat);
    if (const auto events = cgroups::read_memory_events(cgroup); events.ok()) metrics.oom_kills = events->oom_kill;
  }
  if (!around_.controllers.has(cgroups::Controller::kIo)) return;
  const auto stats = cgroups::read_io_stat(cgroup);
  if (!stats.ok()) return;
  for (const auto& stat : *stats) {
    metrics.disks.push_back(
        {block_device_name(stat.device), stat.read.value, stat.written.value, stat.reads, stat.writes});
  }
}

void MetricsReader::add_root(const InstanceRecord& record, InstanceMetrics& metrics) const {
  const auto pool = around_.pools.find(record.pool);
  const auto resources = around_.pools.resources(record.pool);
  if (!pool.ok() || !resources.ok()) return;
  InstanceMetrics::FileSystem root{record.pool, pool->driver, resources->space_total, resources->space_used};
  // Under a quota the root is as large as that.
  const auto usage = around_.pools.root_usage(record.pool, record.name);
  if (usage.ok() && usage->total > 0) {
    root.size = usage->total;
    root.used = usage->used;
  }
  metrics.root = std::move(root);
}

std::vector<InstanceMetrics> MetricsReader::read() const {
  std::vector<InstanceMetrics> all;
  for (const auto& entry : around_.set.list()) {
    const auto running = around_.set.running(*entry);
    if (running == nullptr) continue;
    const auto record = around_.set.record(*entry);
    const auto state = views_.state(record.name);
    if (!state.ok()) continue;
    InstanceMetrics metrics;
    metrics.name = short_name(record.name);
    metrics.project = project_of(record.name);
    metrics.memory_usage = static_cast<std::uint64_t>(state->memory.usage);
    metrics.memory_limit = static_cast<std::uint64_t>(state->memory.total);
    metrics.swap_usage = static_cast<std::uint64_t>(state->memory.swap_usage);
    metrics.processes = state->processes;
    metrics.network = state->network;
    add_cgroup(running->cgroup, metrics);
    add_root(record, metrics);
    all.push_back(std::move(metrics));
  }
  return all;
}

}  // namespace cella::manager
