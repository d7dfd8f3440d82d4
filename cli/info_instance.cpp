#include "cli/info_instance.h"

#include <algorithm>
#include <cstdint>

#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

std::uint64_t positive(std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value)); }

std::string memory_text(const api::InstanceStateMemory& memory) {
  std::string out;
  const auto line = [&](const char* label, std::int64_t bytes) {
    if (bytes > 0) out.append("    ").append(label).append(": ").append(binary_size(positive(bytes))).append("\n");
  };
  line("Memory (current)", memory.usage);
  line("Memory (peak)", memory.usage_peak);
  line("Swap (current)", memory.swap_usage);
  line("Swap (peak)", memory.swap_usage_peak);
  return out.empty() ? out : "  Memory usage:\n" + out;
}

std::string addresses_text(const std::vector<api::InterfaceAddress>& addresses) {
  std::string out;
  for (const auto& address : addresses) {
    out.append("        ").append(address.family).append(address.family == "inet" ? ":  " : ": ");
    out.append(address.address).append("/").append(address.netmask).append(" (").append(address.scope).append(")\n");
  }
  return out;
}

std::string interface_text(const std::string& name, const api::InstanceStateNetwork& network) {
  std::string out = "    " + name + ":\n";
  const auto line = [&](const char* label, const std::string& value) {
    if (!value.empty()) out.append("      ").append(label).append(": ").append(value).append("\n");
  };
  line("Type", network.type);
  line("State", upper_case(network.state));
  line("Host interface", network.host_name);
  line("MAC address", network.hwaddr);
  if (network.mtu > 0) line("MTU", std::to_string(network.mtu));
  line("Bytes received", decimal_size(positive(network.counters.bytes_received)));
  line("Bytes sent", decimal_size(positive(network.counters.bytes_sent)));
  line("Packets received", std::to_string(network.counters.packets_received));
  line("Packets sent", std::to_string(network.counters.packets_sent));
  out += "      IP addresses:\n";
  return out + addresses_text(network.addresses);
}

std::string disk_text(const api::InstanceState& state) {
  std::string out;
  for (const auto& [name, disk] : state.disk) {
    if (disk.usage > 0)
      out.append("    ").append(name).append(": ").append(binary_size(positive(disk.usage))).append("\n");
  }
  return out.empty() ? out : "  Disk usage:\n" + out;
}

std::string resources_text(const api::InstanceState& state) {
  std::string out = "\nResources:\n  Processes: " + std::to_string(state.processes) + "\n";
  out += disk_text(state);
  if (state.cpu.usage > 0) {
    out += "  CPU usage:\n    CPU usage (in seconds): " + std::to_string(state.cpu.usage / 1'000'000'000) + "\n";
  }
  out += memory_text(state.memory);
  if (!state.network.empty()) out += "  Network usage:\n";
  for (const auto& [name, network] : state.network) out += interface_text(name, network);
  return out;
}

std::string snapshots_text(const std::vector<api::Snapshot>& snapshots) {
  if (snapshots.empty()) return {};
  Table table{.headers = {"NAME", "TAKEN AT", "EXPIRES AT", "STATEFUL"}, .rows = {}};
  for (const api::Snapshot& snapshot : snapshots) {
    const std::string name = snapshot.name.substr(snapshot.name.rfind('/') + 1);
    table.rows.push_back({name, is_time_set(snapshot.created_at) ? short_time(snapshot.created_at) : std::string(),
                          is_time_set(snapshot.expires_at) ? short_time(snapshot.expires_at) : std::string(),
                          snapshot.stateful ? "YES" : "NO"});
  }
  return "\nSnapshots:\n" + framed_table(table);
}

}  // namespace

std::string instance_info(const api::InstanceFull& full) {
  const api::Instance& instance = full.instance;
  std::string out = "Name: " + instance.name + "\nStatus: " + upper_case(instance.status) + "\n";
  out += "Type: " + (instance.type.empty() ? std::string("container") : instance.type) +
         (instance.ephemeral ? " (ephemeral)" : "") + "\n";
  out += "Architecture: " + instance.architecture + "\n";
  const bool running = full.state.has_value() && full.state->pid != 0;
  if (running) out += "PID: " + std::to_string(full.state->pid) + "\n";
  if (is_time_set(instance.created_at)) out += "Created: " + short_time(instance.created_at) + "\n";
  if (is_time_set(instance.last_used_at)) out += "Last Used: " + short_time(instance.last_used_at) + "\n";
  if (running) out += resources_text(*full.state);
  return out + snapshots_text(full.snapshots);
}

}  // namespace cella::cli
