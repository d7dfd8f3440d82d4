#include <gtest/gtest.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netlink/nft_rules.h"
#include "netlink/nft_transaction.h"

namespace cella::netlink::nft {
namespace {

IpPrefix prefix(const char* text) { return *parse_prefix("test", text); }

// What libnftnl itself reads back from an encoded rule, in its text form.
std::string text_of(const MessageView& message, const Bytes& all) {
  nftnl_rule* rule = nftnl_rule_alloc();
  const std::uint8_t* start = message.payload.data() - sizeof(nlmsghdr);
  EXPECT_GE(start, all.data());
  EXPECT_GE(nftnl_rule_nlmsg_parse(reinterpret_cast<const nlmsghdr*>(start), rule), 0);
  char text[4096];
  nftnl_rule_snprintf(text, sizeof text, rule, NFTNL_OUTPUT_DEFAULT, 0);
  nftnl_rule_free(rule);
  return text;
}

std::string rule_text(Rule rule) {
  Transaction transaction(Family::kInet, "t");
  transaction.replace_chain({.name = "c", .rules = {std::move(rule)}});
  const Bytes bytes = transaction.encode();
  const auto messages = split_messages(bytes);
  EXPECT_TRUE(messages.ok());
  return text_of((*messages)[3], bytes);
}

void expect_order(const std::string& text, std::initializer_list<const char*> pieces) {
  std::size_t at = 0;
  for (const char* piece : pieces) {
    const std::size_t found = text.find(piece, at);
    ASSERT_NE(found, std::string::npos) << piece << " not found in order in: " << text;
    at = found;
  }
}

TEST(NftTransaction, IsOneBatchWithFlushBetweenChainAndRules) {
  Transaction transaction(Family::kInet, "cella");
  transaction.ensure_table();
  transaction.replace_chain({.name = "fwd.br0",
                             .hook = Hook::kForward,
                             .rules = {RuleBuilder().input("br0").accept(), RuleBuilder().output("br0").accept()}});
  const Bytes bytes = transaction.encode();
  const auto messages = split_messages(bytes);
  ASSERT_TRUE(messages.ok());
  std::vector<int> types;
  for (const auto& message : *messages) types.push_back(message.header.nlmsg_type & 0xFF);
  EXPECT_EQ(types, (std::vector<int>{NFNL_MSG_BATCH_BEGIN, NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_DELRULE,
                                     NFT_MSG_NEWRULE, NFT_MSG_NEWRULE, NFNL_MSG_BATCH_END}));
  std::uint32_t sequence = 0;
  for (const auto& message : *messages) {
    EXPECT_GT(message.header.nlmsg_seq, sequence);
    sequence = message.header.nlmsg_seq;
  }
}

TEST(NftRules, MasqueradeComparesFamilySourceAndNegatedDestination) {
  const auto subnet = prefix("10.7.8.1/24");
  const std::string text =
      rule_text(RuleBuilder().source(subnet).destination(subnet, Relation::kNotEqual).masquerade());
  expect_order(text, {"meta load nfproto => reg 1", "cmp eq reg 1 0x00000002", "payload load 3b @ network header + 12",
                      "cmp eq reg 1 0x0008070a", "payload load 3b @ network header + 16", "cmp neq reg 1 0x0008070a",
                      "masq"});
}

TEST(NftRules, SubnetThatEndsInsideAByteIsMasked) {
  const std::string text = rule_text(RuleBuilder().source(prefix("10.7.8.1/20")).drop());
  expect_order(text, {"payload load 4b @ network header + 12", "bitwise reg 1 = ( reg 1 & 0x00f0ffff )",
                      "cmp eq reg 1 0x0000070a"});
}

TEST(NftRules, BridgeTableTellsFamiliesByEthertype) {
  const std::string text = rule_text(RuleBuilder(Family::kBridge).family(IpFamily::kV6).drop());
  expect_order(text, {"meta load protocol => reg 1", "cmp eq reg 1 0x0000dd86", "drop"});
}

TEST(NftRules, SixteenByteSourceForIpv6WithoutMaskForOneHost) {
  const std::string text = rule_text(RuleBuilder().source(prefix("fd42::5/128")).drop());
  expect_order(text, {"payload load 16b @ network header + 8", "cmp eq reg 1"});
  EXPECT_EQ(text.find("bitwise"), std::string::npos);
}

TEST(NftRules, ServicePortOnOneInterface) {
  const std::string text = rule_text(RuleBuilder().input("br0").udp_to(67).accept());
  expect_order(text, {"meta load iifname => reg 1", "meta load l4proto", "cmp eq reg 1 0x00000011",
                      "payload load 2b @ transport header + 2", "cmp eq reg 1 0x00004300", "accept"});
}

TEST(NftRules, RateOverDropsWhatIsAbove) {
  const std::string text = rule_text(RuleBuilder().input("vethx").over(625000, 65536).drop());
  expect_order(text, {"limit rate 625000/second burst 65536 type bytes flags 0x1", "drop"});
}

}  // namespace
}  // namespace cella::netlink::nft
