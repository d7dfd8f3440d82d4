#include "manager/merge.h"

#include <utility>

namespace cella::manager {

Expanded merge(const std::vector<Layer>& layers) {
  Expanded result;
  for (const Layer& layer : layers) {
    for (const auto& [key, value] : *layer.config) result.config[key] = value;
    for (const auto& [name, device] : *layer.devices) result.devices[name] = device;
  }
  return result;
}

Config patch_config(Config base, const Config& changes) {
  for (const auto& [key, value] : changes) {
    if (value.empty()) {
      base.erase(key);
    } else {
      base[key] = value;
    }
  }
  return base;
}

Devices patch_devices(Devices base, const Devices& changes) {
  for (const auto& [name, device] : changes) {
    if (device.empty()) {
      base.erase(name);
    } else {
      base[name] = device;
    }
  }
  return base;
}

Config without_empty(Config config) {
  std::erase_if(config, [](const auto& entry) { return entry.second.empty(); });
  return config;
}

}  // namespace cella::manager
