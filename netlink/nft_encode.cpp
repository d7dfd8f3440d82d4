#include "netlink/nft_encode.h"

#include <array>
#include <cstdlib>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>
#include <sys/socket.h>

namespace cella::netlink::nft {
namespace {

constexpr std::uint32_t kRegister = NFT_REG_1;

nftnl_expr* make(const char* kind) {
  nftnl_expr* expression = ::nftnl_expr_alloc(kind);
  // Null means no memory or a kind this libnftnl lacks; all kinds used here are as old as the supported hosts.
  if (expression == nullptr) std::abort();
  return expression;
}

struct Encoder {
  nftnl_rule* rule;

  void add(nftnl_expr* expression) const { ::nftnl_rule_add_expr(rule, expression); }

  void operator()(const LoadMeta& load) const {
    nftnl_expr* e = make("meta");
    std::uint32_t key = 0;
    switch (load.key) {
      case Meta::kInputName: key = NFT_META_IIFNAME; break;
      case Meta::kOutputName: key = NFT_META_OIFNAME; break;
      case Meta::kProtocol: key = NFT_META_PROTOCOL; break;
      case Meta::kIpFamily: key = NFT_META_NFPROTO; break;
      case Meta::kTransport: key = NFT_META_L4PROTO; break;
    }
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, kRegister);
    add(e);
  }

  void operator()(const LoadPayload& load) const {
    nftnl_expr* e = make("payload");
    std::uint32_t base = 0;
    switch (load.layer) {
      case Layer::kLink: base = NFT_PAYLOAD_LL_HEADER; break;
      case Layer::kNetwork: base = NFT_PAYLOAD_NETWORK_HEADER; break;
      case Layer::kTransport: base = NFT_PAYLOAD_TRANSPORT_HEADER; break;
    }
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, load.offset);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, load.length);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, kRegister);
    add(e);
  }

  void operator()(const Mask& mask) const {
    nftnl_expr* e = make("bitwise");
    const std::vector<std::uint8_t> zeros(mask.bytes.size());
    const auto size = static_cast<std::uint32_t>(mask.bytes.size());
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, kRegister);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, kRegister);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, size);
    ::nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask.bytes.data(), size);
    ::nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zeros.data(), size);
    add(e);
  }

  void operator()(const Compare& compare) const {
    nftnl_expr* e = make("cmp");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, kRegister);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, compare.relation == Relation::kEqual ? NFT_CMP_EQ : NFT_CMP_NEQ);
    ::nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, compare.bytes.data(), static_cast<std::uint32_t>(compare.bytes.size()));
    add(e);
  }

  void operator()(const RateOver& rate) const {
    nftnl_expr* e = make("limit");
    ::nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate.bytes_per_second);
    ::nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, rate.burst_bytes);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
    add(e);
  }

  void operator()(const LookupVerdict& lookup) const {
    nftnl_expr* e = make("lookup");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, kRegister);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
    ::nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, lookup.map.c_str());
    add(e);
  }

  void operator()(const Masquerade&) const { add(make("masq")); }

  void operator()(const SourceNat& nat) const {
    const auto size = static_cast<std::uint32_t>(nat.address.size());
    nftnl_expr* load = make("immediate");
    ::nftnl_expr_set_u32(load, NFTNL_EXPR_IMM_DREG, kRegister);
    ::nftnl_expr_set(load, NFTNL_EXPR_IMM_DATA, nat.address.bytes.data(), size);
    add(load);
    nftnl_expr* e = make("nat");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, nat.address.family == IpFamily::kV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, kRegister);
    add(e);
  }

  void operator()(const DestinationNat& nat) const {
    const auto size = static_cast<std::uint32_t>(nat.address.size());
    nftnl_expr* address = make("immediate");
    ::nftnl_expr_set_u32(address, NFTNL_EXPR_IMM_DREG, kRegister);
    ::nftnl_expr_set(address, NFTNL_EXPR_IMM_DATA, nat.address.bytes.data(), size);
    add(address);
    const std::array<std::uint8_t, 2> port{static_cast<std::uint8_t>(nat.port >> 8), static_cast<std::uint8_t>(nat.port)};
    nftnl_expr* load = make("immediate");
    ::nftnl_expr_set_u32(load, NFTNL_EXPR_IMM_DREG, NFT_REG_2);
    ::nftnl_expr_set(load, NFTNL_EXPR_IMM_DATA, port.data(), port.size());
    add(load);
    nftnl_expr* e = make("nat");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, nat.address.family == IpFamily::kV4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, kRegister);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    add(e);
  }

  void operator()(const Reject&) const {
    nftnl_expr* e = make("reject");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
    ::nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
    add(e);
  }

  void operator()(Verdict verdict) const {
    nftnl_expr* e = make("immediate");
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    ::nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict == Verdict::kAccept ? NF_ACCEPT : NF_DROP);
    add(e);
  }
};

}  // namespace

void add_expressions(nftnl_rule* target, const Rule& rule) {
  for (const Expression& expression : rule) std::visit(Encoder{target}, expression);
}

}  // namespace cella::netlink::nft
