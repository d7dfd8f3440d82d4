#include "manager/disk_sources.h"

#include <fcntl.h>
#include <cerrno>
#include <filesystem>

#include "base/rooted.h"
#include "manager/project_config.h"

namespace cella::manager {
namespace {

constexpr const char* kKey = "restricted.devices.disk.paths";

// Without "." and ".." and the slash at the end; "" for "/".
std::string plain(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.ends_with('/')) text.pop_back();
  return text;
}

bool is_in(const std::string& path, const std::string& parent) {
  return path == parent || path.starts_with(parent + "/");
}

Error refusal(const std::string& source, const std::string& why) {
  return Error(ErrorKind::kDenied, "source \"" + source + "\" " + why + " (" + kKey + ")");
}

}  // namespace

std::optional<std::string> allowed_parent(const Config& project, const std::string& source) {
  if (!is_restricted(project)) return std::nullopt;
  const auto allowed = split_list(restriction(project, kKey));
  if (allowed.empty()) return std::nullopt;
  std::optional<std::string> outermost;
  for (const std::string& each : allowed) {
    const std::string parent = plain(each);
    if (!is_in(plain(source), parent)) continue;
    if (!outermost || parent.size() < outermost->size()) outermost = parent;
  }
  if (!outermost) return "";
  return outermost->empty() ? "/" : *outermost;
}

Result<Fd> open_confined(const std::string& parent, const std::string& source) {
  if (parent.empty()) return refusal(source, "is in none of the directories allowed in the project");
  const Fd root(::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return errno_error(errno, "open " + parent);
  std::string below = plain(source).substr(plain(parent).size());
  below.erase(0, 1);
  auto opened = open_within(root, below.empty() ? "." : below, O_PATH);
  if (!opened.ok() && (opened.error().errno_value() == EXDEV || opened.error().errno_value() == ELOOP))
    return refusal(source, "leads out of \"" + parent + "\" by a link");
  return opened;
}

}  // namespace cella::manager
