#include "manager/guest_api.h"

#include <gtest/gtest.h>

namespace cella::manager {
namespace {

std::vector<std::string> summary(const Expanded& before, const Expanded& after) {
  std::vector<std::string> lines;
  for (const auto& event : guest_events(before, after)) {
    const auto text = [&](const char* key) {
      const auto found = event.metadata.find(key);
      return found == event.metadata.end() || found->second.text() == nullptr ? std::string() : *found->second.text();
    };
    lines.push_back(event.type == "config" ? "config " + text("key") + " " + text("old_value") + ">" + text("value")
                                           : "device " + text("action") + " " + text("name"));
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(GuestKeys, AreUserAndCloudInitOnly) {
  EXPECT_TRUE(is_guest_key("user.x"));
  EXPECT_TRUE(is_guest_key("cloud-init.user-data"));
  for (const char* key : {"user", "users.x", "volatile.uuid", "limits.memory", "security.devlxd", "environment.x"}) {
    EXPECT_FALSE(is_guest_key(key)) << key;
  }
}

TEST(GuestEvents, TellOfKeysThatTheGuestMayRead) {
  EXPECT_EQ(summary({{{"user.a", "1"}, {"user.gone", "x"}, {"limits.memory", "1GB"}}, {}},
                    {{{"user.a", "2"}, {"user.new", "y"}, {"limits.memory", "2GB"}}, {}}),
            (Lines{"config user.a 1>2", "config user.gone x>", "config user.new >y"}));
}

TEST(GuestEvents, TellOfDevices) {
  const Devices before{{"a", {{"type", "nic"}, {"limits.max", "1Mbit"}}}, {"b", {{"type", "disk"}, {"path", "/x"}}}, {"c", {}}};
  const Devices after{{"a", {{"type", "nic"}, {"limits.max", "2Mbit"}}}, {"b", {{"type", "disk"}, {"path", "/y"}}}, {"d", {}}};
  EXPECT_EQ(summary({{}, before}, {{}, after}),
            (Lines{"device updated a", "device removed b", "device removed c", "device added b", "device added d"}));
  EXPECT_EQ(summary({{}, before}, {{}, before}), Lines{});
}

TEST(CloudInit, StartsAnewForWhatItReads) {
  const Expanded base{{{"user.colour", "red"}}, {{"eth0", {{"type", "nic"}}}}};
  Expanded next = base;
  next.config["user.colour"] = "blue";
  EXPECT_FALSE(is_new_to_cloud_init(base, next));
  next.config["cloud-init.user-data"] = "x";
  EXPECT_TRUE(is_new_to_cloud_init(base, next));
  next = base;
  next.devices["eth0"]["name"] = "wan";
  EXPECT_TRUE(is_new_to_cloud_init(base, next));
}

}  // namespace
}  // namespace cella::manager
