#include "manager/server_config.h"

#include <string_view>

#include "manager/database.h"
#include "manager/merge.h"
#include "manager/password.h"
#include "manager/server_keys.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE server_config (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)"}};

constexpr std::string_view kTrustPassword = "core.trust_password";

}  // namespace

const Schema& server_config_schema() {
  static const Schema schema{"server_config", kMigrations};
  return schema;
}

Result<void> check_server_config(const Config& config) {
  for (const auto& [key, value] : config) TRY(check_server_key(key, value));
  return kOk;
}

Result<std::unique_ptr<ServerConfig>> ServerConfig::load(Database& database) {
  std::unique_ptr<ServerConfig> config(new ServerConfig(database));
  auto query = TRY(database.prepare("SELECT key, value FROM server_config"));
  while (TRY(query.step())) config->config_[query.text(0)] = query.text(1);
  return config;
}

Config ServerConfig::get() const {
  std::lock_guard lock(mutex_);
  Config shown = config_;
  if (const auto password = shown.find(std::string(kTrustPassword)); password != shown.end()) {
    password->second = "true";
  }
  return shown;
}

Result<bool> ServerConfig::accepts_password(const std::string& password) const {
  std::string hash;
  {
    std::lock_guard lock(mutex_);
    const auto found = config_.find(std::string(kTrustPassword));
    if (found == config_.end()) return false;
    hash = found->second;
  }
  return matches_password(password, hash);
}

// A password that comes back as it was shown stays what it is.
Result<void> ServerConfig::hide_password_locked(Config& next) const {
  const auto given = next.find(std::string(kTrustPassword));
  if (given == next.end()) return kOk;
  const auto present = config_.find(given->first);
  if (present != config_.end() && (given->second == "true" || given->second == present->second)) {
    given->second = present->second;
    return kOk;
  }
  if (given->second == "true") return invalid_value(kTrustPassword, "true", "stands for a password that is set");
  given->second = TRY(hash_password(given->second));
  return kOk;
}

Result<void> ServerConfig::set(const Config& config) {
  std::lock_guard lock(mutex_);
  return store_locked(without_empty(config));
}

Result<void> ServerConfig::patch(const Config& changes) {
  std::lock_guard lock(mutex_);
  return store_locked(patch_config(config_, changes));
}

Result<void> ServerConfig::store_locked(Config next) {
  TRY(check_server_config(next));
  TRY(hide_password_locked(next));
  auto transaction = TRY(database_.begin());
  TRY(database_.execute("DELETE FROM server_config"));
  {
    auto insert = TRY(database_.prepare("INSERT INTO server_config (key, value) VALUES (?, ?)"));
    for (const auto& [key, value] : next) TRY(insert.bind(key, value).run());
  }
  TRY(transaction.commit());
  config_ = std::move(next);
  return kOk;
}

}  // namespace cella::manager
