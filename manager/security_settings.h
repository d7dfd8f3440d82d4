// What the security.*, raw.idmap and linux.kernel_modules keys say about a container, as values.
#pragma once

#include <string>
#include <vector>

#include "manager/config.h"
#include "manager/id_ranges.h"
#include "manager/instance_id_maps.h"
#include "runtime/seccomp_choices.h"

namespace cella::manager {

struct SecuritySettings {
  runtime::SeccompChoices seccomp;
  IdWish ids;
  std::vector<RawIds> raw_ids;
  bool nesting = false;  // a full proc and sysfs below /dev/.lxc, so that containers inside can mount their own
  std::vector<std::string> kernel_modules;
};

// config: merged and checked. Errors: kInvalid naming keys that exclude each other.
Result<SecuritySettings> build_security(const Config& config);

// For the key table: values of security.syscalls.deny and .allow, security.idmap.base and .size.
Result<void> check_syscalls(std::string_view key, std::string_view value);
Result<void> check_id_base(std::string_view key, std::string_view value);
Result<void> check_id_size(std::string_view key, std::string_view value);

}  // namespace cella::manager
