#include "daemon/metrics_text.h"

#include <array>
#include <charconv>

namespace cella::daemon {
namespace {

using Type = MetricFamilies::Type;

std::string number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

MetricLabels with(const std::string& key, const std::string& value, const MetricLabels& labels) {
  MetricLabels out{{key, value}};
  out.insert(out.end(), labels.begin(), labels.end());
  return out;
}

struct MemoryLine {
  const char* family;
  const char* stat;
  const char* help;
};

constexpr std::array kMemory{
    MemoryLine{"lxd_memory_Active_anon_bytes", "active_anon", "The amount of anonymous memory on active LRU list."},
    MemoryLine{"lxd_memory_Active_file_bytes", "active_file", "The amount of file-backed memory on active LRU list."},
    MemoryLine{"lxd_memory_Cached_bytes", "file", "The amount of cached memory."},
    MemoryLine{"lxd_memory_Dirty_bytes", "file_dirty", "The amount of memory waiting to get written back to the disk."},
    MemoryLine{"lxd_memory_Inactive_anon_bytes", "inactive_anon", "The amount of anonymous memory on inactive LRU list."},
    MemoryLine{"lxd_memory_Inactive_file_bytes", "inactive_file",
               "The amount of file-backed memory on inactive LRU list."},
    MemoryLine{"lxd_memory_Mapped_bytes", "file_mapped", "The amount of mapped memory."},
    MemoryLine{"lxd_memory_RSS_bytes", "anon", "The amount of anonymous and swap cache memory."},
    MemoryLine{"lxd_memory_Shmem_bytes", "shmem", "The amount of cached filesystem data that is swap-backed."},
    MemoryLine{"lxd_memory_Unevictable_bytes", "unevictable", "The amount of unevictable memory."},
    MemoryLine{"lxd_memory_Writeback_bytes", "file_writeback", "The amount of memory queued for syncing to disk."},
};

void add_memory(MetricFamilies& families, const manager::InstanceMetrics& instance, const MetricLabels& labels) {
  if (instance.memory.empty()) return;
  const auto stat = [&](const char* name) {
    const auto found = instance.memory.find(name);
    return found == instance.memory.end() ? 0.0 : static_cast<double>(found->second);
  };
  const auto gauge = [&](const char* family, const char* help, double value) {
    families.add(family, Type::kGauge, help, labels, value);
  };
  for (const MemoryLine& line : kMemory) gauge(line.family, line.help, stat(line.stat));
  gauge("lxd_memory_Active_bytes", "The amount of memory on active LRU list.",
        stat("active_anon") + stat("active_file"));
  gauge("lxd_memory_Inactive_bytes", "The amount of memory on inactive LRU list.",
        stat("inactive_anon") + stat("inactive_file"));
  const double total = static_cast<double>(instance.memory_limit);
  const double free = total - static_cast<double>(instance.memory_usage);
  gauge("lxd_memory_MemTotal_bytes", "The amount of used memory.", total);
  gauge("lxd_memory_MemFree_bytes", "The amount of free memory.", free);
  gauge("lxd_memory_MemAvailable_bytes", "The amount of available memory.",
        free + stat("inactive_file") + stat("slab_reclaimable"));
  gauge("lxd_memory_Swap_bytes", "The amount of used swap memory.", static_cast<double>(instance.swap_usage));
  families.add("lxd_memory_OOM_kills_total", Type::kCounter, "The number of out of memory kills.", labels,
               static_cast<double>(instance.oom_kills));
}

void add_disks(MetricFamilies& families, const manager::InstanceMetrics& instance, const MetricLabels& labels) {
  for (const auto& disk : instance.disks) {
    const auto counter = [&](const char* family, const char* help, std::uint64_t value) {
      families.add(family, Type::kCounter, help, with("device", disk.device, labels), static_cast<double>(value));
    };
    counter("lxd_disk_read_bytes_total", "The total number of bytes read.", disk.read_bytes);
    counter("lxd_disk_reads_completed_total", "The total number of completed reads.", disk.reads);
    counter("lxd_disk_written_bytes_total", "The total number of bytes written.", disk.written_bytes);
    counter("lxd_disk_writes_completed_total", "The total number of completed writes.", disk.writes);
  }
  if (!instance.root) return;
  const auto& root = *instance.root;
  MetricLabels place{{"device", root.device}, {"fstype", root.driver}, {"mountpoint", "/"}};
  place.insert(place.end(), labels.begin(), labels.end());
  const double free = static_cast<double>(root.size - root.used);
  families.add("lxd_filesystem_avail_bytes", Type::kGauge, "The number of available space in bytes.", place, free);
  families.add("lxd_filesystem_free_bytes", Type::kGauge, "The number of free space in bytes.", place, free);
  families.add("lxd_filesystem_size_bytes", Type::kGauge, "The size of the filesystem in bytes.", place,
               static_cast<double>(root.size));
}

void add_network(MetricFamilies& families, const manager::InstanceMetrics& instance, const MetricLabels& labels) {
  for (const auto& [name, state] : instance.network) {
    const auto counter = [&](const char* family, const char* help, std::int64_t value) {
      families.add(family, Type::kCounter, help, with("device", name, labels), static_cast<double>(value));
    };
    counter("lxd_network_receive_bytes_total", "The amount of received bytes on a given interface.",
            state.bytes_received);
    counter("lxd_network_receive_drop_total", "The amount of received dropped bytes on a given interface.",
            state.packets_dropped_inbound);
    counter("lxd_network_receive_errs_total", "The amount of received errors on a given interface.",
            state.errors_received);
    counter("lxd_network_receive_packets_total", "The amount of received packets on a given interface.",
            state.packets_received);
    counter("lxd_network_transmit_bytes_total", "The amount of transmitted bytes on a given interface.",
            state.bytes_sent);
    counter("lxd_network_transmit_drop_total", "The amount of transmitted dropped bytes on a given interface.",
            state.packets_dropped_outbound);
    counter("lxd_network_transmit_errs_total", "The amount of transmitted errors on a given interface.",
            state.errors_sent);
    counter("lxd_network_transmit_packets_total", "The amount of transmitted packets on a given interface.",
            state.packets_sent);
  }
}

}  // namespace

void MetricFamilies::add(const std::string& family, Type type, const std::string& help, const MetricLabels& labels,
                         double value, const std::string& suffix) {
  const auto [found, fresh] = families_.try_emplace(family, Family{type, help, {}});
  if (fresh) order_.push_back(family);
  std::string& samples = found->second.samples;
  samples += family + suffix;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    samples += (i == 0 ? "{" : ",") + labels[i].first + "=\"" + escaped(labels[i].second) + "\"";
  }
  samples += std::string(labels.empty() ? "" : "}") + " " + number(value) + "\n";
}

std::string MetricFamilies::text() const {
  constexpr std::array<const char*, 3> kTypes{"counter", "gauge", "histogram"};
  std::string out;
  for (const std::string& name : order_) {
    const Family& family = families_.at(name);
    out += "# HELP " + name + " " + family.help + "\n# TYPE " + name + " " +
           kTypes[static_cast<std::size_t>(family.type)] + "\n" + family.samples;
  }
  return out + "# EOF\n";
}

void add_instance(MetricFamilies& families, const manager::InstanceMetrics& instance) {
  const MetricLabels labels{{"name", instance.name}, {"project", instance.project}, {"type", "container"}};
  const auto cpu = [&](const char* mode, std::int64_t microseconds) {
    // cgroup v2 counts all CPUs together; LXD shows that as CPU 0.
    MetricLabels of_mode{{"cpu", "0"}, {"mode", mode}};
    of_mode.insert(of_mode.end(), labels.begin(), labels.end());
    families.add("lxd_cpu_seconds_total", Type::kCounter, "The total number of CPU time used in seconds.", of_mode,
                 static_cast<double>(microseconds) / 1e6);
  };
  cpu("system", instance.cpu_system_us);
  cpu("user", instance.cpu_user_us);
  add_disks(families, instance, labels);
  add_memory(families, instance, labels);
  add_network(families, instance, labels);
  families.add("lxd_procs_total", Type::kGauge, "The number of running processes.", labels,
               static_cast<double>(instance.processes));
}

void add_launches(MetricFamilies& families, const manager::LaunchStatistics& launches) {
  const std::string family = "cella_launch_step_seconds";
  const std::string help = "How long the steps of instance starts took.";
  for (const auto& [step, histogram] : launches.steps()) {
    const auto sample = [&, step = step](const MetricLabels& labels, double value, const char* suffix) {
      families.add(family, Type::kHistogram, help, with("step", step, labels), value, suffix);
    };
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < manager::kLaunchBuckets.size(); ++i) {
      below += histogram.counts[i];
      sample({{"le", number(static_cast<double>(manager::kLaunchBuckets[i]) / 1e9)}}, static_cast<double>(below),
             "_bucket");
    }
    sample({{"le", "+Inf"}}, static_cast<double>(histogram.count), "_bucket");
    sample({}, static_cast<double>(histogram.total_ns) / 1e9, "_sum");
    sample({}, static_cast<double>(histogram.count), "_count");
  }
  families.add("cella_launch_failures_total", Type::kCounter, "Starts of instances that failed.", {},
               static_cast<double>(launches.failures()));
}

}  // namespace cella::daemon
