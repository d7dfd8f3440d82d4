// Overlay mounts with id-mapped layers and 0-based ids on disk. The kernel makes overlay's own files with the mounting
// thread's file-system ids, so those must be what container root is on the host.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "base/units.h"
#include "storage/driver.h"
#include "storage/id_mapped.h"
#include "storage/layer_list.h"
#include "storage/overlay_options.h"

namespace cella::storage {

// Layers as detached, id-mapped mounts of their own.
struct OverlayLayers {
  const Fd* base = nullptr;    // its root is the lowest layer; null: none
  const Fd* layers = nullptr;  // has a directory for each of the names; null: no names
  const LayerNames& names;     // topmost first; at most kMostLayers
  const Fd& volume;            // has directories "upper" and "work"
};

// A thread of its own, since file-system ids and securebits belong to a thread and overlay keeps the mounter's
// credentials for copy-up. Thread-safe; mounts are made one after another.
// Source: kernel Documentation/filesystems/overlayfs.rst; setfsuid(2); PR_SET_SECUREBITS in capabilities(7).
class OverlayMounter {
 public:
  explicit OverlayMounter(DriverOptions::OverlayLayers layers) : method_(layers) {}
  ~OverlayMounter();
  OverlayMounter(const OverlayMounter&) = delete;
  OverlayMounter& operator=(const OverlayMounter&) = delete;

  // owner, group: the host ids of the map's 0:0. The mount is detached and nodev.
  // Errors: kIo when the kernel gave a read-only mount where a writable one was asked for (ids do not fit).
  Result<Fd> mount(const OverlayLayers& layers, HostId owner, HostId group, MountAccess access);

  // Whether some overlay has `volume`'s directory "upper" as its upper directory. scratch: a directory of the same file
  // system with empty directories "upper" and "work", of no use afterwards. Only file systems with file handles can
  // tell: ask can_tell_use() first.
  Result<bool> is_in_use(const Fd& volume, const Fd& scratch);
  // Tries is_in_use() on an overlay of its own. first, second: each as scratch above.
  Result<bool> can_tell_use(const Fd& first, const Fd& second);

 private:
  Result<Fd> mount_with(const OverlayLayers& layers, HostId owner, HostId group, MountAccess access,
                        OverlayPurpose purpose);
  void run_on_thread(const std::function<void()>& work);
  void loop();
  Result<Fd> mount_here(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose);
  Result<Fd> mount_by_descriptors(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose);
  Result<Fd> mount_by_strings(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose);
  Result<Fd> mount_attached(const OverlayLayers& layers, MountAccess access, OverlayPurpose purpose);
  Result<void> enter_private_namespace();

  // Touched by the mounting thread only.
  DriverOptions::OverlayLayers method_;
  bool private_namespace_ = false;

  std::mutex callers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cella::storage
