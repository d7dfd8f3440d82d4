// What may be configured on a storage pool, and what it means for storage. Values only, but for looking at sources.
#pragma once

#include <string>

#include "base/result.h"
#include "manager/config.h"
#include "storage/volume.h"

namespace cella::manager {

// 1 to 63 bytes without '/', spaces and control characters; not "." nor "..". Errors: kInvalid.
Result<void> check_pool_name(const std::string& name);

// Every key known for the driver and every value of its type. Errors: kInvalid naming key and value; kUnsupported with
// the reason for keys that other servers know.
Result<void> check_pool_config(storage::DriverType driver, const Config& config);

// Keys that are fixed when the pool is made may not differ. Errors: kInvalid naming the key.
Result<void> check_pool_change(const Config& before, const Config& after);

// Fills in what a new pool is not told: source, and the size of a new loop file. Looks at the host: whether the source
// exists and whether the state directory is on btrfs. Errors: kInvalid for a source that does not exist.
Result<Config> complete_pool_config(storage::DriverType driver, const std::string& name, Config config,
                                    const std::string& state_dir);

// For a pool with a complete configuration.
storage::PoolSpec pool_spec(storage::DriverType driver, const std::string& name, const Config& config,
                            const std::string& state_dir);

}  // namespace cella::manager
