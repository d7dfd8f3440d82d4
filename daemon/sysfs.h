// Reading sysfs as it is: what is missing is empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cella::daemon {

// Trimmed; empty when the file is not there or cannot be read (many attributes answer EINVAL for "none").
std::string sysfs_text(const std::string& path);
// 0 where there is none. "-1", for no NUMA node, is 0 too.
std::uint64_t sysfs_number(const std::string& path);
// "0x1af4" → "1af4".
std::string sysfs_id(const std::string& path);
// Names in a directory, sorted by length and text, so that numbers come in order; empty when it is not there.
std::vector<std::string> sysfs_list(const std::string& path);
// The last part of what a symbolic link points to; empty when it is none.
std::string sysfs_link(const std::string& path);
// The directory behind a link, absolute; empty when it does not exist.
std::string sysfs_resolve(const std::string& path);
// The part "0000:00:01.0" of a resolved device path that is innermost; empty for what is on no PCI bus.
std::string pci_address_of(const std::string& resolved);
// Version of a device's driver: of its module, or of the kernel when it tells none; empty without a driver.
std::string driver_version_of(const std::string& device);

}  // namespace cella::daemon
