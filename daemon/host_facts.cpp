#include "daemon/host_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"

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

}  // namespace cella::daemon
