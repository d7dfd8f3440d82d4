// Profiles put together with what an instance says itself: pure functions.
#pragma once

#include <vector>

#include "manager/config.h"

namespace cella::manager {

struct Expanded {
  Config config;
  Devices devices;
};

// One layer of configuration: a profile, or the instance.
struct Layer {
  const Config* config;
  const Devices* devices;
};

// Later layers override earlier ones: config key by key, devices whole by name.
Expanded merge(const std::vector<Layer>& layers);

// PATCH: every key given replaces the old one, an empty value removes it.
Config patch_config(Config base, const Config& changes);
// PATCH: every device given replaces the old one of that name; an empty one removes it.
Devices patch_devices(Devices base, const Devices& changes);

// PUT bodies carry unset keys as empty values: the same config without them.
Config without_empty(Config config);

}  // namespace cella::manager
