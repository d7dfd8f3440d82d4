// Processors and memory of the host.
#include <sys/utsname.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/units.h"
#include "daemon/host_resources.h"
#include "daemon/sysfs.h"

namespace cella::daemon {
namespace {

const std::string kCpus = "/sys/devices/system/cpu/";
const std::string kNodes = "/sys/devices/system/node/";

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  return from == std::string_view::npos ? std::string_view()
                                        : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// The value of the first "key : value" line.
std::string value_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trimmed(line.substr(0, colon)) == key) {
      return std::string(trimmed(line.substr(colon + 1)));
    }
  }
  return {};
}

// "MemTotal:  16384 kB" in bytes.
std::uint64_t kib_of(std::string_view text, std::string_view key) {
  const std::string value = value_of(text, key);
  const auto number = parse_unsigned(key, value.substr(0, value.find(' ')));
  return number.ok() ? *number * 1024 : 0;
}

// "48K", "480M".
std::uint64_t cache_size(std::string text) {
  std::uint64_t unit = 1;
  if (text.ends_with('K')) unit = 1024;
  if (text.ends_with('M')) unit = 1024 * 1024;
  if (unit > 1) text.pop_back();
  const auto number = parse_unsigned("size", text);
  return number.ok() ? *number * unit : 0;
}

bool is_numbered(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
}

std::uint64_t node_of(const std::string& cpu) {
  for (const std::string& name : sysfs_list(cpu)) {
    if (!is_numbered(name, "node")) continue;
    const auto node = parse_unsigned("node", name.substr(4));
    if (node.ok()) return *node;
  }
  return 0;
}

std::vector<api::CpuCache> caches_of(const std::string& cpu) {
  std::vector<api::CpuCache> caches;
  for (const std::string& name : sysfs_list(cpu + "/cache")) {
    if (!is_numbered(name, "index")) continue;
    const std::string cache = cpu + "/cache/" + name + "/";
    caches.push_back({sysfs_number(cache + "level"), sysfs_text(cache + "type"), cache_size(sysfs_text(cache + "size"))});
  }
  return caches;
}

// Whether a number is in "1-3,5".
bool is_listed(std::string_view list, std::uint64_t number) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view range = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t dash = range.find('-');
    const auto first = parse_unsigned("first", range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_unsigned("last", range.substr(dash + 1));
    if (first.ok() && last.ok() && *first <= number && number <= *last) return true;
  }
  return false;
}

// Collects the processors by socket and core.
class Topology {
 public:
  explicit Topology(std::string isolated) : isolated_(std::move(isolated)) {}

  void add(std::uint64_t number) {
    const std::string cpu = kCpus + "cpu" + std::to_string(number);
    const std::string topology = cpu + "/topology/";
    api::CpuSocket& socket = sockets_[sysfs_number(topology + "physical_package_id")];
    socket.socket = sysfs_number(topology + "physical_package_id");
    if (socket.cache.empty()) socket.cache = caches_of(cpu);
    const std::string frequency = cpu + "/cpufreq/";
    socket.frequency_minimum = sysfs_number(frequency + "cpuinfo_min_freq") / 1000;
    socket.frequency_turbo = sysfs_number(frequency + "cpuinfo_max_freq") / 1000;
    api::CpuCore& core = core_of(socket, sysfs_number(topology + "core_id"), sysfs_number(topology + "die_id"));
    core.frequency = std::max(core.frequency, sysfs_number(frequency + "scaling_cur_freq") / 1000);
    socket.frequency = std::max(socket.frequency, core.frequency);
    api::CpuThread thread;
    thread.id = static_cast<std::int64_t>(number);
    thread.numa_node = node_of(cpu);
    thread.thread = core.threads.size();
    thread.isolated = is_listed(isolated_, number);
    core.threads.push_back(thread);
  }

  std::vector<api::CpuSocket> take() {
    std::vector<api::CpuSocket> all;
    for (auto& [number, socket] : sockets_) all.push_back(std::move(socket));
    return all;
  }

 private:
  static api::CpuCore& core_of(api::CpuSocket& socket, std::uint64_t id, std::uint64_t die) {
    for (api::CpuCore& core : socket.cores) {
      if (core.core == id && core.die == die) return core;
    }
    return socket.cores.emplace_back(api::CpuCore{id, die, {}, 0});
  }

  const std::string isolated_;
  std::map<std::uint64_t, api::CpuSocket> sockets_;
};

std::uint64_t huge_pages(const std::string& node, const std::string& file) {
  std::uint64_t bytes = 0;
  for (const std::string& size : sysfs_list(node + "/hugepages")) {
    const auto kib = parse_unsigned("size", size.substr(size.find('-') + 1, size.size() - size.find('-') - 3));
    if (kib.ok()) bytes += sysfs_number(node + "/hugepages/" + size + "/" + file) * *kib * 1024;
  }
  return bytes;
}

api::MemoryNode memory_node(std::uint64_t number) {
  const std::string directory = kNodes + "node" + std::to_string(number);
  // "Node 0 MemTotal:       16384 kB"
  const std::string text = sysfs_text(directory + "/meminfo");
  const std::string prefix = "Node " + std::to_string(number) + " ";
  api::MemoryNode node;
  node.numa_node = number;
  node.total = kib_of(text, prefix + "MemTotal");
  node.used = kib_of(text, prefix + "MemUsed");
  node.hugepages_total = huge_pages(directory, "nr_hugepages");
  node.hugepages_used = node.hugepages_total - huge_pages(directory, "free_hugepages");
  return node;
}

}  // namespace

Result<api::CpuResources> host_cpus() {
  const std::string cpuinfo = TRY(read_file("/proc/cpuinfo"));
  Topology topology(sysfs_text(kCpus + "isolated"));
  api::CpuResources out;
  for (const std::string& name : sysfs_list(kCpus)) {
    if (!is_numbered(name, "cpu") || !path_exists(kCpus + name + "/topology")) continue;
    topology.add(TRY(parse_unsigned("cpu", name.substr(3))));
    ++out.total;
  }
  out.sockets = topology.take();
  for (api::CpuSocket& socket : out.sockets) {
    socket.name = value_of(cpuinfo, "model name");
    socket.vendor = value_of(cpuinfo, "vendor_id");
  }
  utsname name{};
  uname(&name);
  out.architecture = name.machine;
  return out;
}

Result<api::MemoryResources> host_memory() {
  const std::string text = TRY(read_file("/proc/meminfo"));
  api::MemoryResources out;
  out.total = kib_of(text, "MemTotal");
  out.used = out.total - std::min(out.total, kib_of(text, "MemAvailable"));
  out.hugepages_size = kib_of(text, "Hugepagesize");
  const auto pages = [&](const char* key) {
    const auto count = parse_unsigned(key, value_of(text, key));
    return count.ok() ? *count * out.hugepages_size : 0;
  };
  out.hugepages_total = pages("HugePages_Total");
  out.hugepages_used = out.hugepages_total - pages("HugePages_Free");
  for (const std::string& name : sysfs_list(kNodes)) {
    if (is_numbered(name, "node")) out.nodes.push_back(memory_node(TRY(parse_unsigned("node", name.substr(4)))));
  }
  return out;
}

}  // namespace cella::daemon
