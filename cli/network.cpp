#include "api/network.h"

#include <algorithm>

#include "cli/commands.h"
#include "cli/network_attach.h"
#include "cli/object.h"
#include "cli/quantity.h"
#include "cli/table.h"

namespace cella::cli {
namespace {

const ObjectKind kKind{.noun = "network",
                       .collection = "networks",
                       .word = "<network>",
                       .completes = Names::kNetwork,
                       .edit_comment =
                           "### This is the network as YAML. Lines that start with \"#\" are ignored.\n"
                           "### Only config and description can be changed here."};

std::string config_or_empty(const api::ConfigMap& config, const std::string& key) {
  const auto found = config.find(key);
  return found == config.end() ? std::string() : found->second;
}

Result<int> list(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  TRY(local_name(arguments.word(0)));
  const api::Answer answer = TRY(server.call("GET", "/1.0/networks?recursion=1"));
  Table table{.headers = {"NAME", "TYPE", "MANAGED", "IPV4", "IPV6", "DESCRIPTION", "USED BY", "STATE"}, .rows = {}};
  for (const api::Network& network : TRY(api::decode_list<api::Network>(answer.response.metadata.text))) {
    if (network.type == "loopback" || network.type == "unknown") continue;
    table.rows.push_back({network.name, network.type, network.managed ? "YES" : "NO",
                          config_or_empty(network.config, "ipv4.address"),
                          config_or_empty(network.config, "ipv6.address"), network.description,
                          std::to_string(network.used_by.size()), upper_case(network.status)});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Result<int> create(Server& server, const Arguments& arguments) {
  api::NetworkCreate network;
  if (const std::string yaml = TRY(piped_input()); yaml.find_first_not_of(" \t\r\n") != std::string::npos) {
    const auto put = TRY(api::decode<api::NetworkPut>(TRY((put_of_yaml<api::Network, api::NetworkPut>(yaml)))));
    network.config = put.config;
    network.description = put.description;
  }
  network.name = TRY(required_name(arguments.word(0), "network"));
  network.type = arguments.text("type");
  for (const auto& [key, value] : TRY(key_values(std::span(arguments.words).subspan(1)))) network.config[key] = value;
  TRY(server.change("POST", "/1.0/networks", api::encode(network)));
  say(server, "Network " + network.name + " created");
  return 0;
}

void print_addresses(const std::vector<api::InterfaceAddress>& addresses) {
  if (addresses.empty()) return;
  std::printf("\nIP addresses:\n");
  for (const auto& address : addresses) {
    std::printf("  %s\t%s/%s (%s)\n", address.family.c_str(), address.address.c_str(), address.netmask.c_str(),
                address.scope.c_str());
  }
}

std::string size_of(std::int64_t bytes) {
  return decimal_size(static_cast<std::uint64_t>(std::max<std::int64_t>(0, bytes)));
}

Result<int> info(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "network"));
  const auto state = TRY(server.get<api::NetworkState>(url({"networks", name, "state"})));
  std::printf("Name: %s\nMAC address: %s\nMTU: %lld\nState: %s\nType: %s\n", name.c_str(), state.hwaddr.c_str(),
              static_cast<long long>(state.mtu), state.state.c_str(), state.type.c_str());
  print_addresses(state.addresses);
  std::printf(
      "\nNetwork usage:\n  Bytes received: %s\n  Bytes sent: %s\n  Packets received: %lld\n  Packets sent: %lld\n",
      size_of(state.counters.bytes_received).c_str(), size_of(state.counters.bytes_sent).c_str(),
      static_cast<long long>(state.counters.packets_received), static_cast<long long>(state.counters.packets_sent));
  if (!state.bridge) return 0;
  const api::NetworkStateBridge& bridge = *state.bridge;
  std::printf(
      "\nBridge:\n  ID: %s\n  STP: %s\n  Forward delay: %lld\n  Default VLAN ID: %lld\n  VLAN filtering: %s\n"
      "  Upper devices: %s\n",
      bridge.id.c_str(), bridge.stp ? "true" : "false", static_cast<long long>(bridge.forward_delay),
      static_cast<long long>(bridge.vlan_default), bridge.vlan_filtering ? "true" : "false",
      join_names(bridge.upper_devices).c_str());
  return 0;
}

Result<int> list_leases(Server& server, const Arguments& arguments) {
  const ListFormat format = TRY(parse_list_format(arguments.text("format", "table")));
  const std::string name = TRY(required_name(arguments.word(0), "network"));
  const api::Answer answer = TRY(server.call("GET", url({"networks", name, "leases"})));
  Table table{.headers = {"HOSTNAME", "MAC ADDRESS", "IP ADDRESS", "TYPE"}, .rows = {}};
  for (const auto& lease : TRY(api::decode_list<api::NetworkLease>(answer.response.metadata.text))) {
    table.rows.push_back({lease.hostname, lease.hwaddr, lease.address, upper_case(lease.type)});
  }
  sort_rows(table);
  std::fputs(TRY(render_list(format, table, answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

Command create_command() {
  return {.name = "create",
          .usage = "<network> [key=value...]",
          .summary = "Create a network",
          .details = "Its YAML may come on standard input.",
          .examples = "cella network create br1 ipv4.address=10.9.0.1/24 ipv6.address=none",
          .flags = {{.letter = 't', .name = "type", .value = "type", .help = "Kind of network", .fallback = "bridge"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .run = create};
}

}  // namespace

Command network_command() {
  Command command{.name = "network", .summary = "Manage networks, and attach instances to them"};
  auto& verbs = command.children;
  verbs = network_attach_commands();
  verbs.push_back(create_command());
  verbs.push_back(delete_command(kKind, "Delete a network"));
  verbs.push_back(edit_command<api::Network, api::NetworkPut>(kKind, "Edit a network as YAML"));
  verbs.push_back(get_command<api::NetworkPut>(kKind, "<network> <key>", "Show one key of a network"));
  verbs.push_back({.name = "info",
                   .usage = "<network>",
                   .summary = "Show a network's addresses and counters",
                   .min_words = 1,
                   .max_words = 1,
                   .completes = {Names::kNetwork},
                   .run = info});
  verbs.push_back({.name = "list",
                   .aliases = {"ls"},
                   .usage = "[<remote>:]",
                   .summary = "List networks",
                   .flags = {list_format_flag()},
                   .max_words = 1,
                   .run = list});
  verbs.push_back({.name = "list-leases",
                   .usage = "<network>",
                   .summary = "List DHCP leases",
                   .flags = {list_format_flag()},
                   .min_words = 1,
                   .max_words = 1,
                   .completes = {Names::kNetwork},
                   .run = list_leases});
  verbs.push_back(rename_command(kKind, "<network> <new-name>", "Rename a network"));
  verbs.push_back(set_command<api::NetworkPut>(kKind, "<network> <key>=<value>...", "Set keys of a network"));
  verbs.push_back(show_command<api::Network>(kKind, "Show a network"));
  verbs.push_back(unset_command<api::NetworkPut>(kKind, "<network> <key>", "Remove one key of a network"));
  return command;
}

}  // namespace cella::cli
