#include "cgroups/notation.h"

#include <gtest/gtest.h>

namespace cella::cgroups {
namespace {

using std::chrono::microseconds;

std::string cpus(std::string_view text) { return CpuSet::parse("k", text).value().text(); }

TEST(CpuSetText, IsReadAndJoined) {
  EXPECT_EQ(cpus("0-1,3"), "0-1,3");
  EXPECT_EQ(cpus("3,1,0,2\n"), "0-3");
  EXPECT_EQ(cpus("5"), "5");
  EXPECT_EQ(cpus(""), "");
  EXPECT_EQ(cpus("1-1"), "1");
}

TEST(CpuSetText, RefusesWhatIsNoList) {
  for (const std::string_view text : {"1-0", "a", ",", "0,", ",1", "-1", "1-", "0--2", "0 1", "8192", "0-99999999999"}) {
    const auto set = CpuSet::parse("limits.cpu", text);
    ASSERT_FALSE(set) << text;
    EXPECT_EQ(set.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(set.error().what().find("limits.cpu \"" + std::string(text) + "\""), std::string::npos);
  }
}

TEST(CpuRequestText, TellsCountsFromSets) {
  EXPECT_EQ(std::get<std::uint32_t>(parse_cpu_request("k", "2").value()), 2u);
  EXPECT_EQ(std::get<CpuSet>(parse_cpu_request("k", "0-0").value()).text(), "0");
  EXPECT_EQ(std::get<CpuSet>(parse_cpu_request("k", "0,1").value()).text(), "0-1");
  for (const std::string_view text : {"", "0", "two", "1.5"}) EXPECT_FALSE(parse_cpu_request("k", text)) << text;
}

TEST(CpuAllowanceText, IsAShareOrAQuota) {
  EXPECT_EQ(std::get<std::uint32_t>(parse_cpu_allowance("k", "25%").value()), 25u);
  EXPECT_EQ(std::get<CpuQuota>(parse_cpu_allowance("k", "25ms/100ms").value()),
            (CpuQuota{microseconds(25000), microseconds(100000)}));
  EXPECT_EQ(std::get<CpuQuota>(parse_cpu_allowance("k", "150ms/100ms").value()).quota, microseconds(150000));
  for (const std::string_view text :
       {"", "25", "0%", "-5%", "10001%", "ms/ms", "0ms/100ms", "5ms", "5ms/0ms", "5ms/1001ms", "5s/10s", "5ms/10ms/1ms"})
    EXPECT_FALSE(parse_cpu_allowance("k", text)) << text;
}

std::optional<std::uint32_t> weight_of(std::string_view allowance, std::optional<std::uint32_t> priority) {
  std::optional<CpuAllowance> parsed;
  if (!allowance.empty()) parsed = parse_cpu_allowance("k", allowance).value();
  return cpu_weight(parsed, priority);
}

TEST(CpuWeight, IsLxdsArithmetic) {
  EXPECT_EQ(weight_of("", {}), std::nullopt);
  EXPECT_EQ(weight_of("25%", {}), 25u);
  EXPECT_EQ(weight_of("200%", {}), 200u);
  EXPECT_EQ(weight_of("", 0), 90u);
  EXPECT_EQ(weight_of("", 3), 93u);
  EXPECT_EQ(weight_of("", 10), 100u);
  EXPECT_EQ(weight_of("11%", 0), 1u);
  EXPECT_EQ(weight_of("25ms/100ms", 5), 95u);
  EXPECT_EQ(weight_of("25ms/100ms", {}), std::nullopt);
}

TEST(CpuWeight, NeverFallsBelowTheKernelsLowest) {
  EXPECT_EQ(weight_of("10%", 0), 1u);
  EXPECT_EQ(weight_of("1%", 0), 1u);
  EXPECT_EQ(weight_of("10000%", {}), 10000u);
}

TEST(CpuQuotaOf, IsUnsetForAShare) {
  EXPECT_FALSE(cpu_quota(parse_cpu_allowance("k", "25%").value()));
  EXPECT_TRUE(cpu_quota(parse_cpu_allowance("k", "20ms/80ms").value()));
  EXPECT_FALSE(cpu_quota({}));
}

TEST(Priority, IsFrom0To10) {
  EXPECT_EQ(parse_priority("k", "0").value(), 0u);
  EXPECT_EQ(parse_priority("k", "10").value(), 10u);
  for (const std::string_view text : {"", "11", "-1", "x"}) EXPECT_FALSE(parse_priority("k", text)) << text;
}

TEST(IoWeight, IsAHundredPerStepAndTenForZero) {
  EXPECT_EQ(io_weight(0), 10u);
  EXPECT_EQ(io_weight(1), 100u);
  EXPECT_EQ(io_weight(10), 1000u);
}

TEST(MemoryText, IsASizeOrAShareOfTheHost) {
  const Bytes total = parse_memory_total("MemFree: 5 kB\nMemTotal:        2026000 kB\n").value();
  EXPECT_EQ(total, Bytes{2026000000});
  EXPECT_EQ(parse_memory_request("k", "64MiB", total).value(), Bytes{67108864});
  EXPECT_EQ(parse_memory_request("k", "10%", total).value(), Bytes{202600000});
  for (const std::string_view text : {"", "0", "0%", "101%", "x%", "64 furlongs", "-1"})
    EXPECT_FALSE(parse_memory_request("k", text, total)) << text;
  EXPECT_FALSE(parse_memory_total("MemFree: 5 kB\n"));
}

TEST(MemoryLimits, HardCapsMemoryAndSwap) {
  const auto limits = memory_limits({.limit = Bytes{67108864}});
  EXPECT_EQ(limits.max, Bytes{67108864});
  EXPECT_EQ(limits.low, Bytes{60397977});
  EXPECT_EQ(limits.swap_max, Bytes{67108864});
}

TEST(MemoryLimits, SwapFalseForbidsSwap) {
  EXPECT_EQ(memory_limits({.limit = Bytes{67108864}, .swap = false}).swap_max, Bytes{0});
  EXPECT_EQ(memory_limits({.swap = false}).swap_max, Bytes{0});
  EXPECT_EQ(memory_limits({}).swap_max, std::nullopt);
}

TEST(MemoryLimits, SoftOnlyProtects) {
  const auto limits = memory_limits({.limit = Bytes{67108864}, .enforce = MemoryEnforce::kSoft});
  EXPECT_EQ(limits.max, std::nullopt);
  EXPECT_EQ(limits.low, Bytes{67108864});
  EXPECT_EQ(limits.swap_max, std::nullopt);
  EXPECT_FALSE(parse_memory_enforce("k", "medium"));
}

TEST(Processes, AreAtLeastOne) {
  EXPECT_EQ(parse_processes("k", "20").value(), 20u);
  for (const std::string_view text : {"", "0", "-1", "4194305", "max"}) EXPECT_FALSE(parse_processes("k", text)) << text;
}

TEST(DiskRateText, IsBytesOrOperations) {
  EXPECT_EQ(parse_disk_rate("k", "2MB").value(), (DiskRate{.bytes = 2000000}));
  EXPECT_EQ(parse_disk_rate("k", "4MiB").value(), (DiskRate{.bytes = 4194304}));
  EXPECT_EQ(parse_disk_rate("k", "20iops").value(), (DiskRate{.operations = 20}));
  for (const std::string_view text : {"", "0", "0iops", "iops", "fast"}) EXPECT_FALSE(parse_disk_rate("k", text)) << text;
}

}  // namespace
}  // namespace cella::cgroups
