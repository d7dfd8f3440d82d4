// The hugetlb controller: huge pages per page size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
#include "cgroups/cgroup.h"

namespace cella::cgroups {

// Sets hugetlb.SIZE.max; size: the kernel's name, "2MB" or "1GB". nullopt: "max".
// Errors: kUnsupported when the kernel has no pages of that size; kInvalid for a size that is no such name.
Result<void> set_hugetlb_max(const Cgroup& cgroup, const std::string& size, std::optional<Bytes> limit);
Result<Bytes> read_hugetlb_current(const Cgroup& cgroup, const std::string& size);

}  // namespace cella::cgroups
