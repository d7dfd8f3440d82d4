// What an instance may learn and say about itself through its own socket.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manager/config.h"
#include "manager/guest_sockets.h"
#include "manager/instance_surroundings.h"
#include "manager/merge.h"

namespace cella::manager {

// An instance as it sees itself.
struct Guest {
  std::string name;
  std::string project_of_images;  // the project whose images are its own
  std::string cloud_init_id;  // cloud-init's instance-id
  Config config;              // merged; more than what the instance may see
  Devices devices;            // merged; NICs with their MAC addresses
  bool ready = false;
};

// Thread-safe. around outlives it.
class GuestApi {
 public:
  explicit GuestApi(const InstanceSurroundings& around) : around_(around) {}

  // Errors: kNotFound when it has stopped or is gone.
  Result<Guest> find(GuestId id) const;
  // The instance says that it has come up (true), or that it is still on its way. Kept until it stops. Errors: kNotFound.
  Result<void> set_ready(GuestId id, bool ready);
  void serve_by(GuestDoor door) { around_.guests.serve_by(std::move(door)); }

 private:
  const InstanceSurroundings& around_;
};

// "user.*" and "cloud-init.*": the keys an instance may read of its own.
bool is_guest_key(std::string_view key);

// Whether cloud-init is to take the instance for another one at its next boot: what it is configured by has changed, or a
// NIC's name. Source: LXD 5.0 doc/cloud-init.md, "How to use cloud-init", and volatile.cloud-init.instance-id.
bool is_new_to_cloud_init(const Expanded& before, const Expanded& after);

// What those inside hear of a change of the merged configuration.
std::vector<GuestEvent> guest_events(const Expanded& before, const Expanded& after);

}  // namespace cella::manager
