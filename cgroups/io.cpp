#include "cgroups/io.h"

#include <cerrno>
#include <unistd.h>

#include "base/files.h"
#include "cgroups/cpu.h"
#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

std::optional<std::uint64_t> limit_of(std::string_view line, std::string_view key) {
  const auto value = find_nested(line, key);
  return value ? find_number(*value) : std::nullopt;  // "max" is no number
}

std::string format_one(std::string_view key, std::optional<std::uint64_t> limit) {
  return " " + std::string(key) + "=" + (limit ? std::to_string(*limit) : "max");
}

std::uint64_t count_of(std::string_view line, std::string_view key) { return limit_of(line, key).value_or(0); }

}  // namespace

Result<BlockDevice> parse_block_device(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto major = find_number(text.substr(0, colon));
  const auto minor = colon == std::string_view::npos ? std::nullopt : find_number(text.substr(colon + 1));
  if (!major || !minor || *major > 0xfff || *minor > 0xfffff)
    return invalid_value("block device", text, "not of the form MAJOR:MINOR");
  return BlockDevice{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

std::string format_block_device(BlockDevice device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

std::string format_io_max(const IoMax& limit) {
  return format_block_device(limit.device) + format_one("rbps", limit.read_bytes) +
         format_one("wbps", limit.write_bytes) + format_one("riops", limit.read_operations) +
         format_one("wiops", limit.write_operations);
}

// 254:0 rbps=2000000 wbps=max riops=max wiops=20
Result<std::vector<IoMax>> parse_io_max(std::string_view text) {
  std::vector<IoMax> limits;
  for (const std::string_view line : split_lines(text)) {
    limits.push_back({.device = TRY(parse_block_device(line.substr(0, line.find(' ')))),
                      .read_bytes = limit_of(line, "rbps"),
                      .write_bytes = limit_of(line, "wbps"),
                      .read_operations = limit_of(line, "riops"),
                      .write_operations = limit_of(line, "wiops")});
  }
  return limits;
}

Result<void> set_io_max(const Cgroup& cgroup, const IoMax& limit) {
  return cgroup.write("io.max", format_io_max(limit));
}

Result<void> set_io_weight(const Cgroup& cgroup, std::uint32_t weight) {
  if (weight < 1 || weight > kMaxWeight)
    return invalid_value("io.weight", std::to_string(weight), "must be from 1 to 10000");
  return cgroup.write("io.weight", "default " + std::to_string(weight));
}

// 254:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0. A device nothing was counted for may stand alone.
Result<std::vector<IoStat>> parse_io_stat(std::string_view text) {
  std::vector<IoStat> stats;
  for (const std::string_view line : split_lines(text)) {
    if (!find_nested(line, "rbytes")) continue;
    stats.push_back({.device = TRY(parse_block_device(line.substr(0, line.find(' ')))),
                     .read = Bytes{count_of(line, "rbytes")},
                     .written = Bytes{count_of(line, "wbytes")},
                     .reads = count_of(line, "rios"),
                     .writes = count_of(line, "wios")});
  }
  return stats;
}

Result<std::vector<IoStat>> read_io_stat(const Cgroup& cgroup) {
  auto stats = parse_io_stat(TRY(cgroup.read("io.stat")));
  if (!stats) return std::move(stats).error().with_context(cgroup.path() + "/io.stat");
  return stats;
}

Result<BlockDevice> whole_disk(const DirFd& sys, BlockDevice device) {
  const std::string name = format_block_device(device);
  const DirFd node = TRY_CONTEXT("block device " + name, open_dir_at(sys, name));
  if (!exists_at(node, "partition")) return device;
  // The link leads to …/block/vda/vda1: the disk is the directory above.
  std::string number = TRY_CONTEXT("block device " + name, read_file_at(node, "../dev"));
  return parse_block_device(number.substr(0, number.find('\n')));
}

}  // namespace cella::cgroups
