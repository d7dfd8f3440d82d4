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

// Where an instance finds it.
inline constexpr const char* kGuestSocket = "/dev/lxd/sock";

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

// The socket is made in the container's own /dev, at /dev/lxd/sock, which belongs to the container's root: who connects is
// told by the listening descriptor, never by a name. When the daemon is killed, the next one makes the socket anew in the
// same place. Thread-safe.
class GuestSockets {
 public:
  // Makes the directory "lxd" with the listening socket in the /dev of an instance that is about to start (detached
  // mount). Errors: kIo naming the call.
  Result<void> open(const std::shared_ptr<InstanceEntry>& entry, GuestId id, const Fd& dev, HostId root);
  // A listening socket for an instance that has been running since before this daemon.
  void admit(const std::shared_ptr<InstanceEntry>& entry, GuestId id, Fd listener);
  // It has stopped: nobody listens any more.
  void close(GuestId id);

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
  mutable std::mutex mutex_;
  std::map<GuestId, Guest> guests_;
  GuestDoor door_;
};

}  // namespace cella::manager
