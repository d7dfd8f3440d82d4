// /1.0/warnings.
#pragma once

#include <cstdint>
#include <string>

namespace cella::api {

struct WarningPut {
  std::string status;  // "new", "acknowledged"
};

struct Warning {
  std::string status;
  std::string uuid;
  std::string location = "none";
  std::string project;
  std::string type;
  std::int64_t count = 0;
  std::string first_seen_at;
  std::string last_seen_at;
  std::string last_message;
  std::string severity;  // "low", "moderate", "high"
  std::string entity_url;
};

}  // namespace cella::api
