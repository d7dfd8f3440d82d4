// What the server's configuration says about fetched images.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

struct ImagePolicy {
  bool update_cached = true;                // images.auto_update_cached
  std::chrono::hours update_interval{6};    // images.auto_update_interval; 0: never
  std::chrono::days cache_expiry{10};       // images.remote_cache_expiry; 0: never
};

// Whether it is one of the keys above. Errors: kInvalid naming key and value.
Result<bool> check_image_key(const std::string& key, const std::string& value);

// config: checked.
ImagePolicy image_policy(const Config& config);

}  // namespace cella::manager
