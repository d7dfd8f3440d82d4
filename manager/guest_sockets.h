// The sockets of the guest API: one per instance, which is how a caller is told apart from every other.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/units.h"
#include "manager/value.h"

namespace cella::manager {

struct InstanceEntry;

// Names an instance for as long as it exists, also across renames.
struct GuestId {
  std::int64_t value = 0;
  auto operator<=>(const GuestId&) const = default;
};

// What an instance's configuration went through, for those who listen inside it.
struct GuestEvent {
  std::string type;  // "config" or "device"
  Value::Object metadata;
};

// Who serves the sockets. Called on any thread; must not block.
struct GuestDoor {
  // A listening socket: whoever connects to it runs inside this instance. It is served until closed().
  std::function<void(GuestId, Fd listener)> opened;
  std::function<void(GuestId)> closed;
  std::function<void(GuestId, const GuestEvent&)> happened;
};

// Owns STATE/guest: for each instance a directory of host root's, ID, with the socket "sock" that belongs to the
// container's root. The directory is mounted at /dev/lxd inside, so that a daemon that was killed is followed by one that
// listens in the same place: only the socket is made anew. Thread-safe.
class GuestSockets {
 public:
  explicit GuestSockets(const std::string& state_dir) : directory_(state_dir + "/guest") {}

  // Listens for an instance that is about to start, and returns what is attached at /dev/lxd: a detached mount,
  // read-only, without devices, programs and set-user-id. Errors: kIo naming the call and the path.
  Result<Fd> open(const std::shared_ptr<InstanceEntry>& entry, GuestId id, HostId root);
  // Listens again for one that has been running since before this daemon. Missing directory: it was started without
  // the guest API, which is success.
  Result<void> reopen(const std::shared_ptr<InstanceEntry>& entry, GuestId id, HostId root);
  // It has stopped: nobody listens any more.
  void close(GuestId id);
  // The instance is deleted. Missing is success.
  Result<void> remove(GuestId id);

  // Hands over what listens already, then what comes. Once.
  void serve_by(GuestDoor door);
  // For those who listen inside an instance; nobody listening is fine.
  void tell(GuestId id, const GuestEvent& event);

  // nullptr when it is gone.
  std::shared_ptr<InstanceEntry> find(GuestId id) const;

 private:
  struct Guest {
    std::weak_ptr<InstanceEntry> entry;
    Fd waiting;  // the listener until somebody serves it
  };
  std::string path_of(GuestId id) const { return directory_ + "/" + std::to_string(id.value); }
  void admit(const std::shared_ptr<InstanceEntry>& entry, GuestId id, Fd listener);

  const std::string directory_;
  mutable std::mutex mutex_;
  std::map<GuestId, Guest> guests_;
  GuestDoor door_;
};

}  // namespace cella::manager
