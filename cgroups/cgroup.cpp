#include "cgroups/cgroup.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

// A name of one path component that cannot leave the directory.
Result<void> check_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos || name.size() > 255)
    return invalid_value("cgroup", name, "not the name of a cgroup");
  return kOk;
}

}  // namespace

Result<std::string> Cgroup::read(const std::string& file) const {
  return TRY_CONTEXT(path_, read_file_at(dir_, file));
}

Result<void> Cgroup::write(const std::string& file, std::string_view value) const {
  TRY_CONTEXT(path_, write_kernel_file_at(dir_, file, value));
  return kOk;
}

bool Cgroup::has(const std::string& file) const { return exists_at(dir_, file); }

Result<std::optional<std::uint64_t>> Cgroup::read_number(const std::string& file) const {
  return parse_number_or_max(file_path(file), TRY(read(file)));
}

Result<ControllerSet> Cgroup::controllers() const { return ControllerSet::parse(TRY(read("cgroup.controllers"))); }

Result<ControllerSet> Cgroup::subtree_control() const {
  return ControllerSet::parse(TRY(read("cgroup.subtree_control")));
}

Result<void> Cgroup::enable_for_children(ControllerSet wanted) const {
  const ControllerSet missing = wanted.without(TRY(subtree_control()));
  if (missing.empty()) return kOk;
  const ControllerSet absent = missing.without(TRY(controllers()));
  if (!absent.empty())
    return Error(ErrorKind::kUnsupported, "controller " + absent.text() + " is not available in cgroup v2 at " + path_);
  std::string change;
  for (int i = 0; i < kControllerCount; ++i) {
    const auto controller = static_cast<Controller>(i);
    if (!missing.has(controller)) continue;
    change += (change.empty() ? "+" : " +");
    change += controller_name(controller);
  }
  return write("cgroup.subtree_control", change);
}

Result<Cgroup> Cgroup::open_child(const std::string& name) const {
  TRY(check_name(name));
  return Cgroup(TRY_CONTEXT(path_, open_dir_at(dir_, name)), path_ + "/" + name);
}

Result<Cgroup> Cgroup::create_child(const std::string& name) const {
  TRY(check_name(name));
  TRY_CONTEXT(path_, make_dir_at(dir_, name, 0755));
  return open_child(name);
}

Result<Cgroup> Cgroup::open_exec_leaf(HostId owner, HostId group) const {
  auto leaf = open_child(kExecLeaf);
  if (leaf || leaf.error().kind() != ErrorKind::kNotFound) return leaf;
  leaf = create_child(kExecLeaf);
  if (!leaf && leaf.error().kind() == ErrorKind::kExists) leaf = open_child(kExecLeaf);
  if (!leaf) return leaf;
  if (::fchown(leaf->dir().get(), owner.value, group.value) != 0) return errno_error(errno, "chown " + leaf->path());
  return leaf;
}

Result<std::vector<std::string>> Cgroup::children() const {
  std::vector<std::string> children;
  for (std::string& name : TRY_CONTEXT(path_, list_names(dir_))) {
    struct stat status{};
    if (::fstatat(dir_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
      children.push_back(std::move(name));
  }
  return children;
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  const std::string text = TRY(read("cgroup.procs"));
  std::vector<pid_t> pids;
  for (const std::string_view line : split_lines(text))
    if (const auto pid = find_number(line)) pids.push_back(static_cast<pid_t>(*pid));
  return pids;
}

}  // namespace cella::cgroups
