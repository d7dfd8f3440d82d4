// What `info` prints about one instance.
#pragma once

#include <string>

#include "api/instance.h"

namespace cella::cli {

// The text of `info NAME`, in the local time zone.
std::string instance_info(const api::InstanceFull& instance);

}  // namespace cella::cli
