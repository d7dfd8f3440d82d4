#include "netlink/ip.h"

#include <gtest/gtest.h>

namespace cella::netlink {
namespace {

IpAddress ip(const char* text) { return *parse_ip("test", text); }
IpPrefix prefix(const char* text) { return *parse_prefix("test", text); }

TEST(Ip, ParsesAndFormatsBothFamilies) {
  EXPECT_EQ(format(ip("10.1.2.3")), "10.1.2.3");
  EXPECT_EQ(format(ip("fd42::1")), "fd42::1");
  EXPECT_EQ(format(prefix("10.1.2.3/24")), "10.1.2.3/24");
  EXPECT_EQ(format(prefix("fd42::1/64")), "fd42::1/64");
}

TEST(Ip, RefusesWhatIsNoAddressAndNamesKeyAndValue) {
  for (const char* text : {"", "10.1.2", "10.1.2.256", "fd42::g", "10.1.2.3 ", "::1::"}) {
    const auto parsed = parse_ip("ipv4.address", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(parsed.error().message().find("ipv4.address"), std::string::npos);
  }
  EXPECT_FALSE(parse_ip("k", std::string_view("10.0.0.1\0x", 10)).ok());
  for (const char* text : {"10.1.2.3", "10.1.2.3/33", "10.1.2.3/", "10.1.2.3/-1", "fd42::/129", "/24", "10.0.0.0/08x"}) {
    EXPECT_FALSE(parse_prefix("ipv4.address", text).ok()) << text;
  }
}

TEST(Mac, ParsesOnlyUnicastAddressesOfSixBytes) {
  EXPECT_EQ(format(*parse_mac("hwaddr", "00:16:3E:aB:00:01")), "00:16:3e:ab:00:01");
  for (const char* text : {"", "00:16:3e:ab:00", "00:16:3e:ab:00:0", "00-16-3e-ab-00-01", "01:00:5e:00:00:01",
                           "00:16:3e:ab:00:01:02", "0g:16:3e:ab:00:01"}) {
    EXPECT_FALSE(parse_mac("hwaddr", text).ok()) << text;
  }
}

TEST(Ip, KnowsSubnetMaskAndLastAddress) {
  EXPECT_EQ(format(subnet_of(prefix("10.1.2.3/20"))), "10.1.0.0/20");
  EXPECT_EQ(format(last_address(prefix("10.1.2.3/20"))), "10.1.15.255");
  EXPECT_EQ(format(netmask(prefix("10.1.2.3/20"))), "255.255.240.0");
  EXPECT_EQ(format(subnet_of(prefix("fd42:1:2:3:4::5/64"))), "fd42:1:2:3::/64");
  EXPECT_EQ(format(subnet_of(prefix("1.2.3.4/0"))), "0.0.0.0/0");
}

TEST(Ip, OverlapIsSymmetricAndKeepsFamiliesApart) {
  EXPECT_TRUE(overlaps(prefix("10.0.0.0/8"), prefix("10.1.2.0/24")));
  EXPECT_TRUE(overlaps(prefix("10.1.2.0/24"), prefix("10.0.0.0/8")));
  EXPECT_FALSE(overlaps(prefix("10.1.2.0/24"), prefix("10.1.3.0/24")));
  EXPECT_FALSE(overlaps(prefix("0.0.0.0/0"), prefix("fd42::/64")));
  EXPECT_TRUE(contains(prefix("10.1.2.1/24"), ip("10.1.2.255")));
  EXPECT_FALSE(contains(prefix("10.1.2.1/24"), ip("10.1.3.0")));
}

TEST(Ip, AdvancesAndMeasuresAcrossByteBorders) {
  EXPECT_EQ(format(advance(ip("10.1.2.255"), 1)), "10.1.3.0");
  EXPECT_EQ(format(advance(ip("fd42::ffff:ffff"), 1)), "fd42::1:0:0");
  EXPECT_EQ(distance(ip("10.1.2.2"), ip("10.1.3.1")), 255u);
  EXPECT_EQ(distance(ip("fd42::"), ip("fd42::1:0")), 65536u);
  EXPECT_EQ(distance(ip("fd42::"), ip("fd43::")), std::uint64_t{1} << 63);
}

TEST(Ip, DerivesInterfaceIdentifiersFromMac) {
  const MacAddress mac = *parse_mac("hwaddr", "00:16:3e:12:34:56");
  EXPECT_EQ(format(eui64(prefix("fd42:a:b:c::1/64"), mac)), "fd42:a:b:c:216:3eff:fe12:3456");
  EXPECT_EQ(format(link_local(mac)), "fe80::216:3eff:fe12:3456");
}

}  // namespace
}  // namespace cella::netlink
