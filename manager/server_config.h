// The server's own configuration keys (GET and PUT /1.0).
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

class Database;
struct Schema;

const Schema& server_config_schema();

// Errors: kInvalid naming an unknown key or a bad value; kUnsupported naming a key of LXD that has no effect here.
Result<void> check_server_config(const Config& config);

// In memory and in the database. Thread-safe.
class ServerConfig {
 public:
  static Result<std::unique_ptr<ServerConfig>> load(Database& database);

  // As clients see it: "true" in place of a password.
  Config get() const;
  // Errors: kInternal. false: there is no password, or it is another one.
  Result<bool> accepts_password(const std::string& password) const;
  // Replaces everything; empty values are left out. Nothing changes on failure.
  Result<void> set(const Config& config);
  // Sets the keys given; an empty value unsets one.
  Result<void> patch(const Config& changes);

 private:
  explicit ServerConfig(Database& database) : database_(database) {}
  Result<void> store_locked(Config next);
  Result<void> hide_password_locked(Config& next) const;

  Database& database_;
  mutable std::mutex mutex_;
  Config config_;
};

}  // namespace cella::manager
