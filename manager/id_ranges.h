// The host id ranges of instances: 65536 ids each, no two alike, recorded in the database.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cella::manager {

class Database;

inline constexpr std::uint32_t kRangeSize = 65536;

// Host ids first … first + count - 1 may be handed out.
struct IdWindow {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool operator==(const IdWindow&) const = default;
};

// What root may use according to the texts of /etc/subuid and /etc/subgid ("root:100000:65536" or "0:…"): the ranges
// that both give, each at least kRangeSize long. When root is in neither: 1000000 to 1000000000.
// Errors: kInvalid when root is named but no range fits one instance.
Result<std::vector<IdWindow>> id_windows(std::string_view subuid, std::string_view subgid);

// Takes the lowest free range for an instance; call it inside the transaction that records the instance. Returns the
// first id. Errors: kNoSpace when the windows are used up.
Result<std::uint32_t> allocate_id_range(Database& database, const std::vector<IdWindow>& windows,
                                        std::int64_t instance_id);

}  // namespace cella::manager
