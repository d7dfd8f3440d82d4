// Changes inside a running container (hot-plugged mounts and device nodes), made by a short-lived process in its
// namespaces, because the paths lie in trees that the container controls.
#pragma once

#include <string>
#include <variant>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/client.h"
#include "runtime/exec.h"

namespace cella::runtime {

struct MountAttachment {
  std::string path;
  MountPoint point = MountPoint::kMustExist;
  int mount = -1;  // detached mount, borrowed
};
struct MountDetachment {
  std::string path;
};
struct DeviceCreation {
  DeviceNode node;
};
struct DeviceRemoval {
  std::string path;  // below /dev
};
using ContainerChange = std::variant<MountAttachment, MountDetachment, DeviceCreation, DeviceRemoval>;

// Which part of a change failed, in Report::step.
enum class ChangeStep : std::uint8_t { kJoin, kPrepare, kApply };
std::string_view change_step_name(ChangeStep step);

// Errors: kInvalid for a path that is not of its form.
Result<void> check_change(const ContainerChange& change);

// Starts the worker; it reports kDone or kFailed to the socket `report` and exits. It is killed by its own alarm after
// 10 s, so a path that never answers (FUSE) costs nothing but that process. The caller reaps it.
//
// Mounts are made with the container's own privileges, joined through its user namespace. Device nodes need the host's,
// so they are made only on the tmpfs at /dev, below which no link is followed and no mount crossed.
Result<StartedProcess> start_change(const ContainerChange& change, const PidFd& init, int report);

}  // namespace cella::runtime
