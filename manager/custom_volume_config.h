// What may be configured on a custom volume. Values only.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "manager/custom_volume.h"

namespace cella::manager {

// 1 to 63 of [A-Za-z0-9._-], not starting with "." or "-", not ending with ".incoming". Errors: kInvalid.
Result<void> check_custom_name(const std::string& name);

// Drops what only clients of other servers send along: empty values and volatile.idmap.*, a record of chowned files,
// which no volume here needs.
Config cleaned_volume_config(Config config);

// Every key known and every value of its type. Errors: kInvalid naming key and value; kUnsupported with the reason for
// keys that other servers know.
Result<void> check_volume_config(const Config& config, VolumeContent content);

// The pool's volume.KEY where the volume has no KEY itself, and the size of a block volume that has none (10 GiB).
Config with_pool_defaults(Config config, const Config& pool, VolumeContent content);

// Of a checked configuration. nullopt: no limit.
std::optional<Bytes> volume_size(const Config& config);
// Whether the volume is mounted with the ids on disk as they are.
bool is_unmapped(const Config& config);

}  // namespace cella::manager
