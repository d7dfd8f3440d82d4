// What a container's file system tree is made of, as a value: decided before the clone, applied after it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cella::namespaces {

// What one step does. All targets lie inside the container's root.
enum class MountAction : std::uint8_t {
  kAttach,         // attaches the detached mount `descriptor` at `target`
  kFilesystem,     // makes a new file system of `type` with `options`, and attaches it with `attributes`
  kMaskFile,       // covers a file with the container's own /dev/null; a missing target is skipped
  kMaskDirectory,  // covers a directory with one shared empty read-only directory; a missing target is skipped
  kReadOnly,       // binds `target` onto itself read-only; a missing target is skipped
  kDirectory,      // makes a directory (and its missing parents) with `mode`
  kFile,           // makes an empty file with `mode` unless it exists
  kSymlink,        // makes a symbolic link at `target` with the text `source`, replacing nothing
};

// What becomes of a target that is missing when a mount is attached.
enum class MissingTarget : std::uint8_t {
  kFail,           // the launch fails with ENOENT
  kMakeDirectory,  // made with its parents, mode 0755, owned by the container's root
  kMakeFile,       // made empty with its parents, mode 0644, owned by the container's root
};

// How symbolic links on the way to a target are taken. Neither ever leaves the container's root.
enum class TargetLinks : std::uint8_t {
  kRefuse,  // any link fails the launch with ELOOP: for /dev, /proc, /sys and what lies below them
  kFollow,  // followed as a process inside would: for mounts whose place a user chose
};

struct MountOption {
  std::string key;
  std::string value;
  bool is_flag = false;  // FSCONFIG_SET_FLAG: the key alone
  bool operator==(const MountOption&) const = default;
};

struct MountStep {
  MountAction action = MountAction::kAttach;
  std::string target;            // path inside the container, with or without a leading "/"
  std::int32_t descriptor = -1;  // kAttach: index into the launch's descriptors
  std::string type;              // kFilesystem: "proc", "tmpfs", …
  std::string source;            // kFilesystem: shown as the device in mountinfo; kSymlink: the link's text
  std::vector<MountOption> options;
  std::uint32_t attributes = 0;  // MOUNT_ATTR_* of fsmount(2) (kFilesystem)
  std::uint32_t mode = 0755;     // kDirectory, kFile
  MissingTarget missing = MissingTarget::kFail;
  TargetLinks links = TargetLinks::kRefuse;
  bool operator==(const MountStep&) const = default;
};

// How the container's root becomes "/" (kernel-order reasons are in root_switch.h).
enum class RootSwitch : std::uint8_t {
  kOverBase,  // move_mount over the launcher's empty base, chroot; falls back to kPivot if the kernel refuses
  kPivot,     // pivot_root and detach: for a launcher that lives in the host's mount namespace, and as fallback
};

// Steps are applied in order. File systems of kFilesystem steps are all made before the root is switched (the kernel
// allows proc and sysfs only while another full one is visible) and attached in the steps' order.
struct MountPlan {
  std::int32_t root_descriptor = -1;  // the root file system's detached mount, index into the launch's descriptors
  RootSwitch root_switch = RootSwitch::kOverBase;
  std::vector<MountStep> steps;
  bool operator==(const MountPlan&) const = default;
};

// At most this many kFilesystem steps fit in one plan (their descriptors are kept on the child's stack).
inline constexpr std::size_t kMaxFilesystems = 32;

// Whether the container has a network namespace of its own. Without one the kernel refuses sysfs, and the launcher
// brings the host's as a detached read-only mount.
enum class SysfsSource : std::uint8_t { kNew, kDescriptor };

// For id maps without a tty group: ptys then belong to whoever opens them.
inline constexpr std::uint32_t kNoTtyGroup = ~0u;

struct MountChoices {
  std::int32_t root_descriptor = -1;
  RootSwitch root_switch = RootSwitch::kOverBase;
  std::int32_t dev_descriptor = -1;  // /dev: the tmpfs of runtime/dev_filesystem.h (has the directories pts shm mqueue)
  SysfsSource sysfs = SysfsSource::kNew;
  std::int32_t sysfs_descriptor = -1;  // with SysfsSource::kDescriptor
  std::string shm_size;                // "size=" of /dev/shm; empty: the kernel's default
  std::uint32_t tty_group = 5;         // group of ptys inside the container; must be mapped, or kNoTtyGroup
};

// The standard tree of a system container: /dev with pts, shm and mqueue, /proc, /sys, /sys/fs/cgroup and the masked
// paths of docs/security. Callers append their own steps (disks, devices).
MountPlan plan_mounts(const MountChoices& choices);

// Paths covered in every container (files, then directories), without leading "/".
const std::vector<std::string>& masked_files();
const std::vector<std::string>& masked_directories();

}  // namespace cella::namespaces
