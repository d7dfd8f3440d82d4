#include "manager/server_config.h"

#include <array>
#include <string_view>

#include "manager/database.h"
#include "manager/merge.h"

namespace cella::manager {
namespace {

constexpr Migration kMigrations[] = {{1, R"(
CREATE TABLE server_config (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)"}};

// LXD's families of server keys, none of which has an effect here yet.
constexpr std::array<std::string_view, 11> kKnownFamilies{"acme.",  "backups.", "candid.",  "cluster.",
                                                          "core.",  "images.",  "instances.", "loki.",
                                                          "maas.",  "network.", "oidc."};

}  // namespace

const Schema& server_config_schema() {
  static const Schema schema{"server_config", kMigrations};
  return schema;
}

Result<void> check_server_config(const Config& config) {
  for (const auto& [key, value] : config) {
    if (key.starts_with("user.") && key.size() > 5) continue;
    for (const auto family : kKnownFamilies) {
      if (key.starts_with(family)) {
        return Error(ErrorKind::kUnsupported, "server key " + key + " is not supported: it has no effect yet");
      }
    }
    return Error(ErrorKind::kInvalid, "unknown server configuration key: " + key);
  }
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
  return config_;
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
