// The cgroup v2 tree containers live in: found once, then a value that every other call starts from.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/units.h"
#include "cgroups/cgroup.h"
#include "cgroups/controller.h"

namespace cella::cgroups {

// Where cgroup2 is mounted, read from the text of /proc/self/mountinfo: a mount of the whole tree if there is one, the
// first otherwise. Errors: kUnsupported when there is none.
Result<std::string> find_mount_point(std::string_view mountinfo);

// What a container's root may do in its own cgroup.
struct Delegation {
  HostId owner;
  HostId group;
};

// A directory that containers' cgroups are made in: the root of a cgroup2 mount, a cgroup below it, or a fake tree.
class Hierarchy {
 public:
  // The mounted hierarchy of this host, pure or hybrid. Errors: kUnsupported when cgroup2 is not mounted.
  static Result<Hierarchy> find();
  // The directory given. Errors: kNotFound.
  static Result<Hierarchy> open(const std::string& path);
  // A directory already open. delegated_files: names a container's root is given (see delegated_files()).
  Hierarchy(DirFd root, std::string path, std::vector<std::string> delegated_files)
      : root_(std::move(root), std::move(path)), delegated_files_(std::move(delegated_files)) {}

  const Cgroup& root() const { return root_; }
  const std::string& path() const { return root_.path(); }

  // Controllers that v2 has here (cgroup.controllers of the root). On a hybrid host those bound to v1 are missing.
  Result<ControllerSet> available() const { return root_.controllers(); }

  // Turns on every available controller for the children of the root; returns what is on afterwards. Call once at start.
  // A controller the kernel will not turn on (cpu with real-time processes outside the root cgroup, …) is left out.
  Result<ControllerSet> enable_all() const;

  // The cgroup `name`, made fresh, with controllers on the way down ("a/b/c": those of a and a/b are turned on, missing
  // directories made). An empty left-over of that name is removed first, because a cgroup that was killed once kills
  // everything cloned into it. Directory root:group 0775, delegated files owner:group.
  // Errors: kBusy when a cgroup of that name still has processes; kInvalid for a bad name.
  Result<Cgroup> create(const std::string& name, const Delegation& to) const;
  // The same for the host's root: nothing is given away.
  Result<Cgroup> create(const std::string& name) const;

  // Errors: kNotFound.
  Result<Cgroup> open_cgroup(const std::string& name) const;

  // Names of cgroups directly below the root.
  Result<std::vector<std::string>> list() const;

  // Removes the cgroup and all below it, deepest first, waiting for processes that are still exiting.
  // patience: how long to wait for them in all; zero tries once. A missing cgroup is success.
  // Errors: kBusy naming the cgroup that still has processes.
  Result<void> destroy(const std::string& name, std::chrono::milliseconds patience) const;

  const std::vector<std::string>& delegated_files() const { return delegated_files_; }

 private:
  Result<Cgroup> open_parent(const std::string& name) const;
  Cgroup root_;
  std::vector<std::string> delegated_files_;
};

// The names in /sys/kernel/cgroup/delegate that belong to the core and memory (cgroup.procs, …); the built-in list of
// Linux 6.1 when that file is missing. Source: Documentation/admin-guide/cgroup-v2.rst, "Model of Delegation".
std::vector<std::string> read_delegated_files();

}  // namespace cella::cgroups
