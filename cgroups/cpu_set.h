// A set of CPU (or NUMA node) numbers in the kernel's list notation.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::cgroups {

inline constexpr std::uint32_t kMaxCpu = 8191;  // NR_CPUS of the largest distribution kernels, minus one

class CpuSet {
 public:
  CpuSet() = default;
  explicit CpuSet(std::set<std::uint32_t> cpus) : cpus_(std::move(cpus)) {}
  // "0-1,3". Empty text is the empty set. Errors: kInvalid naming key and text (a range backwards, a number over kMaxCpu).
  static Result<CpuSet> parse(std::string_view key, std::string_view text);

  const std::set<std::uint32_t>& cpus() const { return cpus_; }
  bool empty() const { return cpus_.empty(); }
  std::size_t size() const { return cpus_.size(); }
  bool has(std::uint32_t cpu) const { return cpus_.contains(cpu); }
  void add(std::uint32_t cpu) { cpus_.insert(cpu); }
  CpuSet intersection(const CpuSet& other) const;
  // "0-1,3", ranges joined.
  std::string text() const;
  bool operator==(const CpuSet&) const = default;

 private:
  std::set<std::uint32_t> cpus_;
};

}  // namespace cella::cgroups
