// Which host ids an instance's ids stand for: its own range, with single ids of the host put in by raw.idmap.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/id_map.h"
#include "base/result.h"
#include "manager/id_ranges.h"

namespace cella::manager {

// One line of raw.idmap: "both 1000 1000", "uid 50-60 500-510", "gid 100 10000" (host first).
struct RawIds {
  bool users = false;
  bool groups = false;
  IdRange range;
  bool operator==(const RawIds&) const = default;
};

// Errors: kInvalid naming key and line: bad syntax, ranges of different length, the host's root.
Result<std::vector<RawIds>> parse_raw_idmap(std::string_view key, std::string_view text);

// Ids that instances get ranges of cannot be mapped: they are others'. Errors: kInvalid naming key and ids.
Result<void> check_raw_idmap(const std::vector<RawIds>& raw, const std::vector<IdWindow>& windows);

// Container ids 0 … size - 1 at `base`, except those that raw maps elsewhere.
// Errors: kInvalid where entries of raw overlap.
Result<IdMap> instance_id_map(std::uint32_t base, std::uint32_t size, const std::vector<RawIds>& raw);

// The map that a process runs with, as this process sees it. Errors: kNotFound when it is gone.
Result<IdMap> id_map_of_process(pid_t pid);

}  // namespace cella::manager
