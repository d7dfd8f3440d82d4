#include <algorithm>
#include <cerrno>

#include "netlink/nft_rules.h"
#include "netlink/nft_transaction.h"
#include "netlink/routes.h"
#include "tests/integration/netlink/fixture.h"

namespace cella::netlink::nft {
namespace {

class NftRoot : public NetlinkRoot {
 protected:
  void SetUp() override {
    NetlinkRoot::SetUp();
    if (IsSkipped()) return;
    auto opened = Socket::open(NETLINK_NETFILTER);
    ASSERT_OK(opened);
    nft_.emplace(std::move(opened).value());
  }
  void TearDown() override {
    nft_.reset();
    NetlinkRoot::TearDown();
  }
  std::optional<Socket> nft_;
};

Chain forward(std::vector<Rule> rules) { return {.name = "fwd.br0", .hook = Hook::kForward, .rules = std::move(rules)}; }

TEST_F(NftRoot, RulesReadBackAsNftPrintsThem) {
  const auto subnet = *parse_prefix("s", "10.7.8.1/24");
  const auto subnet6 = *parse_prefix("s", "fd42:7::1/64");
  Transaction transaction(Family::kInet, "cella");
  transaction.ensure_table();
  transaction.replace_chain({.name = "pstrt.br0",
                             .hook = Hook::kPostrouting,
                             .kind = ChainKind::kNat,
                             .priority = 100,
                             .rules = {RuleBuilder().source(subnet).destination(subnet, Relation::kNotEqual).masquerade(),
                                       RuleBuilder().source(subnet6).destination(subnet6, Relation::kNotEqual).masquerade()}});
  transaction.replace_chain(forward({RuleBuilder().family(IpFamily::kV4).output("br0").accept(),
                                     RuleBuilder().family(IpFamily::kV6).output("br0").reject()}));
  transaction.replace_chain({.name = "in.br0", .hook = Hook::kInput,
                             .rules = {RuleBuilder().input("br0").tcp_to(53).accept()}});
  ASSERT_OK(transaction.send(*nft_));
  const std::string shown = output_of("nft", {"list", "table", "inet", "cella"});
  for (const char* expected : {"type nat hook postrouting priority srcnat; policy accept;",
                               "ip saddr 10.7.8.0/24 ip daddr != 10.7.8.0/24 masquerade",
                               "ip6 saddr fd42:7::/64 ip6 daddr != fd42:7::/64 masquerade", "oifname \"br0\" accept",
                               "oifname \"br0\" reject", "iifname \"br0\" tcp dport 53 accept"}) {
    EXPECT_NE(shown.find(expected), std::string::npos) << expected << "\n" << shown;
  }
}

TEST_F(NftRoot, ReplacesAllRulesOfAChainAtOnce) {
  Transaction first(Family::kInet, "cella");
  first.ensure_table();
  first.replace_chain(forward({RuleBuilder().input("br0").accept(), RuleBuilder().output("br0").accept()}));
  ASSERT_OK(first.send(*nft_));
  Transaction second(Family::kInet, "cella");
  second.replace_chain(forward({RuleBuilder().input("br1").drop()}));
  ASSERT_OK(second.send(*nft_));
  const std::string shown = output_of("nft", {"list", "table", "inet", "cella"});
  EXPECT_EQ(shown.find("br0\" accept"), std::string::npos) << shown;
  EXPECT_NE(shown.find("iifname \"br1\" drop"), std::string::npos) << shown;
}

TEST_F(NftRoot, RefusedTransactionNamesTheMessageAndChangesNothing) {
  Transaction transaction(Family::kInet, "cella");
  transaction.ensure_table();
  transaction.replace_chain({.name = "c", .rules = {RuleBuilder().masquerade()}});  // masquerade needs a nat chain
  transaction.unmap_name("nowhere", "vethx");
  const auto sent = transaction.send(*nft_);
  ASSERT_FALSE(sent.ok());
  EXPECT_NE(sent.error().message().find("nowhere"), std::string::npos) << sent.error().message();
  EXPECT_EQ(output_of("nft", {"list", "ruleset"}), "");
}

TEST_F(NftRoot, RemovingLeavesNothingAndAnOccupiedTableStays) {
  Transaction transaction(Family::kInet, "cella");
  transaction.ensure_table();
  transaction.replace_chain(forward({RuleBuilder().input("br0").accept()}));
  ASSERT_OK(transaction.send(*nft_));
  Transaction table(Family::kInet, "cella");
  table.remove_empty_table();
  EXPECT_EQ(table.send(*nft_).error().errno_value(), EBUSY);
  Transaction removal(Family::kInet, "cella");
  removal.ensure_table();
  removal.remove_chain(forward({}));
  removal.remove_chain({.name = "never-there", .hook = Hook::kInput});
  ASSERT_OK(removal.send(*nft_));
  ASSERT_OK(table.send(*nft_));
  EXPECT_EQ(output_of("nft", {"list", "ruleset"}), "");
  EXPECT_EQ(table.send(*nft_).error().errno_value(), ENOENT);
}

// Two processes on one bridge; the first may only send from its own address.
TEST_F(NftRoot, NameMapDropsASpoofedSourceOnTheBridge) {
  test::NetworkProcess one, two;
  ASSERT_TRUE(one.valid() && two.valid());
  const std::uint32_t bridge = make_bridge("cntbr0");
  Batch batch;
  add_veth(batch, {.host_name = "cntveth1", .master = bridge, .peer_place = PeerInNamespace{one.network_namespace().get()}});
  add_veth(batch, {.host_name = "cntveth2", .master = bridge, .peer_place = PeerInNamespace{two.network_namespace().get()}});
  ASSERT_OK(socket_->send(batch));
  const auto configure = [](const test::NetworkProcess& process, std::vector<const char*> addresses) {
    auto inside = Socket::open_in(process.network_namespace());
    const std::uint32_t index = find_link(*inside, "eth0")->index;
    Batch inner;
    change_link(inner, LinkRef::by_index(index), {.up = true});
    for (const char* text : addresses) add_address(inner, index, *parse_prefix("a", text));
    return inside->send(inner);
  };
  ASSERT_OK(configure(one, {"10.213.0.2/24", "10.213.0.66/24"}));
  ASSERT_OK(configure(two, {"10.213.0.3/24"}));

  Transaction transaction(Family::kBridge, "cella");
  transaction.ensure_table();
  transaction.ensure_name_map("ports");
  transaction.replace_chain({.name = "nic.cntveth1",
                             .rules = {RuleBuilder(Family::kBridge).source(*parse_prefix("a", "10.213.0.2/32")).accept(),
                                       RuleBuilder(Family::kBridge).family(IpFamily::kV4).drop()}});
  transaction.replace_chain({.name = "prerouting", .hook = Hook::kPrerouting, .priority = -300,
                             .rules = {Rule{LoadMeta{Meta::kInputName}, LookupVerdict{"ports"}}}});
  transaction.map_name("ports", "cntveth1", "nic.cntveth1");
  ASSERT_OK(transaction.send(*nft_));
  EXPECT_TRUE(one.succeeds({"busybox", "ping", "-c1", "-W2", "-I", "10.213.0.2", "10.213.0.3"}));
  EXPECT_FALSE(one.succeeds({"busybox", "ping", "-c1", "-W1", "-I", "10.213.0.66", "10.213.0.3"}));
  const auto chains = list_chains(*nft_, Family::kBridge, "cella");
  ASSERT_OK(chains);
  EXPECT_NE(std::find(chains->begin(), chains->end(), "nic.cntveth1"), chains->end());

  Transaction removal(Family::kBridge, "cella");
  removal.unmap_name("ports", "cntveth1");
  removal.remove_chain({.name = "nic.cntveth1"});
  ASSERT_OK(removal.send(*nft_));
  EXPECT_TRUE(one.succeeds({"busybox", "ping", "-c1", "-W2", "-I", "10.213.0.66", "10.213.0.3"}));
}

}  // namespace
}  // namespace cella::netlink::nft
