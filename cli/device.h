// `config device …` and `profile device …`: devices of an instance or of a profile.
#pragma once

#include "cli/object.h"

namespace cella::cli {

// The device verbs for instances (with override) and for profiles.
Command instance_device_command();
Command profile_device_command();

}  // namespace cella::cli
