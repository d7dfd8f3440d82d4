// Counters of running instances, read from outside: cgroup files, the host's view of the pool, a netlink socket that was
// opened in the container's network namespace. No namespace of a container is entered.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manager/instance_views.h"

namespace cella::manager {

struct InstanceMetrics {
  std::string name;
  std::string project;
  std::int64_t cpu_user_us = 0;
  std::int64_t cpu_system_us = 0;
  struct Disk {
    std::string device;  // "sda"
    std::uint64_t read_bytes = 0, written_bytes = 0, reads = 0, writes = 0;
  };
  std::vector<Disk> disks;  // only with the io controller
  struct FileSystem {
    std::string device;  // the pool
    std::string driver;
    std::int64_t size = 0, used = 0;  // bytes
  };
  std::optional<FileSystem> root;
  std::map<std::string, std::uint64_t> memory;  // lines of memory.stat; empty without the memory controller
  std::uint64_t memory_usage = 0, memory_limit = 0, swap_usage = 0, oom_kills = 0;
  std::int64_t processes = 0;
  std::map<std::string, NetworkState> network;
};

// Thread-safe. Both outlive it.
class MetricsReader {
 public:
  MetricsReader(const InstanceSurroundings& around, const InstanceViews& views) : around_(around), views_(views) {}

  // Of every running instance. What ends meanwhile is left out.
  std::vector<InstanceMetrics> read() const;

 private:
  void add_cgroup(const cgroups::Cgroup& cgroup, InstanceMetrics& metrics) const;
  void add_root(const InstanceRecord& record, InstanceMetrics& metrics) const;

  const InstanceSurroundings& around_;
  const InstanceViews& views_;
};

// "anon 4096\nfile 8192\n".
std::map<std::string, std::uint64_t> parse_flat_keyed(std::string_view text);

}  // namespace cella::manager
