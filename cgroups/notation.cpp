#include "cgroups/notation.h"

#include <algorithm>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

constexpr std::int64_t kHighestPriority = 10;

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

// "25ms" (LXD also takes "25").
std::optional<std::chrono::microseconds> find_milliseconds(std::string_view text) {
  const auto number = find_number(without_suffix(text, "ms"));
  if (!number || *number > 1'000'000'000) return std::nullopt;
  return std::chrono::microseconds(*number * 1000);
}

Result<CpuAllowance> parse_quota(std::string_view key, std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto quota = find_milliseconds(text.substr(0, slash));
  const auto period = slash == std::string_view::npos ? std::nullopt : find_milliseconds(text.substr(slash + 1));
  if (!quota || !period) return invalid_value(key, text, "must be a percentage (25%) or a time per period (25ms/100ms)");
  if (quota->count() < 1000) return invalid_value(key, text, "the time must be at least 1ms");
  if (period->count() < 1000 || period->count() > 1'000'000)
    return invalid_value(key, text, "the period must be from 1ms to 1000ms");
  return CpuAllowance(CpuQuota{*quota, *period});
}

}  // namespace

Result<CpuRequest> parse_cpu_request(std::string_view key, std::string_view text) {
  if (const auto count = find_number(text)) {
    if (*count == 0 || *count > kMaxCpu + 1) return invalid_value(key, text, "must be at least 1 CPU");
    return CpuRequest(static_cast<std::uint32_t>(*count));
  }
  CpuSet set = TRY(CpuSet::parse(key, text));
  if (set.empty()) return invalid_value(key, text, "must be a number of CPUs or a list such as 0-1,3");
  return CpuRequest(std::move(set));
}

Result<CpuAllowance> parse_cpu_allowance(std::string_view key, std::string_view text) {
  if (!text.ends_with('%')) return parse_quota(key, text);
  const auto percent = find_number(without_suffix(text, "%"));
  if (!percent || *percent < 1 || *percent > kMaxWeight)
    return invalid_value(key, text, "a percentage must be from 1% to 10000%");
  return CpuAllowance(static_cast<std::uint32_t>(*percent));
}

Result<std::uint32_t> parse_priority(std::string_view key, std::string_view text) {
  const auto priority = find_number(text);
  if (!priority || *priority > kHighestPriority) return invalid_value(key, text, "must be from 0 to 10");
  return static_cast<std::uint32_t>(*priority);
}

std::optional<std::uint32_t> cpu_weight(std::optional<CpuAllowance> allowance, std::optional<std::uint32_t> priority) {
  const auto* share = allowance ? std::get_if<std::uint32_t>(&*allowance) : nullptr;
  if (!share && !priority) return std::nullopt;
  const std::int64_t base = share ? std::int64_t{*share} : std::int64_t{kDefaultCpuWeight};
  const std::int64_t lowered = base - (kHighestPriority - std::int64_t{priority.value_or(kHighestPriority)});
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(lowered, 1, kMaxWeight));
}

std::optional<CpuQuota> cpu_quota(const std::optional<CpuAllowance>& allowance) {
  const auto* quota = allowance ? std::get_if<CpuQuota>(&*allowance) : nullptr;
  return quota ? std::optional(*quota) : std::nullopt;
}

std::uint32_t io_weight(std::uint32_t priority) { return priority == 0 ? 10 : priority * 100; }

Result<Bytes> parse_memory_request(std::string_view key, std::string_view text, Bytes total) {
  if (text.ends_with('%')) {
    const auto percent = find_number(without_suffix(text, "%"));
    if (!percent || *percent < 1 || *percent > 100) return invalid_value(key, text, "a percentage must be from 1% to 100%");
    return Bytes{total.value / 100 * *percent};
  }
  const Bytes size = TRY(parse_size(key, text));
  if (size.value == 0) return invalid_value(key, text, "must be more than 0");
  return size;
}

// MemTotal:        2026000 kB
Result<Bytes> parse_memory_total(std::string_view meminfo) {
  for (const std::string_view line : split_lines(meminfo)) {
    const auto words = split_words(line);
    if (words.size() != 3 || words[0] != "MemTotal:" || words[2] != "kB") continue;
    if (const auto kilobytes = find_number(words[1])) return Bytes{*kilobytes * 1000};
  }
  return Error(ErrorKind::kIo, "no MemTotal in /proc/meminfo");
}

Result<MemoryEnforce> parse_memory_enforce(std::string_view key, std::string_view text) {
  if (text == "hard") return MemoryEnforce::kHard;
  if (text == "soft") return MemoryEnforce::kSoft;
  return invalid_value(key, text, "must be hard or soft");
}

MemoryLimits memory_limits(const MemoryRequest& request) {
  MemoryLimits limits;
  if (request.limit && request.enforce == MemoryEnforce::kSoft) limits.low = request.limit;
  if (request.limit && request.enforce == MemoryEnforce::kHard) {
    limits.max = request.limit;
    limits.swap_max = request.limit;
    // LXD multiplies by 0.9 in floating point; a size of up to 2^53 gives the same number, cut to an integer.
    limits.low = Bytes{static_cast<std::uint64_t>(static_cast<double>(request.limit->value) * 0.9)};
  }
  if (!request.swap) limits.swap_max = Bytes{0};
  return limits;
}

Result<std::uint64_t> parse_processes(std::string_view key, std::string_view text) {
  const auto processes = find_number(text);
  // The kernel's highest pids.max is PID_MAX_LIMIT, 2^22.
  if (!processes || *processes < 1 || *processes > (1u << 22))
    return invalid_value(key, text, "must be a number from 1 to 4194304");
  return *processes;
}

Result<Bytes> parse_hugepages(std::string_view key, std::string_view text) { return parse_size(key, text); }

Result<DiskRate> parse_disk_rate(std::string_view key, std::string_view text) {
  DiskRate rate;
  if (text.ends_with("iops")) {
    rate.operations = find_number(without_suffix(text, "iops"));
    if (!rate.operations || *rate.operations == 0) return invalid_value(key, text, "must be a size (30MB) or operations (20iops)");
    return rate;
  }
  rate.bytes = TRY(parse_size(key, text)).value;
  if (*rate.bytes == 0) return invalid_value(key, text, "must be more than 0");
  return rate;
}

}  // namespace cella::cgroups
