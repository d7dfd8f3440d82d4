// Modules of the host's kernel that an instance needs (linux.kernel_modules).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::manager {

// "ip_tables,overlay": names of letters, digits, "_" and "-". Errors: kInvalid naming key and value.
Result<std::vector<std::string>> parse_kernel_modules(std::string_view key, std::string_view value);

// Loads those that are not there yet with modprobe(8), which resolves what they depend on and honours the host's
// blacklists. They stay loaded. Errors: kNotFound without modprobe; kIo naming the module and what modprobe said.
Result<void> load_kernel_modules(const std::vector<std::string>& names);

}  // namespace cella::manager
