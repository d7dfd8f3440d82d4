#include "daemon/sysfs.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/files.h"
#include "base/units.h"

namespace cella::daemon {

std::string sysfs_text(const std::string& path) {
  const Result<std::string> text = read_file(path);
  if (!text.ok()) return {};
  const std::size_t from = text->find_first_not_of(" \t\n");
  if (from == std::string::npos) return {};
  return text->substr(from, text->find_last_not_of(" \t\n") - from + 1);
}

std::uint64_t sysfs_number(const std::string& path) {
  const Result<std::uint64_t> number = parse_unsigned(path, sysfs_text(path));
  return number.ok() ? *number : 0;
}

std::string sysfs_id(const std::string& path) {
  const std::string text = sysfs_text(path);
  return text.starts_with("0x") ? text.substr(2) : text;
}

std::vector<std::string> sysfs_list(const std::string& path) {
  const Result<DirFd> directory = open_dir(path);
  if (!directory.ok()) return {};
  Result<std::vector<std::string>> names = list_names(*directory);
  if (!names.ok()) return {};
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return *std::move(names);
}

std::string sysfs_link(const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  if (size <= 0) return {};
  target.resize(static_cast<std::size_t>(size));
  return target.substr(target.rfind('/') + 1);
}

std::string sysfs_resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
  return resolved ? std::string(resolved.get()) : std::string();
}

std::string pci_address_of(const std::string& resolved) {
  std::string found;
  for (std::size_t at = 0; at < resolved.size();) {
    const std::size_t end = std::min(resolved.find('/', at), resolved.size());
    const std::string part = resolved.substr(at, end - at);
    // "0000:00:01.0"
    if (part.size() == 12 && part[4] == ':' && part[7] == ':' && part[10] == '.') found = part;
    at = end + 1;
  }
  return found;
}

std::string driver_version_of(const std::string& device) {
  if (sysfs_link(device + "/driver").empty()) return {};
  std::string version = sysfs_text(device + "/driver/module/version");
  if (!version.empty()) return version;
  utsname name{};
  uname(&name);
  return name.release;
}

}  // namespace cella::daemon
