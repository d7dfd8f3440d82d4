// What users write for limits, sizes, sets, maps and addresses.
#include <string>

#include "base/id_map.h"
#include "base/units.h"
#include "cgroups/device_program.h"
#include "cgroups/io.h"
#include "cgroups/notation.h"
#include "manager/config_keys.h"
#include "manager/rlimits.h"
#include "netlink/ip.h"
#include "runtime/capabilities.h"
#include "tests/fuzz/target.h"

namespace cella {
namespace {

void check_numbers(std::string_view text) {
  const auto number = parse_unsigned("key", text);
  if (number.ok()) fuzz::require(parse_unsigned("key", std::to_string(*number)).value() == *number, "a number stays");
  (void)parse_signed("key", text);
  const auto size = parse_size("key", text);
  if (size.ok()) (void)format_size(*size);
  (void)parse_bit_rate("key", text);
  (void)parse_bool("key", text);
}

void check_sets(std::string_view text) {
  const auto set = cgroups::CpuSet::parse("key", text);
  if (set.ok()) {
    const auto again = cgroups::CpuSet::parse("key", set->text());
    fuzz::require(again.ok() && *again == *set, "a CPU set keeps its members");
  }
  const auto map = IdMap::parse("key", text);
  if (map.ok()) {
    for (const IdRange& range : map->users()) {
      const auto host = map->user_to_host(ContainerId{range.inside + (range.count - 1)});
      fuzz::require(host && host->value == range.outside + (range.count - 1), "the last id of a range is mapped");
    }
  }
}

void check_limits(std::string_view text) {
  const auto allowance = cgroups::parse_cpu_allowance("key", text);
  if (allowance.ok()) {
    const auto weight = cgroups::cpu_weight(*allowance, 0);
    fuzz::require(!weight || (*weight >= 1 && *weight <= cgroups::kMaxWeight), "the kernel takes every cpu.weight");
    (void)cgroups::format_cpu_max(cgroups::cpu_quota(*allowance));
  }
  (void)cgroups::parse_cpu_request("key", text);
  (void)cgroups::parse_priority("key", text);
  const auto memory = cgroups::parse_memory_request("key", text, Bytes{16ull << 30});
  if (memory.ok()) (void)cgroups::memory_limits({.limit = *memory});
  (void)cgroups::parse_processes("key", text);
  (void)cgroups::parse_hugepages("key", text);
  (void)cgroups::parse_disk_rate("key", text);
  (void)cgroups::parse_block_device(text);
  (void)cgroups::parse_device_rule("key", text);
  (void)manager::parse_rlimit("limits.kernel.nofile", text);
  (void)runtime::parse_capability("key", text);
}

void check_addresses(std::string_view text) {
  const auto ip = netlink::parse_ip("key", text);
  if (ip.ok()) fuzz::require(netlink::parse_ip("key", netlink::format(*ip)).ok(), "an address that is printed parses");
  const auto prefix = netlink::parse_prefix("key", text);
  if (prefix.ok())
    fuzz::require(netlink::parse_prefix("key", netlink::format(*prefix)).ok(), "a prefix that is printed parses");
  const auto mac = netlink::parse_mac("key", text);
  if (mac.ok()) fuzz::require(netlink::parse_mac("key", netlink::format(*mac)).ok(), "a MAC that is printed parses");
}

}  // namespace

FUZZ_TARGET(notation) {
  check_numbers(text);
  check_sets(text);
  check_limits(text);
  check_addresses(text);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return;
  const manager::Config config{{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))}};
  (void)manager::check_config(config, manager::ConfigOwner::kInstance);
  (void)manager::check_config(config, manager::ConfigOwner::kProfile);
}

}  // namespace cella
