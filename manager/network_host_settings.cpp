#include "manager/network_host_settings.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "netlink/dump.h"
#include "netlink/sysctls.h"

namespace cella::manager {
namespace {

// Settings found in another boot or another network namespace say nothing about this one.
Result<std::string> this_place() {
  std::string boot = TRY(read_file("/proc/sys/kernel/random/boot_id"));
  while (!boot.empty() && boot.back() == '\n') boot.pop_back();
  struct stat status{};
  if (::stat("/proc/thread-self/ns/net", &status) != 0) return errno_error(errno, "stat /proc/thread-self/ns/net");
  return boot + " " + std::to_string(status.st_ino);
}

}  // namespace

Result<void> HostSettings::load() {
  if (loaded_) return kOk;
  loaded_ = true;
  const auto text = read_file(file_);
  if (!text.ok()) return kOk;
  const std::string place = TRY(this_place());
  std::size_t at = text->find('\n');
  if (at == std::string::npos || text->substr(0, at) != place) return kOk;
  while (++at < text->size()) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    const std::size_t equals = text->find('=', at);
    if (equals < end) before_[text->substr(at, equals - at)] = text->substr(equals + 1, end - equals - 1);
    at = end;
  }
  return kOk;
}

Result<void> HostSettings::save() {
  std::string text = TRY(this_place()) + "\n";
  for (const auto& [name, value] : before_) text += name + "=" + value + "\n";
  const std::size_t slash = file_.rfind('/');
  TRY(make_dirs(file_.substr(0, slash), 0711));
  const DirFd directory = TRY(open_dir(file_.substr(0, slash)));
  return replace_file_at(directory, file_.substr(slash + 1), text, 0600);
}

Result<void> HostSettings::set(const std::string& name, const std::string& value) {
  const std::string now = TRY(netlink::read_setting(name));
  if (now == value) return kOk;
  // Recorded before it is changed: a crash in between restores what is there already.
  if (before_.try_emplace(name, now).second) TRY(save());
  return netlink::write_setting(name, value);
}

Result<void> HostSettings::enable_forwarding(netlink::Socket& socket, netlink::IpFamily family) {
  TRY(load());
  if (family == netlink::IpFamily::kV4) return set("ipv4/ip_forward", "1");
  if (TRY(netlink::read_setting("ipv6/conf/all/forwarding")) == "1") return kOk;
  for (const auto& link : TRY(netlink::list_links(socket))) {
    const std::string name = "ipv6/conf/" + link.name + "/accept_ra";
    const auto now = netlink::read_setting(name);
    // 1 means "unless forwarding"; without this the host would lose its own IPv6 route.
    if (now.ok() && *now == "1") TRY(set(name, "2"));
  }
  return set("ipv6/conf/all/forwarding", "1");
}

Result<void> HostSettings::restore() {
  TRY(load());
  for (const auto& [name, value] : before_) {
    const auto written = netlink::write_setting(name, value);
    // An interface that is gone took its settings along.
    if (!written.ok() && written.error().kind() != ErrorKind::kNotFound) return written.error();
  }
  before_.clear();
  (void)::unlink(file_.c_str());
  return kOk;
}

}  // namespace cella::manager
