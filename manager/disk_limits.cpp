#include "manager/disk_limits.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/files.h"
#include "base/units.h"
#include "cgroups/notation.h"
#include "manager/device_rules.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

using cgroups::BlockDevice;
using cgroups::IoMax;

using Rate = std::optional<std::uint64_t> IoMax::*;
constexpr std::array<Rate, 4> kRates{&IoMax::read_bytes, &IoMax::write_bytes, &IoMax::read_operations,
                                     &IoMax::write_operations};

BlockDevice device_of(dev_t number) { return {gnu_dev_major(number), gnu_dev_minor(number)}; }

// The source of a mount whose file system has this (anonymous) number: "/dev/sda2" of
// "36 35 0:29 / /srv rw - btrfs /dev/sda2 rw". Source: proc(5), /proc/PID/mountinfo.
std::string mount_source(std::string_view mounts, BlockDevice number) {
  const std::string wanted = cgroups::format_block_device(number);
  while (!mounts.empty()) {
    const std::string_view line = mounts.substr(0, mounts.find('\n'));
    mounts.remove_prefix(std::min(mounts.size(), line.size() + 1));
    const std::size_t parent = line.find(' ');
    const std::size_t third = parent == std::string_view::npos ? parent : line.find(' ', parent + 1);
    const std::size_t dash = line.find(" - ");
    if (third == std::string_view::npos || dash == std::string_view::npos) continue;
    if (!line.substr(third + 1).starts_with(wanted + " ")) continue;
    const std::size_t source = line.find(' ', dash + 3);
    if (source == std::string_view::npos) continue;
    return std::string(line.substr(source + 1, line.find(' ', source + 1) - source - 1));
  }
  return {};
}

Result<BlockDevice> disk_below(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(errno, "stat " + path);
  const DirFd sys = TRY(open_dir("/sys/dev/block"));
  const BlockDevice number = device_of(S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev);
  auto disk = cgroups::whole_disk(sys, number);
  if (disk.ok() || disk.error().kind() != ErrorKind::kNotFound) return disk;
  // btrfs numbers its subvolumes itself; the mount tells what it lies on.
  const std::string source = mount_source(TRY(read_file("/proc/self/mountinfo")), number);
  if (source.starts_with("/dev/") && ::stat(source.c_str(), &status) == 0 && S_ISBLK(status.st_mode)) {
    return cgroups::whole_disk(sys, device_of(status.st_rdev));
  }
  return Error(ErrorKind::kUnsupported, path + " is on no block device of this host");
}

}  // namespace

Result<std::optional<DiskLimit>> parse_disk_limit(const std::string& name, const Device& disk) {
  DiskLimit limit;
  limit.device = name;
  limit.pool = device_value(disk, "pool");
  limit.source = device_value(disk, "source");
  const auto& required = device_value(disk, "required");
  if (!required.empty()) limit.required = TRY(parse_bool("required", required));
  for (const char* key : {"limits.read", "limits.write", "limits.max"}) {
    const auto& text = device_value(disk, key);
    if (text.empty()) continue;
    if (!limit.key.empty() && key == std::string_view("limits.max")) {
      return invalid_value(key, text, "cannot be given beside " + limit.key);
    }
    const auto rate = TRY(cgroups::parse_disk_rate(key, text));
    if (key != std::string_view("limits.write")) {
      limit.rates.read_bytes = rate.bytes;
      limit.rates.read_operations = rate.operations;
    }
    if (key != std::string_view("limits.read")) {
      limit.rates.write_bytes = rate.bytes;
      limit.rates.write_operations = rate.operations;
    }
    limit.key = key;
  }
  if (limit.key.empty()) return std::optional<DiskLimit>();
  return std::optional(std::move(limit));
}

std::vector<IoMax> average(const std::vector<IoMax>& limits) {
  std::map<BlockDevice, std::vector<const IoMax*>> by_device;
  for (const IoMax& limit : limits) by_device[limit.device].push_back(&limit);
  std::vector<IoMax> averages;
  for (const auto& [device, members] : by_device) {
    IoMax whole{.device = device};
    for (const Rate rate : kRates) {
      std::uint64_t sum = 0, count = 0;
      for (const IoMax* member : members) {
        if (!(member->*rate)) continue;
        sum += *(member->*rate);
        ++count;
      }
      if (count > 0) whole.*rate = sum / count;
    }
    averages.push_back(whole);
  }
  return averages;
}

Result<std::vector<IoMax>> resolve_disk_limits(const std::vector<DiskLimit>& limits, const Pools& pools,
                                               cgroups::ControllerSet available) {
  std::vector<IoMax> resolved;
  for (const DiskLimit& limit : limits) {
    const std::string object = "device " + limit.device + ": " + limit.key;
    if (!available.has(cgroups::Controller::kIo)) {
      return Error(ErrorKind::kUnsupported, object + ": the io controller is not available in this host's cgroup v2");
    }
    const std::string path = limit.pool.empty() ? limit.source : TRY(pools.access(limit.pool)).spec.directory;
    if (!limit.required && !path_exists(path)) continue;
    IoMax rates = limit.rates;
    rates.device = TRY_CONTEXT(object, disk_below(path));
    resolved.push_back(rates);
  }
  return average(resolved);
}

}  // namespace cella::manager
