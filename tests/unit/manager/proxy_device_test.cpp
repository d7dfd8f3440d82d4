#include "manager/proxy_device.h"

#include <gtest/gtest.h>

#include "manager/proxy_nat.h"

namespace cella::manager {
namespace {

using runtime::ProxyKind;

Device proxy(std::map<std::string, std::string> keys) {
  Device device{{"type", "proxy"}, {"listen", "tcp:0.0.0.0:80"}, {"connect", "tcp:127.0.0.1:8080"}};
  for (auto& [key, value] : keys) device[key] = value;
  return device;
}

std::string refusal(std::map<std::string, std::string> keys) {
  const auto parsed = parse_proxy("p", proxy(std::move(keys)));
  return parsed.ok() ? "" : parsed.error().message();
}

TEST(ProxyAddress, HasPortsAndRanges) {
  const auto address = parse_proxy_address("listen", "udp:[2001:db8::1]:53,8000-8002");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->kind, ProxyKind::kUdp);
  EXPECT_EQ(netlink::format(address->host), "2001:db8::1");
  EXPECT_EQ(address->ports, (std::vector<std::uint16_t>{53, 8000, 8001, 8002}));
}

TEST(ProxyAddress, TakesPathsAndAbstractNames) {
  EXPECT_EQ(parse_proxy_address("listen", "unix:/run/x.sock")->path, "/run/x.sock");
  EXPECT_EQ(parse_proxy_address("listen", "unix:@x")->path, "@x");
}

TEST(ProxyAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "tcp", "tcp:", "tcp:127.0.0.1", "tcp:127.0.0.1:", "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536",
                           "tcp:127.0.0.1:9-8", "tcp:localhost:80", "tcp:127.0.0.1:1-4000", "unix:", "unix:@", "unix:x",
                           "sctp:127.0.0.1:80", "unix:/"}) {
    const auto address = parse_proxy_address("listen", text);
    EXPECT_FALSE(address.ok()) << text;
    if (!address.ok()) {
      EXPECT_NE(address.error().message().find("listen"), std::string::npos) << text;
    }
  }
  EXPECT_FALSE(parse_proxy_address("listen", "unix:/" + std::string(107, 'x')).ok());
}

TEST(Proxy, MapsPorts) {
  const auto same = parse_proxy("p", proxy({{"listen", "tcp:0.0.0.0:1-3"}, {"connect", "tcp:127.0.0.1:11-13"}}));
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(target_port(*same, 2), 13);
  const auto one = parse_proxy("p", proxy({{"listen", "tcp:0.0.0.0:1-3"}}));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(target_port(*one, 2), 8080);
  EXPECT_EQ(target_port(*parse_proxy("p", proxy({{"connect", "unix:/x"}})), 0), 0);
}

TEST(Proxy, RefusesKeysThatDoNotGoTogether) {
  EXPECT_NE(refusal({{"connect", "tcp:127.0.0.1:1-2"}}).find("Mismatch"), std::string::npos);
  EXPECT_NE(refusal({{"mode", "0600"}}).find("mode"), std::string::npos);
  EXPECT_NE(refusal({{"listen", "unix:@x"}, {"uid", "1"}}).find("uid"), std::string::npos);
  EXPECT_NE(refusal({{"connect", "udp:127.0.0.1:1"}, {"proxy_protocol", "true"}}).find("PROXY"), std::string::npos);
  EXPECT_NE(refusal({{"nat", "true"}}).find("wildcard"), std::string::npos);
  EXPECT_NE(refusal({{"nat", "true"}, {"listen", "tcp:127.0.0.1:1"}}).find("loopback"), std::string::npos);
  EXPECT_NE(refusal({{"nat", "true"}, {"listen", "tcp:192.0.2.1:1"}, {"bind", "instance"}}).find("host-bound"),
            std::string::npos);
  EXPECT_NE(refusal({{"nat", "true"}, {"listen", "udp:192.0.2.1:1"}}).find("nat"), std::string::npos);
  EXPECT_NE(refusal({{"colour", "red"}}).find("colour"), std::string::npos);
  EXPECT_EQ(refusal({{"listen", "unix:/x"}, {"mode", "0600"}, {"uid", "1"}}), "");
}

TEST(Proxy, DiffersWhenAnyKeyDoes) {
  EXPECT_EQ(parse_proxy("p", proxy({}))->text, parse_proxy("p", proxy({}))->text);
  EXPECT_NE(parse_proxy("p", proxy({}))->text, parse_proxy("p", proxy({{"security.uid", "1"}}))->text);
}

TEST(ProxyNat, NeedsTheNicsFixedAddress) {
  const auto settings = *parse_proxy("p", proxy({{"nat", "true"}, {"listen", "tcp:192.0.2.1:80"}, {"connect", "tcp:0.0.0.0:81"}}));
  EXPECT_FALSE(nat_target(settings, {}).ok());
  EXPECT_FALSE(nat_target(settings, {{"eth0", {{"type", "nic"}}, 0}}).ok());
  const auto target = nat_target(settings, {{"eth0", {{"type", "nic"}, {"ipv4.address", "10.1.1.2"}}, 0}});
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(netlink::format(*target), "10.1.1.2");
}

TEST(ProxyNat, TranslatesWhatComesInAndWhatTheHostSends) {
  const auto settings = *parse_proxy("p", proxy({{"nat", "true"}, {"listen", "udp:192.0.2.1:80,90"}, {"connect", "udp:0.0.0.0:81"}}));
  const auto target = *netlink::parse_ip("", "10.1.1.2");
  const auto chains = nat_chains("7.p", settings, target);
  ASSERT_EQ(chains.size(), 3u);
  EXPECT_EQ(chains[0].name, "proxy.in.7.p");
  EXPECT_EQ(chains[0].hook, netlink::nft::Hook::kPrerouting);
  EXPECT_EQ(chains[1].hook, netlink::nft::Hook::kOutput);
  for (const auto& chain : chains) EXPECT_EQ(chain.rules.size(), 2u) << chain.name;
  const netlink::nft::Expression last = netlink::nft::DestinationNat{target, 81};
  EXPECT_EQ(chains[0].rules[1].back(), last);
}

}  // namespace
}  // namespace cella::manager
