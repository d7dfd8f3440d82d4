#include "daemon/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "api/codec.h"
#include "base/files.h"
#include "base/units.h"

namespace cella::daemon {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\n\"");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\n\"") - from + 1);
}

// Calls use(key, value) for each "key SEPARATOR value" line.
template <typename Use>
void each_line(std::string_view text, char separator, const Use& use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t split = line.find(separator);
    if (split != std::string_view::npos) use(trimmed(line.substr(0, split)), trimmed(line.substr(split + 1)));
  }
}

std::string text_of(const std::string& path) {
  const Result<std::string> text = read_file(path);
  return text.ok() ? std::string(trimmed(*text)) : std::string();
}

std::int64_t number_of(const std::string& path) {
  const Result<std::int64_t> number = parse_signed(path, text_of(path));
  return number.ok() ? *number : 0;
}

struct Core {
  std::int64_t die = 0;
  std::vector<int> threads;
};

struct Socket {
  std::string name, vendor;
  std::map<std::int64_t, Core> cores;
};

// Topology of the online processors, from /proc/cpuinfo and sysfs.
Result<std::map<std::int64_t, Socket>> read_sockets() {
  std::map<std::int64_t, Socket> sockets;
  std::string name, vendor;
  const std::string cpuinfo = TRY(read_file("/proc/cpuinfo"));
  each_line(cpuinfo, ':', [&](std::string_view key, std::string_view value) {
    if (key == "vendor_id") vendor = value;
    if (key == "model name") name = value;
  });
  each_line(cpuinfo, ':', [&](std::string_view key, std::string_view value) {
    if (key != "processor") return;
    const Result<std::uint64_t> cpu = parse_unsigned(key, value);
    if (!cpu.ok()) return;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::string(value) + "/topology/";
    Socket& socket = sockets[number_of(topology + "physical_package_id")];
    socket.name = name;
    socket.vendor = vendor;
    Core& core = socket.cores[number_of(topology + "core_id")];
    core.die = number_of(topology + "die_id");
    core.threads.push_back(static_cast<int>(*cpu));
  });
  return sockets;
}

std::string cpu_json(const std::map<std::int64_t, Socket>& sockets, const std::string& architecture) {
  std::string list;
  std::size_t total = 0;
  for (const auto& [number, socket] : sockets) {
    std::string cores;
    for (const auto& [id, core] : socket.cores) {
      std::string threads;
      for (std::size_t i = 0; i < core.threads.size(); ++i, ++total) {
        threads += std::string(i > 0 ? "," : "") + "{\"id\":" + std::to_string(core.threads[i]) +
                   ",\"numa_node\":0,\"thread\":" + std::to_string(i) + ",\"online\":true,\"isolated\":false}";
      }
      cores += std::string(cores.empty() ? "" : ",") + "{\"core\":" + std::to_string(id) +
               ",\"die\":" + std::to_string(core.die) + ",\"threads\":[" + threads + "]}";
    }
    list += std::string(list.empty() ? "" : ",") + "{\"name\":" + api::quote(socket.name) +
            ",\"vendor\":" + api::quote(socket.vendor) + ",\"socket\":" + std::to_string(number) +
            ",\"cache\":[],\"cores\":[" + cores + "]}";
  }
  return "{\"architecture\":" + api::quote(architecture) + ",\"sockets\":[" + list +
         "],\"total\":" + std::to_string(total) + "}";
}

Result<std::string> memory_json() {
  std::map<std::string, std::int64_t, std::less<>> kib;
  each_line(TRY(read_file("/proc/meminfo")), ':', [&](std::string_view key, std::string_view value) {
    const Result<std::int64_t> number = parse_signed(key, value.substr(0, value.find(' ')));
    if (number.ok()) kib[std::string(key)] = *number;
  });
  const std::int64_t total = kib["MemTotal"] * 1024;
  const std::int64_t used = total - kib["MemAvailable"] * 1024;
  const std::int64_t huge = kib["Hugepagesize"] * 1024;
  const std::int64_t huge_total = kib["HugePages_Total"] * huge;
  const std::int64_t huge_used = huge_total - kib["HugePages_Free"] * huge;
  return "{\"nodes\":[],\"hugepages_total\":" + std::to_string(huge_total) +
         ",\"hugepages_used\":" + std::to_string(huge_used) + ",\"hugepages_size\":" + std::to_string(huge) +
         ",\"used\":" + std::to_string(used) + ",\"total\":" + std::to_string(total) + "}";
}

}  // namespace

api::ServerEnvironment host_environment() {
  api::ServerEnvironment out;
  utsname name{};
  uname(&name);
  out.architectures = {name.machine};
  if (out.architectures[0] == "x86_64") out.architectures.emplace_back("i686");
  out.driver = "cella";
  out.firewall = "nftables";
  out.kernel = name.sysname;
  out.kernel_architecture = name.machine;
  out.kernel_version = name.release;
  out.kernel_features = {{"idmapped_mounts", "true"}, {"shiftfs", "false"}};
  out.lxc_features = {{"cgroup2", "true"}, {"pidfd", "true"}};
  each_line(text_of("/etc/os-release"), '=', [&](std::string_view key, std::string_view value) {
    if (key == "NAME") out.os_name = value;
    if (key == "VERSION_ID") out.os_version = value;
  });
  out.project = "default";
  out.server = "cella";
  out.server_event_mode = "full-mesh";
  out.server_name = name.nodename;
  out.server_pid = getpid();
  return out;
}

Result<std::string> host_resources() {
  utsname name{};
  uname(&name);
  return "{\"cpu\":" + cpu_json(TRY(read_sockets()), name.machine) + ",\"memory\":" + TRY(memory_json()) +
         ",\"gpu\":{\"cards\":[],\"total\":0},\"network\":{\"cards\":[],\"total\":0},"
         "\"storage\":{\"disks\":[],\"total\":0},\"usb\":{\"devices\":[],\"total\":0},"
         "\"pci\":{\"devices\":[],\"total\":0},\"system\":{\"uuid\":\"\",\"vendor\":" +
         api::quote(text_of("/sys/class/dmi/id/sys_vendor")) +
         ",\"product\":" + api::quote(text_of("/sys/class/dmi/id/product_name")) +
         ",\"family\":\"\",\"version\":\"\",\"sku\":\"\",\"serial\":\"\",\"type\":\"\",\"firmware\":null,"
         "\"chassis\":null,\"motherboard\":null}}";
}

}  // namespace cella::daemon
