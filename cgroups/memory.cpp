#include "cgroups/memory.h"

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

std::string format_limit(std::optional<Bytes> limit) { return limit ? std::to_string(limit->value) : "max"; }

std::optional<Bytes> as_bytes(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  return Bytes{*number};
}

// A number from a file that older kernels do not have.
Result<std::optional<Bytes>> read_if_present(const Cgroup& cgroup, const std::string& file) {
  auto number = cgroup.read_number(file);
  if (!number && number.error().kind() == ErrorKind::kNotFound) return std::optional<Bytes>();
  return as_bytes(TRY(std::move(number)));
}

}  // namespace

Result<void> set_memory_max(const Cgroup& cgroup, std::optional<Bytes> limit) {
  return cgroup.write("memory.max", format_limit(limit));
}

Result<void> set_memory_high(const Cgroup& cgroup, std::optional<Bytes> limit) {
  return cgroup.write("memory.high", format_limit(limit));
}

Result<void> set_memory_low(const Cgroup& cgroup, Bytes protection) {
  return cgroup.write("memory.low", std::to_string(protection.value));
}

Result<void> set_swap_max(const Cgroup& cgroup, std::optional<Bytes> limit) {
  return cgroup.write("memory.swap.max", format_limit(limit));
}

Result<Bytes> read_memory_current(const Cgroup& cgroup) {
  return Bytes{TRY(cgroup.read_number("memory.current")).value_or(0)};
}

Result<std::optional<Bytes>> read_memory_peak(const Cgroup& cgroup) { return read_if_present(cgroup, "memory.peak"); }

Result<std::optional<Bytes>> read_swap_peak(const Cgroup& cgroup) {
  return read_if_present(cgroup, "memory.swap.peak");
}

Result<std::optional<Bytes>> read_swap_current(const Cgroup& cgroup) {
  return read_if_present(cgroup, "memory.swap.current");
}

Result<std::optional<Bytes>> read_memory_max(const Cgroup& cgroup) {
  return as_bytes(TRY(cgroup.read_number("memory.max")));
}

Result<MemoryEvents> read_memory_events(const Cgroup& cgroup) {
  const std::string text = TRY(cgroup.read("memory.events"));
  return MemoryEvents{
      .low = flat_or_zero(text, "low"),
      .high = flat_or_zero(text, "high"),
      .max = flat_or_zero(text, "max"),
      .oom = flat_or_zero(text, "oom"),
      .oom_kill = flat_or_zero(text, "oom_kill"),
  };
}

Result<MemoryStat> read_memory_stat(const Cgroup& cgroup) {
  const std::string text = TRY(cgroup.read("memory.stat"));
  const auto bytes = [&](std::string_view key) { return Bytes{flat_or_zero(text, key)}; };
  return MemoryStat{
      .anonymous = bytes("anon"),
      .file = bytes("file"),
      .kernel = bytes("kernel"),
      .shared = bytes("shmem"),
      .slab_reclaimable = bytes("slab_reclaimable"),
      .inactive_file = bytes("inactive_file"),
  };
}

}  // namespace cella::cgroups
