// The host id ranges of instances: 65536 ids each unless they ask for more, none overlapping, recorded in the database.
#pragma once

#include <cstdint>
#include <optional>
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

// Where instances get their ids, the first choice first: what the texts of /etc/subuid and /etc/subgid both give root
// ("root:100000:65536" or "0:…"), then the ids from 1000000 to 1000000000 that neither gives to anybody: a distribution
// leaves root too few for a range of its own for each of many instances. Each at least kRangeSize long.
std::vector<IdWindow> id_windows(std::string_view subuid, std::string_view subgid);

// What an instance asks for; without a base any range will do.
struct IdWish {
  std::optional<std::uint32_t> base;
  std::uint32_t size = kRangeSize;
  bool operator==(const IdWish&) const = default;
};

struct IdAllocation {
  std::uint32_t base = 0;
  std::uint32_t size = kRangeSize;
  bool operator==(const IdAllocation&) const = default;
};

// The range an instance would get: the one it asks for, or the lowest free one. What the instance has itself counts as
// free. Errors: kInvalid naming security.idmap.base when that range is not free or in no window; kNoSpace when the
// windows are used up.
Result<IdAllocation> find_id_range(Database& database, const std::vector<IdWindow>& windows, std::int64_t instance_id,
                                   const IdWish& wish);

// Takes that range, in place of what the instance has; call it inside a transaction.
Result<IdAllocation> allocate_id_range(Database& database, const std::vector<IdWindow>& windows,
                                       std::int64_t instance_id, const IdWish& wish = {});

}  // namespace cella::manager
