#include <algorithm>
#include <gtest/gtest.h>

#include "manager/firewall.h"

namespace cella::manager {
namespace {

namespace nft = netlink::nft;

const nft::Chain& chain_of(const std::vector<nft::Chain>& chains, const std::string& name) {
  const auto found = std::find_if(chains.begin(), chains.end(), [&](const auto& chain) { return chain.name == name; });
  EXPECT_NE(found, chains.end()) << name;
  return *found;
}

TEST(Firewall, NatMasqueradesOnlyWhatLeavesTheSubnet) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"}, {"ipv4.nat", "true"}});
  const auto chains = network_chains("br7", *settings);
  const auto& nat = chain_of(chains, "pstrt.br7");
  const auto subnet = *settings->v4.address;
  EXPECT_EQ(nat.rules, std::vector<nft::Rule>{nft::RuleBuilder()
                                                  .source(subnet)
                                                  .destination(subnet, nft::Relation::kNotEqual)
                                                  .masquerade()});
  EXPECT_EQ(nat.kind, nft::ChainKind::kNat);
  EXPECT_EQ(nat.priority, 100);
}

TEST(Firewall, WithoutNatOrFirewallTheChainsAreEmpty) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"}, {"ipv4.firewall", "false"}});
  for (const auto& chain : network_chains("br7", *settings)) EXPECT_TRUE(chain.rules.empty()) << chain.name;
}

TEST(Firewall, NoRoutingRejectsInBothDirections) {
  const auto settings = parse_bridge_settings({{"ipv4.address", "10.98.1.1/24"}, {"ipv4.routing", "false"}});
  const auto chains = network_chains("br7", *settings);
  const auto& rules = chain_of(chains, "fwd.br7").rules;
  ASSERT_EQ(rules.size(), 2u);
  for (const auto& rule : rules) EXPECT_EQ(rule.back(), nft::Expression(nft::Reject{}));
}

NicFilter filter() {
  return {.host_name = "veth1",
          .mac = *netlink::parse_mac("m", "00:16:3e:01:02:03"),
          .ipv4 = *netlink::parse_ip("a", "10.98.1.5")};
}

TEST(NicFilter, MacFilterAloneDropsOtherSendersAndNothingElse) {
  NicFilter nic = filter();
  nic.mac_filtering = true;
  const auto chain = nic_chain(nic);
  ASSERT_EQ(chain.rules.size(), 1u);
  EXPECT_EQ(chain.rules[0].back(), nft::Expression(nft::Verdict::kDrop));
  EXPECT_EQ(chain.rules[0][0], nft::Expression(nft::LoadPayload{nft::Layer::kLink, 6, 6}));
}

TEST(NicFilter, AddressFiltersEndInDropSoThatNoOtherProtocolSlipsPast) {
  for (const bool v4 : {true, false}) {
    NicFilter nic = filter();
    (v4 ? nic.ipv4_filtering : nic.ipv6_filtering) = true;
    const auto chain = nic_chain(nic);
    EXPECT_EQ(chain.rules.back(), nft::Rule{nft::Expression(nft::Verdict::kDrop)});
  }
}

TEST(NicFilter, WithoutAnAddressNoIpv4IsAcceptedButDhcp) {
  NicFilter nic = filter();
  nic.ipv4.reset();
  nic.ipv4_filtering = true;
  const auto chain = nic_chain(nic);
  const auto accepting = std::count_if(chain.rules.begin(), chain.rules.end(), [](const nft::Rule& rule) {
    return rule.back() == nft::Expression(nft::Verdict::kAccept);
  });
  EXPECT_EQ(accepting, 2);  // DHCP, and IPv6 as a whole
}

TEST(NicFilter, RateComesFirst) {
  NicFilter nic = filter();
  nic.mac_filtering = true;
  nic.egress_bits_per_second = 8'000'000;
  const auto chain = nic_chain(nic);
  EXPECT_EQ(chain.rules[0][0], nft::Expression(nft::RateOver{1'000'000, 250'000}));
  EXPECT_TRUE(NicFilter{}.empty());
}

}  // namespace
}  // namespace cella::manager
