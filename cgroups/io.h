// The io controller: share and bandwidth per block device. Source: Documentation/admin-guide/cgroup-v2.rst, "IO".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "cgroups/cgroup.h"

namespace cella::cgroups {

// A whole disk (or loop device): the io controller knows no partitions.
struct BlockDevice {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  auto operator<=>(const BlockDevice&) const = default;
};
// "254:0"
Result<BlockDevice> parse_block_device(std::string_view text);
std::string format_block_device(BlockDevice device);

// Limits per second on one device; nullopt: none.
struct IoMax {
  BlockDevice device;
  std::optional<std::uint64_t> read_bytes;
  std::optional<std::uint64_t> write_bytes;
  std::optional<std::uint64_t> read_operations;
  std::optional<std::uint64_t> write_operations;
  bool operator==(const IoMax&) const = default;
};

// Sets the device's line of io.max: all four values, so that nothing of an earlier line stays.
// Errors: kNotFound if the device does not exist (ENODEV) or the controller is missing.
Result<void> set_io_max(const Cgroup& cgroup, const IoMax& limit);
std::string format_io_max(const IoMax& limit);
Result<std::vector<IoMax>> parse_io_max(std::string_view text);

// Sets the default of io.weight, 1 to 10000. It works on devices with blk-iocost (io.cost.qos) enabled.
Result<void> set_io_weight(const Cgroup& cgroup, std::uint32_t weight);
inline constexpr std::uint32_t kDefaultIoWeight = 100;

struct IoStat {
  BlockDevice device;
  Bytes read;
  Bytes written;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
};
Result<std::vector<IoStat>> parse_io_stat(std::string_view text);
Result<std::vector<IoStat>> read_io_stat(const Cgroup& cgroup);

// The disk whose queue a device number belongs to: a partition's disk, any other device itself.
// sys: the directory "/sys/dev/block". Errors: kNotFound for an unknown number (btrfs's and overlay's anonymous ones).
Result<BlockDevice> whole_disk(const DirFd& sys, BlockDevice device);

}  // namespace cella::cgroups
