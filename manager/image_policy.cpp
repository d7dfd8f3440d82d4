#include "manager/image_policy.h"

#include "base/units.h"

namespace cella::manager {
namespace {

constexpr std::string_view kUpdateCached = "images.auto_update_cached";
constexpr std::string_view kUpdateInterval = "images.auto_update_interval";
constexpr std::string_view kCacheExpiry = "images.remote_cache_expiry";
constexpr std::int64_t kLongest = 36500;

std::string value_of(const Config& config, std::string_view key) {
  const auto found = config.find(std::string(key));
  return found == config.end() ? std::string() : found->second;
}

template <typename Duration>
void read_duration(const Config& config, std::string_view key, Duration& into) {
  const auto number = parse_signed(key, value_of(config, key));
  if (number.ok()) into = Duration(*number);
}

}  // namespace

Result<bool> check_image_key(const std::string& key, const std::string& value) {
  if (key == kUpdateCached) {
    TRY(parse_bool(key, value));
    return true;
  }
  if (key != kUpdateInterval && key != kCacheExpiry) return false;
  const auto number = TRY(parse_signed(key, value));
  if (number < 0 || number > kLongest) return invalid_value(key, value, "expected 0 to " + std::to_string(kLongest));
  return true;
}

ImagePolicy image_policy(const Config& config) {
  ImagePolicy policy;
  const auto update = parse_bool(kUpdateCached, value_of(config, kUpdateCached));
  if (update.ok()) policy.update_cached = *update;
  read_duration(config, kUpdateInterval, policy.update_interval);
  read_duration(config, kCacheExpiry, policy.cache_expiry);
  return policy;
}

}  // namespace cella::manager
