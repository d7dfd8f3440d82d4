// The volatile.* keys that cella keeps in an instance's configuration.
#pragma once

#include <cstdint>
#include <string>

#include "base/id_map.h"
#include "manager/config.h"

namespace cella::manager {

// LXD's text for an id map: a JSON list, as clients read it in volatile.idmap.*.
std::string idmap_text(const IdMap& map);

// The keys of a new instance: uuid, idmap. base_image is empty without an image.
void add_creation_keys(Config& config, const std::string& base_image);

// volatile.idmap.base and .next: the range the next start runs with.
void set_idmap_keys(Config& config, const IdMap& map, std::uint32_t base);

// A new volatile.cloud-init.instance-id.
void renew_cloud_init_id(Config& config);

// Gives every NIC without "hwaddr" a MAC in volatile.NAME.hwaddr, and drops volatile.NAME.* of devices that are gone.
void settle_device_keys(Config& config, const Devices& expanded_devices);

// After a run: drops host_name of every device.
void clear_run_keys(Config& config);
// After a stop: the same, and the power state.
void set_stopped_keys(Config& config);

// What a client's PUT or PATCH leaves of the volatile keys: those present, except that the MAC of a NIC may be changed
// while the instance is stopped. `wanted` is replaced in place.
enum class HwaddrChange { kAllowed, kIgnored };
void keep_volatile(Config& wanted, const Config& present, HwaddrChange hwaddr);

}  // namespace cella::manager
