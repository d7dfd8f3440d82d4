#include "cgroups/hugetlb.h"

#include <algorithm>

namespace cella::cgroups {

namespace {

Result<std::string> file_name(const std::string& size, std::string_view suffix) {
  const bool plain = !size.empty() && std::all_of(size.begin(), size.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
  if (!plain) return invalid_value("huge page size", size, "not a size such as 2MB");
  return "hugetlb." + size + "." + std::string(suffix);
}

}  // namespace

Result<void> set_hugetlb_max(const Cgroup& cgroup, const std::string& size, std::optional<Bytes> limit) {
  const std::string file = TRY(file_name(size, "max"));
  auto written = cgroup.write(file, limit ? std::to_string(limit->value) : "max");
  if (!written && written.error().kind() == ErrorKind::kNotFound && TRY(cgroup.controllers()).has(Controller::kHugetlb))
    return Error(ErrorKind::kUnsupported, "this kernel has no huge pages of " + size);
  return written;
}

Result<Bytes> read_hugetlb_current(const Cgroup& cgroup, const std::string& size) {
  return Bytes{TRY(cgroup.read_number(TRY(file_name(size, "current")))).value_or(0)};
}

}  // namespace cella::cgroups
