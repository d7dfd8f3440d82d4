// What snapshots are called, and when they expire: values only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/operation.h"

namespace cella::manager {

// 1 to 200 of [A-Za-z0-9._-], not starting with "." or "-". Errors: kInvalid.
Result<void> check_snapshot_name(std::string_view name);

// Renders `snapshots.pattern` ("snap%d" when empty): a template with creation_date, in which "%d" stands for a number
// one above the highest among `present`. Without "%d" a name that is taken gets "-0", "-1" ... behind it.
// Errors: kInvalid for a bad template, "%d" twice, or a result that is no snapshot name.
Result<std::string> next_snapshot_name(const std::string& pattern, const std::vector<std::string>& present,
                                       Timestamp now);
// Errors: as above.
Result<void> check_snapshot_pattern(std::string_view key, std::string_view value);

// `snapshots.expiry`: "1M 2H 3d 4w 5m 6y" (minutes, hours, days, weeks, months, years), any of them, in any order.
// Empty: never. Errors: kInvalid naming key and value.
Result<std::optional<Timestamp>> expiry_time(std::string_view key, std::string_view value, Timestamp from);

}  // namespace cella::manager
