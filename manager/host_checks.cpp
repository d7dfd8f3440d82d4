#include "manager/host_checks.h"

#include <array>
#include <sstream>

#include "base/files.h"

namespace cella::manager {
namespace {

using cgroups::Controller;

struct Needed {
  Controller controller;
  WarningKind kind;
  const char* consequence;
};

constexpr std::array kNeeded{
    Needed{Controller::kCpu, WarningKind::kNoCpuController, "limits.cpu.allowance and .priority are refused"},
    Needed{Controller::kCpuset, WarningKind::kNoCpusetController, "limits.cpu is refused"},
    Needed{Controller::kIo, WarningKind::kNoIoController, "limits.disk.priority and I/O limits of disks are refused"},
    Needed{Controller::kMemory, WarningKind::kNoMemoryController, "limits.memory is refused"},
    Needed{Controller::kPids, WarningKind::kNoPidsController, "limits.processes is refused"},
    Needed{Controller::kHugetlb, WarningKind::kNoHugetlbController, "limits.hugepages is refused"},
};

}  // namespace

// "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"
bool root_is_shared(std::string_view mountinfo) {
  bool shared = false;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, target;
    for (int i = 0; i < 5; ++i) words >> target;
    if (target != "/") continue;
    shared = false;  // of several on one place the last one counts
    while (words >> word && word != "-") shared = shared || word.starts_with("shared:");
  }
  return shared;
}

void check_host(Warnings& warnings, cgroups::ControllerSet controllers, const std::string& where) {
  for (const Needed& needed : kNeeded) {
    if (controllers.has(needed.controller)) continue;
    warnings.raise(needed.kind, "", "",
                   std::string(needed.consequence) + ": cgroup v2 at " + where + " does not have the controller");
  }
  // The host's own: the daemon's namespace is a slave of it.
  const auto mounts = read_file("/proc/1/mountinfo");
  if (mounts.ok() && !root_is_shared(*mounts)) {
    warnings.raise(WarningKind::kRootNotShared, "", "",
                   "what is mounted on the host later does not appear behind disk devices (mount --make-rshared /)");
  }
}

}  // namespace cella::manager
