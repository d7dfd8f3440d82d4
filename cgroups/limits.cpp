#include "cgroups/limits.h"

#include <algorithm>
#include <cerrno>
#include <type_traits>

#include "cgroups/cpuset.h"

namespace cella::cgroups {

namespace {

template <typename T>
std::string number_or(const std::optional<T>& value, std::string_view unset) {
  if (!value) return std::string(unset);
  if constexpr (std::is_same_v<T, Bytes>) return std::to_string(value->value);
  else return std::to_string(*value);
}

std::string set_text(const std::optional<CpuSet>& set) { return set ? set->text() : std::string(); }

std::string io_weight_text(std::optional<std::uint32_t> weight) {
  return "default " + std::to_string(weight.value_or(kDefaultIoWeight));
}

bool limits_nothing(const std::optional<CpuSet>& set) { return !set || set->empty(); }

// Collects the writes of the files whose text differs.
class Changes {
 public:
  void add(std::string file, std::string before, std::string after) {
    if (before != after) writes_.push_back({.file = std::move(file), .value = std::move(after), .undo = std::move(before)});
  }
  // A kernel without swap accounting has no such file. Where swap is to be forbidden that is an error; a bound beside
  // memory.max is not, since memory.max holds without it.
  void add_swap(const Limits& present, const Limits& wanted) {
    const std::size_t count = writes_.size();
    add("memory.swap.max", number_or(present.swap_max, "max"), number_or(wanted.swap_max, "max"));
    if (writes_.size() > count) writes_.back().optional_file = !wanted.swap_max || wanted.swap_max->value > 0;
  }
  std::vector<LimitWrite> take() { return std::move(writes_); }

 private:
  std::vector<LimitWrite> writes_;
};

bool swap_grows(const Limits& present, const Limits& wanted) {
  if (!present.swap_max) return false;
  return !wanted.swap_max || *wanted.swap_max > *present.swap_max;
}

void add_memory(Changes& changes, const Limits& present, const Limits& wanted) {
  const bool widen_first = swap_grows(present, wanted);
  if (widen_first) changes.add_swap(present, wanted);
  changes.add("memory.max", number_or(present.memory_max, "max"), number_or(wanted.memory_max, "max"));
  changes.add("memory.high", number_or(present.memory_high, "max"), number_or(wanted.memory_high, "max"));
  if (!widen_first) changes.add_swap(present, wanted);
  changes.add("memory.low", number_or(present.memory_low, "0"), number_or(wanted.memory_low, "0"));
}

void add_cpu(Changes& changes, const Limits& present, const Limits& wanted) {
  changes.add("cpu.weight", std::to_string(present.cpu_weight.value_or(kDefaultCpuWeight)),
              std::to_string(wanted.cpu_weight.value_or(kDefaultCpuWeight)));
  changes.add("cpu.max", format_cpu_max(present.cpu_max), format_cpu_max(wanted.cpu_max));
  changes.add("cpuset.cpus", set_text(present.cpus), set_text(wanted.cpus));
  changes.add("cpuset.mems", set_text(present.memory_nodes), set_text(wanted.memory_nodes));
}

IoMax line_of(const std::vector<IoMax>& limits, BlockDevice device) {
  const auto found = std::find_if(limits.begin(), limits.end(), [&](const IoMax& io) { return io.device == device; });
  return found == limits.end() ? IoMax{.device = device} : *found;
}

void add_io(Changes& changes, const Limits& present, const Limits& wanted) {
  changes.add("io.weight", io_weight_text(present.io_weight), io_weight_text(wanted.io_weight));
  for (const IoMax& before : present.io_max)
    changes.add("io.max", format_io_max(before), format_io_max(line_of(wanted.io_max, before.device)));
  for (const IoMax& after : wanted.io_max) {
    const IoMax before = line_of(present.io_max, after.device);
    if (before == IoMax{.device = after.device}) changes.add("io.max", format_io_max(before), format_io_max(after));
  }
}

void add_hugetlb(Changes& changes, const Limits& present, const Limits& wanted) {
  const auto of = [](const Limits& limits, const std::string& size) {
    const auto found = limits.hugetlb_max.find(size);
    return found == limits.hugetlb_max.end() ? std::optional<Bytes>() : found->second;
  };
  std::map<std::string, Bytes> sizes = wanted.hugetlb_max;
  sizes.insert(present.hugetlb_max.begin(), present.hugetlb_max.end());
  for (const auto& [size, unused] : sizes)
    changes.add("hugetlb." + size + ".max", number_or(of(present, size), "max"), number_or(of(wanted, size), "max"));
}

Result<void> write_limit(const Cgroup& cgroup, const std::string& file, const std::string& value) {
  return file.starts_with("cpuset.") ? write_cpuset(cgroup, file, value) : cgroup.write(file, value);
}

// What a user should read in place of the errno of a cgroup file.
Error explain(Error error, const Cgroup& cgroup, const LimitWrite& write) {
  const std::string what = "write \"" + write.value + "\" to " + cgroup.path() + "/" + write.file;
  if (error.errno_value() == ENOENT && write.file.starts_with("hugetlb."))
    return Error(ErrorKind::kUnsupported, "this kernel has no " + write.file + " (huge page size) at " + cgroup.path());
  if (error.errno_value() == ENOENT && cgroup.has("cgroup.procs"))
    return Error(ErrorKind::kUnsupported, ENOENT, "this kernel has no " + write.file + " at " + cgroup.path());
  if (error.errno_value() == EINVAL || error.errno_value() == ERANGE)
    return Error(ErrorKind::kInvalid, error.errno_value(), what);
  return Error(error.kind(), error.errno_value(), what);
}

}  // namespace

ControllerSet needed_controllers(const Limits& limits) {
  ControllerSet needed;
  if (limits.cpu_weight || limits.cpu_max) needed.add(Controller::kCpu);
  if (!limits_nothing(limits.cpus) || !limits_nothing(limits.memory_nodes)) needed.add(Controller::kCpuset);
  if (limits.memory_max || limits.memory_high || limits.memory_low || limits.swap_max) needed.add(Controller::kMemory);
  if (limits.pids_max) needed.add(Controller::kPids);
  if (limits.io_weight || !limits.io_max.empty()) needed.add(Controller::kIo);
  if (!limits.hugetlb_max.empty()) needed.add(Controller::kHugetlb);
  return needed;
}

Result<void> check_controllers(const Limits& limits, ControllerSet available, const std::string& where) {
  const ControllerSet missing = needed_controllers(limits).without(available);
  for (int i = 0; i < kControllerCount; ++i) {
    const auto controller = static_cast<Controller>(i);
    if (missing.has(controller))
      return Error(ErrorKind::kUnsupported, "controller " + std::string(controller_name(controller)) +
                                                " is not available in cgroup v2 at " + where);
  }
  return kOk;
}

std::vector<LimitWrite> plan_limit_changes(const Limits& present, const Limits& wanted) {
  Changes changes;
  add_memory(changes, present, wanted);
  add_cpu(changes, present, wanted);
  changes.add("pids.max", number_or(present.pids_max, "max"), number_or(wanted.pids_max, "max"));
  add_io(changes, present, wanted);
  add_hugetlb(changes, present, wanted);
  return changes.take();
}

Result<void> apply_limits(const Cgroup& cgroup, const Limits& present, const Limits& wanted) {
  const auto writes = plan_limit_changes(present, wanted);
  if (writes.empty()) return kOk;
  TRY(check_controllers(wanted, TRY(cgroup.controllers()), cgroup.path()));
  for (std::size_t done = 0; done < writes.size(); ++done) {
    auto written = write_limit(cgroup, writes[done].file, writes[done].value);
    if (written) continue;
    if (writes[done].optional_file && written.error().errno_value() == ENOENT) continue;
    for (std::size_t back = done; back > 0; --back)
      (void)write_limit(cgroup, writes[back - 1].file, writes[back - 1].undo).ok();
    return explain(std::move(written).error(), cgroup, writes[done]);
  }
  return kOk;
}

}  // namespace cella::cgroups
