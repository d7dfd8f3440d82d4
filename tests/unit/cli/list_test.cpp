#include <gtest/gtest.h>

#include "cli/image_columns.h"
#include "cli/info_instance.h"
#include "cli/list_columns.h"
#include "cli/list_filters.h"

namespace cella::cli {
namespace {

using Words = std::vector<std::string>;

api::InstanceFull running() {
  api::InstanceFull full;
  full.instance = {
      .architecture = "x86_64",
      .ephemeral = false,
      .profiles = {"default", "web"},
      .created_at = "2026-11-23T08:11:00Z",
      .expanded_config = {{"limits.memory", "1MiB"}, {"user.role", "web"}, {"volatile.base_image", "0123456789abcdef"}},
      .expanded_devices = {{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "fast"}}},
                           {"eth0", {{"type", "nic"}, {"network", "cellabr0"}}}},
      .name = "web1",
      .status = "Running",
      .status_code = 103,
      .last_used_at = "2026-11-23T08:12:00Z",
      .type = "container",
      .project = "default"};
  api::InstanceState state;
  state.status_code = 103;
  state.pid = 42;
  state.processes = 7;
  state.cpu.usage = 3'500'000'000;
  state.memory.usage = 524288;
  state.disk["root"].usage = 1048576;
  state.network["lo"] = {.addresses = {{"inet", "127.0.0.1", "8", "local"}}, .type = "loopback"};
  state.network["eth0"] = {.addresses = {{"inet", "10.0.0.2", "24", "global"},
                                         {"inet6", "fd00::2", "64", "global"},
                                         {"inet6", "fe80::2", "64", "link"}},
                           .hwaddr = "00:16:3e:00:00:01",
                           .host_name = "veth1",
                           .mtu = 1500,
                           .state = "up",
                           .type = "broadcast"};
  full.state = state;
  return full;
}

Words row(std::string_view columns) {
  Words cells;
  const auto parsed = parse_columns(columns);
  EXPECT_TRUE(parsed.ok());
  for (const Column& column : *parsed) cells.push_back(column.cell(running()));
  return cells;
}

TEST(ListColumns, ShowEveryLetter) {
  EXPECT_EQ(row("ns46tS"), (Words{"web1", "RUNNING", "10.0.0.2 (eth0)", "fd00::2 (eth0)", "CONTAINER", "0"}));
  EXPECT_EQ(row("abdef"), (Words{"x86_64", "fast", "", "default", "0123456789ab"}));
  EXPECT_EQ(row("mMDuNpP"), (Words{"512.00KiB", "50.0%", "1.00MiB", "3s", "7", "42", "default\nweb"}));
}

TEST(ListColumns, TakeKeysOfConfigAndDevices) {
  const auto columns = parse_columns("n,user.role:ROLE:2,devices:eth0.network:NET,config:user.role");
  ASSERT_TRUE(columns.ok());
  EXPECT_EQ((*columns)[1].header, "ROLE");
  EXPECT_EQ((*columns)[3].header, "user.role");
  EXPECT_EQ(row("n,user.role:ROLE:2,devices:eth0.network:NET,user.none"), (Words{"web1", "we", "cellabr0", ""}));
}

TEST(ListColumns, ErrorsNameTheLetter) {
  EXPECT_EQ(parse_columns("nZ").error().message(), "Unknown column shorthand char 'Z' in 'nZ'");
  EXPECT_FALSE(parse_columns("").ok());
  EXPECT_FALSE(parse_columns("user.a:b:x").ok());
}

TEST(ListColumns, StoppedInstancesShowNoCounters) {
  api::InstanceFull stopped = running();
  stopped.instance.status_code = 102;
  for (const Column& column : *parse_columns("46mMuNp")) EXPECT_EQ(column.cell(stopped), "");
}

bool shown(const std::string& filter) { return matches_filters(running(), Words{filter}); }

TEST(ListFilters, MatchNamesByPrefixAndExpression) {
  EXPECT_TRUE(shown("we"));
  EXPECT_TRUE(shown(".*b[0-9]"));
  EXPECT_TRUE(shown("1$"));
  EXPECT_FALSE(shown("eb"));
  EXPECT_FALSE(shown("db"));
  EXPECT_FALSE(shown("[")) << "a broken expression is a prefix";
}

TEST(ListFilters, MatchShorthandKeys) {
  EXPECT_TRUE(shown("status=running"));
  EXPECT_TRUE(shown("status=stopped,running"));
  EXPECT_FALSE(shown("status=stopped"));
  EXPECT_TRUE(shown("type=container"));
  EXPECT_TRUE(shown("ipv4=10.0.0.0/24"));
  EXPECT_FALSE(shown("ipv4=10.0.1.0/24"));
  EXPECT_TRUE(shown("ipv6=fd00::2"));
}

TEST(ListFilters, MatchConfigByAbbreviatedKey) {
  EXPECT_TRUE(shown("user.role=web"));
  EXPECT_TRUE(shown("u.r=web"));
  EXPECT_TRUE(shown("u.role=^w"));
  EXPECT_FALSE(shown("user=web"));
  EXPECT_FALSE(shown("u.role=db"));
  EXPECT_FALSE(matches_filters(running(), Words{"web", "status=stopped"})) << "all filters must hold";
}

TEST(ListFilters, KnowNetworks) {
  EXPECT_TRUE(address_in("10.1.2.3", "10.0.0.0/8"));
  EXPECT_FALSE(address_in("11.1.2.3", "10.0.0.0/8"));
  EXPECT_TRUE(address_in("fd00::1", "fd00:0::0/16"));
  EXPECT_FALSE(address_in("fd00::1", "10.0.0.0/8"));
  EXPECT_FALSE(address_in("10.0.0.1", "10.0.0.0/64"));
  EXPECT_TRUE(address_in("::1", "0:0::1"));
}

TEST(Info, PrintsAnInstanceAsTheFieldDoes) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(instance_info(running()),
            "Name: web1\nStatus: RUNNING\nType: container\nArchitecture: x86_64\nPID: 42\n"
            "Created: 2026/11/23 08:11 UTC\nLast Used: 2026/11/23 08:12 UTC\n"
            "\nResources:\n  Processes: 7\n  Disk usage:\n    root: 1.00MiB\n"
            "  CPU usage:\n    CPU usage (in seconds): 3\n"
            "  Memory usage:\n    Memory (current): 512.00KiB\n"
            "  Network usage:\n    eth0:\n      Type: broadcast\n      State: UP\n      Host interface: veth1\n"
            "      MAC address: 00:16:3e:00:00:01\n      MTU: 1500\n      Bytes received: 0B\n      Bytes sent: 0B\n"
            "      Packets received: 0\n      Packets sent: 0\n      IP addresses:\n"
            "        inet:  10.0.0.2/24 (global)\n        inet6: fd00::2/64 (global)\n"
            "        inet6: fe80::2/64 (link)\n"
            "    lo:\n      Type: loopback\n      Bytes received: 0B\n      Bytes sent: 0B\n"
            "      Packets received: 0\n      Packets sent: 0\n      IP addresses:\n"
            "        inet:  127.0.0.1/8 (local)\n");
}

TEST(ImageList, ShowsAndFilters) {
  api::Image image;
  image.fingerprint = "1b557e2072521b7e4c";
  image.aliases = {{.name = "debian/12", .description = {}}, {.name = "deb", .description = {}}};
  image.properties = {{"os", "Debian"}};
  image.size = 2063757;
  image.type = "container";
  Words cells;
  for (const ImageColumn& column : *parse_image_columns("lfpst")) cells.push_back(column.cell(image));
  EXPECT_EQ(cells, (Words{"deb (1 more)", "1b557e207252", "no", "1.97MB", "CONTAINER"}));
  EXPECT_TRUE(matches_image_filters(image, Words{"bian"}));
  EXPECT_TRUE(matches_image_filters(image, Words{"1b55", "os=Debian"}));
  EXPECT_FALSE(matches_image_filters(image, Words{"os=Alpine"}));
  EXPECT_FALSE(matches_image_filters(image, Words{"557e"}));
  EXPECT_FALSE(parse_image_columns("lZ").ok());
}

}  // namespace
}  // namespace cella::cli
