#include "cgroups/balance.h"

#include <gtest/gtest.h>

namespace cella::cgroups {
namespace {

// "a=0 b=1"
std::string balanced(const CpuSet& usable, const std::vector<CpuClient>& clients) {
  std::string text;
  for (const CpuAssignment& assignment : balance_cpus(usable, clients))
    text += (text.empty() ? "" : " ") + assignment.name + "=" + assignment.cpus.text();
  return text;
}

const CpuSet kTwo({0, 1});

TEST(CpuBalance, SpreadsSingleCpus) {
  EXPECT_EQ(balanced(kTwo, {{"a", CpuRequest(1u)}, {"b", CpuRequest(1u)}, {"c", CpuRequest(1u)}}), "a=0 b=1 c=0");
}

TEST(CpuBalance, LeavesClientsWithoutARequestUnpinned) {
  EXPECT_EQ(balanced(kTwo, {{"a", {}}, {"b", CpuRequest(1u)}}), "a= b=0");
}

TEST(CpuBalance, CountsPinnedClientsFirst) {
  EXPECT_EQ(balanced(kTwo, {{"a", CpuRequest(1u)}, {"b", CpuRequest(CpuSet({0}))}}), "a=1 b=0");
}

TEST(CpuBalance, ClampsACountToWhatThereIs) {
  EXPECT_EQ(balanced(kTwo, {{"a", CpuRequest(5u)}}), "a=0-1");
  EXPECT_EQ(balanced(CpuSet({2, 5, 9}), {{"a", CpuRequest(2u)}, {"b", CpuRequest(2u)}}), "a=2,5 b=2,9");
}

TEST(CpuBalance, DropsPinnedCpusThatAreOffline) {
  EXPECT_EQ(balanced(kTwo, {{"a", CpuRequest(CpuSet({1, 7}))}}), "a=1");
  EXPECT_EQ(balanced(kTwo, {{"a", CpuRequest(CpuSet({7}))}}), "a=7");
}

TEST(CpuBalance, SpreadsAgainWhenOneIsGone) {
  EXPECT_EQ(balanced(kTwo, {{"b", CpuRequest(1u)}, {"c", CpuRequest(1u)}}), "b=0 c=1");
}

TEST(CpuBalance, UsesEveryCpuBeforeAnyTwice) {
  const CpuSet four({0, 1, 2, 3});
  EXPECT_EQ(balanced(four, {{"a", CpuRequest(2u)}, {"b", CpuRequest(1u)}, {"c", CpuRequest(1u)}, {"d", CpuRequest(3u)}}),
            "a=0-1 b=2 c=3 d=0-2");
}

}  // namespace
}  // namespace cella::cgroups
