// What a user configures: string keys and devices, as instances and profiles hold them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cella::manager {

using Config = std::map<std::string, std::string>;
using Device = std::map<std::string, std::string>;  // "type" → "nic", …
using Devices = std::map<std::string, Device>;

}  // namespace cella::manager
