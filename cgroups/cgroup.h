// One directory of the cgroup v2 tree, held by descriptor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/units.h"
#include "cgroups/controller.h"

namespace cella::cgroups {

// The leaf below a container's cgroup that processes of `exec` join: the container's own cgroup may hold controllers
// for its children (systemd turns them on) and then takes no process any more.
inline constexpr const char* kExecLeaf = ".lxc";

// Owns the directory descriptor of a cgroup; keeping it open neither keeps the cgroup alive nor blocks its removal: files
// of a removed cgroup answer ENODEV or ENOENT (kNotFound). Const members may be called by several threads.
class Cgroup {
 public:
  // dir: readable directory (O_PATH is not enough). path: for messages only.
  Cgroup(DirFd dir, std::string path) : dir_(std::move(dir)), path_(std::move(path)) {}

  // For CLONE_INTO_CGROUP.
  const DirFd& dir() const { return dir_; }
  // "/sys/fs/cgroup/lxc.payload.c1", for messages.
  const std::string& path() const { return path_; }

  // Reads or writes one interface file. Errors name the file by its whole path; a file that is not there is kNotFound.
  Result<std::string> read(const std::string& file) const;
  Result<void> write(const std::string& file, std::string_view value) const;
  bool has(const std::string& file) const;
  // A file that holds one number, or "max" (nullopt).
  Result<std::optional<std::uint64_t>> read_number(const std::string& file) const;

  // What the parent enabled for this cgroup (cgroup.controllers), and what this one enables for its children.
  Result<ControllerSet> controllers() const;
  Result<ControllerSet> subtree_control() const;
  // Turns on controllers for the children. Those already on are left alone; nothing to do is success.
  // Errors: kBusy if this (non-root) cgroup holds processes; kUnsupported naming a controller the parent does not give.
  Result<void> enable_for_children(ControllerSet wanted) const;

  // An existing child. Errors: kNotFound; kInvalid for a name that is empty, "..", or holds "/".
  Result<Cgroup> open_child(const std::string& name) const;
  // Makes a child (mkdir 0755), root's own. Errors: kExists.
  Result<Cgroup> create_child(const std::string& name) const;
  // Opens the child kExecLeaf, made and given to owner:group if absent. Not thread-safe against removal of this cgroup.
  Result<Cgroup> open_exec_leaf(HostId owner, HostId group) const;

  // Names of the cgroups directly below.
  Result<std::vector<std::string>> children() const;
  // Pids in cgroup.procs of this cgroup alone, as this process's PID namespace sees them (0 = outside it).
  Result<std::vector<pid_t>> processes() const;

 private:
  std::string file_path(const std::string& file) const { return path_ + "/" + file; }
  DirFd dir_;
  std::string path_;
};

}  // namespace cella::cgroups
