// Which devices instances and profiles may have, and which of their keys have an effect.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

// Checks one NIC's keys; the networks know them (Networks::validate_nic).
using NicCheck = std::function<Result<void>(const Device& nic)>;

// Checks every device by itself: type, keys, values. Errors: kInvalid naming device, key and value; kUnsupported naming
// a key or type without effect here, with the reason.
Result<void> check_devices(const Devices& devices, const NicCheck& check_nic);

// The device that is the instance's root disk: type disk, path "/", with a pool; nullptr when there is none.
// Errors: kInvalid when there are several.
Result<const std::pair<const std::string, Device>*> find_root_disk(const Devices& devices);

// The value of a device's key, empty when absent.
const std::string& device_value(const Device& device, const std::string& key);

}  // namespace cella::manager
