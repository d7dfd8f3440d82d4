// Disks of the host with their partitions.
#include <set>
#include <sstream>

#include "base/files.h"
#include "daemon/host_resources.h"
#include "daemon/sysfs.h"

namespace cella::daemon {
namespace {

const std::string kBlocks = "/sys/class/block/";
constexpr std::uint64_t kSector = 512;  // of sysfs's sizes, whatever the disk's own is

// Device numbers that something is mounted from.
std::set<std::string> mounted_devices() {
  std::set<std::string> numbers;
  std::istringstream lines(sysfs_text("/proc/1/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id, parent, number;
    words >> id >> parent >> number;
    numbers.insert(number);
  }
  return numbers;
}

// "nvme", "virtio", "scsi", "usb", … by the bus the disk is on.
std::string type_of(const std::string& resolved, const std::string& name) {
  if (name.starts_with("nvme")) return "nvme";
  if (resolved.find("/usb") != std::string::npos) return "usb";
  if (resolved.find("/virtio") != std::string::npos) return "virtio";
  const std::string bus = sysfs_link(resolved + "/device/subsystem");
  return bus;
}

std::string first_of(const std::string& directory, std::initializer_list<const char*> files) {
  for (const char* file : files) {
    if (std::string text = sysfs_text(directory + file); !text.empty()) return text;
  }
  return {};
}

std::vector<api::DiskPartition> partitions_of(const std::string& disk, const std::set<std::string>& mounted) {
  std::vector<api::DiskPartition> partitions;
  for (const std::string& name : sysfs_list(kBlocks + disk)) {
    const std::string directory = kBlocks + disk + "/" + name + "/";
    if (!path_exists(directory + "partition")) continue;
    api::DiskPartition partition;
    partition.id = name;
    partition.device = sysfs_text(directory + "dev");
    partition.read_only = sysfs_number(directory + "ro") != 0;
    partition.size = sysfs_number(directory + "size") * kSector;
    partition.partition = sysfs_number(directory + "partition");
    partition.mounted = mounted.contains(partition.device);
    partitions.push_back(std::move(partition));
  }
  return partitions;
}

api::StorageDisk disk_of(const std::string& name, const std::set<std::string>& mounted) {
  const std::string directory = kBlocks + name + "/";
  const std::string resolved = sysfs_resolve(kBlocks + name);
  api::StorageDisk disk;
  disk.id = name;
  disk.device = sysfs_text(directory + "dev");
  disk.model = sysfs_text(directory + "device/model");
  disk.type = type_of(resolved, name);
  disk.read_only = sysfs_number(directory + "ro") != 0;
  disk.mounted = mounted.contains(disk.device);
  disk.size = sysfs_number(directory + "size") * kSector;
  disk.removable = sysfs_number(directory + "removable") != 0;
  disk.wwn = first_of(directory, {"wwid", "device/wwid"});
  disk.numa_node = sysfs_number(directory + "device/numa_node");
  disk.block_size = sysfs_number(directory + "queue/physical_block_size");
  disk.firmware_version = first_of(directory, {"device/firmware_rev", "device/rev"});
  // The kernel knows whether it turns, not how fast; LXD then says 1.
  disk.rpm = sysfs_number(directory + "queue/rotational");
  disk.serial = first_of(directory, {"serial", "device/serial"});
  disk.partitions = partitions_of(name, mounted);
  disk.pci_address = pci_address_of(resolved);
  return disk;
}

}  // namespace

api::StorageResources host_disks() {
  api::StorageResources out;
  const auto mounted = mounted_devices();
  for (const std::string& name : sysfs_list(kBlocks)) {
    // Disks have a device behind them; loop devices, partitions and what is stacked on disks have none.
    if (path_exists(kBlocks + name + "/partition") || !path_exists(kBlocks + name + "/device")) continue;
    out.disks.push_back(disk_of(name, mounted));
    out.total += 1 + out.disks.back().partitions.size();
  }
  return out;
}

}  // namespace cella::daemon
