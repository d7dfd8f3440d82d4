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
#include "runtime/plan.h"

namespace cella::manager {

struct RootDisk {
  std::string device;
  std::string pool;
  std::optional<Bytes> size;
  bool operator==(const RootDisk&) const = default;
};

// A file or directory of the host inside the container.
struct BindMount {
  std::string device;
  std::string source;  // absolute, on the host
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

// "net.ipv4.ip_forward" → "net/ipv4/ip_forward"; a name whose first separator is a slash stays (as sysctl(8)).
std::string sysctl_path(std::string_view name);

}  // namespace cella::manager
