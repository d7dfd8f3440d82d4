#include "manager/limit_controllers.h"

#include <array>

namespace cella::manager {
namespace {

using cgroups::Controller;

struct LimitFamily {
  std::string_view prefix;  // of the keys
  Controller controller;
};

constexpr std::array kFamilies{
    LimitFamily{"limits.cpu.allowance", Controller::kCpu},
    LimitFamily{"limits.cpu.priority", Controller::kCpu},
    LimitFamily{"limits.cpu", Controller::kCpuset},  // and limits.cpu.nodes
    LimitFamily{"limits.memory", Controller::kMemory},
    LimitFamily{"limits.processes", Controller::kPids},
    LimitFamily{"limits.disk.priority", Controller::kIo},
    LimitFamily{"limits.hugepages.", Controller::kHugetlb},
};

// What limits by this controller: "limits.processes=100", or the devices when no key does.
std::string culprit(const Config& config, Controller controller) {
  for (const auto& [key, value] : config) {
    if (value.empty()) continue;
    for (const LimitFamily& family : kFamilies) {
      if (!key.starts_with(family.prefix)) continue;
      if (family.controller == controller) return key + "=" + value;
      break;
    }
  }
  return "the limits of its devices";
}

}  // namespace

Result<void> check_limit_controllers(const std::string& instance, const Config& config, const ContainerSpec& spec,
                                     cgroups::ControllerSet available, const std::string& where) {
  auto needed = cgroups::needed_controllers(spec.limits);
  if (spec.cpu) needed.add(Controller::kCpuset);
  const auto missing = needed.without(available);
  for (int i = 0; i < cgroups::kControllerCount; ++i) {
    const auto controller = static_cast<Controller>(i);
    if (!missing.has(controller)) continue;
    return Error(ErrorKind::kUnsupported, "instance " + instance + " cannot have " + culprit(config, controller) +
                                              ": controller " + std::string(cgroups::controller_name(controller)) +
                                              " is not available in cgroup v2 at " + where);
  }
  return kOk;
}

}  // namespace cella::manager
