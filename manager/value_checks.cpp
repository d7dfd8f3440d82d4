#include "manager/value_checks.h"

#include "base/units.h"
#include "manager/snapshot_names.h"
#include "storage/archive_writer.h"

namespace cella::manager {

Result<void> check_bool(std::string_view key, std::string_view value) {
  TRY(parse_bool(key, value));
  return kOk;
}

Result<void> check_count(std::string_view key, std::string_view value) {
  if (TRY(parse_unsigned(key, value)) > 1'000'000'000) return invalid_value(key, value, "is out of range");
  return kOk;
}

Result<void> check_expiry(std::string_view key, std::string_view value) {
  TRY(expiry_time(key, value, Timestamp()));
  return kOk;
}

Result<void> check_compression(std::string_view key, std::string_view value) {
  TRY(storage::parse_compression(key, value));
  return kOk;
}

}  // namespace cella::manager
