// Which names instances and profiles may have, and making one up.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::manager {

// A host name label: 1 to 63 of [a-zA-Z0-9-], beginning with a letter, not ending with a dash. Errors: kInvalid.
Result<void> check_instance_name(std::string_view name);

// 1 to 63 bytes without '/', spaces and control characters; not "." nor "..". Errors: kInvalid.
Result<void> check_profile_name(std::string_view name);

// 1 to 15 bytes without '/', ':', spaces and control characters; not "." nor ".." (the kernel's dev_valid_name).
Result<void> check_interface_name(std::string_view key, std::string_view name);

// An adjective and an animal with a dash between: a valid instance name, picked at random.
std::string random_instance_name();

}  // namespace cella::manager
