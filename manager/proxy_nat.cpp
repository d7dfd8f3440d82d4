#include "manager/proxy_nat.h"

#include <algorithm>
#include <cerrno>
#include <linux/netlink.h>

#include "manager/device_rules.h"
#include "netlink/socket.h"

namespace cella::manager {
namespace {

namespace nft = netlink::nft;

const std::string kTable = "cella";
const std::string kPrefix = "proxy.";
constexpr std::int32_t kDestinationNatPriority = -100;
constexpr std::int32_t kSourceNatPriority = 100;

struct ChainNames {
  explicit ChainNames(const std::string& id)
      : incoming(kPrefix + "in." + id), own(kPrefix + "out." + id), hairpin(kPrefix + "back." + id) {}
  std::string incoming, own, hairpin;
};

bool is_unspecified(const netlink::IpAddress& address) {
  return std::all_of(address.bytes.begin(), address.bytes.end(), [](auto byte) { return byte == 0; });
}

nft::RuleBuilder to_port(netlink::IpPrefix destination, runtime::ProxyKind kind, std::uint16_t port) {
  nft::RuleBuilder rule;
  rule.destination(destination);
  if (kind == runtime::ProxyKind::kTcp) {
    rule.tcp_to(port);
  } else {
    rule.udp_to(port);
  }
  return rule;
}

// The table goes with its last chain.
void remove_empty_table(netlink::Socket& socket) {
  nft::Transaction removal(nft::Family::kInet, kTable);
  removal.remove_empty_table();
  (void)removal.send(socket).ok();
}

}  // namespace

Result<netlink::IpAddress> nat_target(const ProxySettings& settings, const std::vector<Nic>& nics) {
  const auto& wanted = settings.connect.host;
  const char* const key = wanted.family == netlink::IpFamily::kV4 ? "ipv4.address" : "ipv6.address";
  for (const Nic& nic : nics) {
    const auto fixed = netlink::parse_ip(key, device_value(nic.config, key));
    if (fixed.ok() && (is_unspecified(wanted) || *fixed == wanted)) return *fixed;
  }
  return Error(ErrorKind::kInvalid, "connect " + netlink::format(wanted) + ": nat needs a NIC with this address as its " +
                                        key);
}

std::vector<nft::Chain> nat_chains(const std::string& id, const ProxySettings& settings,
                                   const netlink::IpAddress& target) {
  const ChainNames names(id);
  nft::Chain incoming{.name = names.incoming,
                      .hook = nft::Hook::kPrerouting,
                      .kind = nft::ChainKind::kNat,
                      .priority = kDestinationNatPriority};
  nft::Chain own{.name = names.own,
                 .hook = nft::Hook::kOutput,
                 .kind = nft::ChainKind::kNat,
                 .priority = kDestinationNatPriority};
  nft::Chain hairpin{.name = names.hairpin,
                     .hook = nft::Hook::kPostrouting,
                     .kind = nft::ChainKind::kNat,
                     .priority = kSourceNatPriority};
  const netlink::IpPrefix here{settings.listen.host, settings.listen.host.bits()};
  const netlink::IpPrefix there{target, target.bits()};
  const auto kind = settings.listen.kind;
  for (std::size_t i = 0; i < settings.listen.ports.size(); ++i) {
    const auto port = settings.listen.ports[i], inner = target_port(settings, i);
    incoming.rules.push_back(to_port(here, kind, port).destination_nat(target, inner));
    own.rules.push_back(to_port(here, kind, port).destination_nat(target, inner));
    hairpin.rules.push_back(to_port(there, kind, inner).source(there).masquerade());
  }
  return {incoming, own, hairpin};
}

Result<void> apply_nat(const std::string& id, const ProxySettings& settings, const netlink::IpAddress& target) {
  auto socket = TRY(netlink::Socket::open(NETLINK_NETFILTER));
  nft::Transaction transaction(nft::Family::kInet, kTable);
  transaction.ensure_table();
  for (const auto& chain : nat_chains(id, settings, target)) transaction.replace_chain(chain);
  return transaction.send(socket);
}

Result<void> remove_nat(const std::string& id) {
  auto socket = TRY(netlink::Socket::open(NETLINK_NETFILTER));
  const ChainNames names(id);
  const auto chains = TRY(nft::list_chains(socket, nft::Family::kInet, kTable));
  if (std::find(chains.begin(), chains.end(), names.incoming) == chains.end()) return kOk;
  nft::Transaction transaction(nft::Family::kInet, kTable);
  for (const auto& name : {names.incoming, names.own, names.hairpin}) transaction.remove_chain({.name = name});
  TRY(transaction.send(socket));
  remove_empty_table(socket);
  return kOk;
}

Result<void> retain_nat(const std::set<std::string>& ids) {
  auto socket = TRY(netlink::Socket::open(NETLINK_NETFILTER));
  const std::string first = kPrefix + "in.";
  for (const auto& chain : TRY(nft::list_chains(socket, nft::Family::kInet, kTable))) {
    if (!chain.starts_with(first)) continue;
    const std::string id = chain.substr(first.size());
    if (!ids.contains(id)) TRY(remove_nat(id));
  }
  return kOk;
}

}  // namespace cella::manager
