#include "manager/network_subnets.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

netlink::IpPrefix prefix(const char* text) { return *netlink::parse_prefix("test", text); }
netlink::IpAddress ip(const char* text) { return *netlink::parse_ip("test", text); }

// Gives the numbers in turn, then keeps to the last.
RandomSource scripted(std::vector<std::uint32_t> numbers) {
  return [numbers, at = std::size_t{0}](std::uint32_t bound) mutable {
    const auto number = numbers[std::min(at, numbers.size() - 1)];
    ++at;
    return number % bound;
  };
}

TEST(Subnets, PassesOverWhatIsInUse) {
  const std::vector<UsedSubnet> used{{prefix("10.5.0.0/16"), "route", true}};
  const auto chosen = choose_subnet(netlink::IpFamily::kV4, used, scripted({5, 9, 5, 77, 6, 8}));
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(netlink::format(*chosen), "10.6.8.1/24");
}

TEST(Subnets, Ipv6IsAUniqueLocalSlash64) {
  const auto chosen = choose_subnet(netlink::IpFamily::kV6, {}, scripted({1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(netlink::format(*chosen), "fd42:102:304:506::1/64");
}

TEST(Subnets, GivesUpWhenEverythingIsTaken) {
  const auto chosen = choose_subnet(netlink::IpFamily::kV4, {{prefix("10.0.0.0/8"), "x"}}, system_random());
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().kind(), ErrorKind::kNoSpace);
}

TEST(Subnets, ConflictNamesBothSubnetsAndTheOwner) {
  const std::vector<UsedSubnet> used{{prefix("10.7.0.1/16"), "address of interface eth0"}};
  const auto checked = check_subnet_free("ipv4.address", prefix("10.7.8.1/24"), used);
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().kind(), ErrorKind::kInvalid);
  for (const char* piece : {"ipv4.address", "10.7.8.1/24", "10.7.0.0/16", "interface eth0"}) {
    EXPECT_NE(checked.error().message().find(piece), std::string::npos) << checked.error().message();
  }
  EXPECT_TRUE(check_subnet_free("ipv4.address", prefix("10.8.8.1/24"), used).ok());
}

TEST(Subnets, MayBeCarvedOutOfAWiderRouteThroughAGatewayButNotTheOtherWayRound) {
  const std::vector<UsedSubnet> used{{prefix("10.0.0.0/8"), "route through tun0", true}};
  EXPECT_TRUE(check_subnet_free("ipv4.address", prefix("10.7.8.1/24"), used).ok());
  const std::vector<UsedSubnet> narrow{{prefix("10.7.8.128/25"), "route through tun0", true}};
  EXPECT_FALSE(check_subnet_free("ipv4.address", prefix("10.7.8.1/24"), narrow).ok());
}

TEST(Addresses, SameSeedSameAddressAndNeverATakenOne) {
  const std::vector<AddressRange> ranges{{ip("10.1.1.2"), ip("10.1.1.254")}};
  const auto first = choose_address(ranges, {}, "c1/eth0");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(choose_address(ranges, {}, "c1/eth0"), first);
  EXPECT_NE(choose_address(ranges, {}, "c2/eth0"), first);
  const auto second = choose_address(ranges, {*first}, "c1/eth0");
  ASSERT_TRUE(second.has_value());
  EXPECT_NE(second, first);
}

TEST(Addresses, FillsARangeToItsLastAddressThenSaysFull) {
  const std::vector<AddressRange> ranges{{ip("10.1.1.10"), ip("10.1.1.12")}, {ip("10.1.1.40"), ip("10.1.1.40")}};
  std::set<netlink::IpAddress> taken;
  for (int i = 0; i < 4; ++i) {
    const auto address = choose_address(ranges, taken, "seed" + std::to_string(i));
    ASSERT_TRUE(address.has_value()) << i;
    EXPECT_TRUE(taken.insert(*address).second);
  }
  EXPECT_FALSE(choose_address(ranges, taken, "one more").has_value());
  EXPECT_TRUE(taken.contains(ip("10.1.1.40")));
}

TEST(Addresses, WorksOnRangesWiderThan64Bits) {
  EXPECT_TRUE(choose_address({{ip("fd42::2"), ip("fd42::ffff:ffff:ffff:ffff:ffff")}}, {}, "x").has_value());
}

}  // namespace
}  // namespace cella::manager
