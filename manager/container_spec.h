// One container as merged from profiles and instance, valid, with every text turned into a value. Still free of the
// kernel: no descriptor, no id range, no address.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "cgroups/limits.h"
#include "cgroups/notation.h"
#include "manager/config.h"
#include "manager/disk_limits.h"
#include "manager/proxy_device.h"
#include "manager/security_settings.h"
#include "runtime/plan.h"

namespace cella::manager {

struct RootDisk {
  std::string device;
  std::string pool;
  std::optional<Bytes> size;
  bool operator==(const RootDisk&) const = default;
};

// A file or directory of the host inside the container, or a custom volume.
struct BindMount {
  std::string device;
  std::string source;  // absolute, on the host; of a volume: its name
  std::string pool;    // of a volume; empty: the source is on the host
  std::string path;    // absolute, inside
  bool read_only = false;
  bool recursive = false;
  bool required = true;
  bool shift = false;  // id-mapped: files of host root belong to the container's root
  bool operator==(const BindMount&) const = default;
};

struct UnixNode {
  std::string device;
  bool block = false;
  std::string source;  // on the host; empty when major and minor are given
  std::string path;    // below /dev, without "/dev/"
  std::optional<std::uint32_t> major;
  std::optional<std::uint32_t> minor;
  std::uint32_t mode = 0660;
  ContainerId user;
  ContainerId group;
  bool required = true;
  bool operator==(const UnixNode&) const = default;
};

struct Nic {
  std::string device;
  Device config;
  unsigned position = 0;  // among the container's NICs, in order of device names
  bool operator==(const Nic&) const = default;
};

struct ContainerSpec {
  std::string name;
  cgroups::Limits limits;                        // cpus only when pinned or balanced later
  std::optional<cgroups::CpuRequest> cpu;
  std::vector<runtime::ResourceLimit> resource_limits;
  std::vector<runtime::Sysctl> sysctls;
  std::map<std::string, std::string> environment;  // of environment.*
  std::optional<RootDisk> root;
  std::vector<BindMount> binds;  // parents before what lies in them
  std::vector<UnixNode> nodes;
  std::vector<Nic> nics;
  std::vector<ProxySettings> proxies;
  std::vector<DiskLimit> disk_limits;  // they become limits.io_max
  SecuritySettings security;
  bool guest_api = true;  // the socket in /dev/lxd
};

struct HostFacts {
  Bytes memory_total;  // what percentages of limits.memory are of
};

// Turns merged config and devices, each already checked by check_config() and check_devices(), into a specification.
// Errors: kInvalid naming key and value or device.
Result<ContainerSpec> build_spec(const std::string& name, const Config& config, const Devices& devices,
                                 const HostFacts& host);

// The limits.* part alone, for changes to a running container.
Result<cgroups::Limits> build_limits(const Config& config, const HostFacts& host);

// limits.memory.swap: true and false as in LXD, or the most that may be swapped out. Errors: kInvalid.
struct SwapRequest {
  bool allowed = true;
  std::optional<Bytes> most;
};
Result<SwapRequest> parse_swap(std::string_view key, std::string_view value);

// The host's paths of the nodes that the container can do without.
std::vector<std::string> optional_sources(const ContainerSpec& spec);

// "net.ipv4.ip_forward" → "net/ipv4/ip_forward"; a name whose first separator is a slash stays (as sysctl(8)).
std::string sysctl_path(std::string_view name);

}  // namespace cella::manager
