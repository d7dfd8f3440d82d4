// Networks in a private network namespace and a temporary state directory, and processes that stand for containers.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>

#include "base/spawn.h"
#include "manager/database.h"
#include "manager/networks.h"
#include "netlink/dump.h"
#include "netlink/encoded.h"
#include "tests/support/network_namespace.h"

#define ASSERT_OK(...)                                        \
  do {                                                        \
    const auto& outcome_ = (__VA_ARGS__);                     \
    ASSERT_TRUE(outcome_.ok()) << outcome_.error().message(); \
  } while (false)

namespace cella::manager {

class NetworkRoot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    network_.emplace();
    ASSERT_TRUE(network_->entered());
    auto socket = netlink::Socket::open();
    ASSERT_OK(socket);
    socket_.emplace(std::move(socket).value());
    char name[] = "/tmp/cella-network-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    state_dir_ = name;
    const Schema schemas[] = {network_schema()};
    auto database = Database::open(state_dir_ + "/cella.db", schemas);
    ASSERT_OK(database);
    database_ = std::move(database).value();
    reopen();
  }

  void TearDown() override {
    if (networks_) {
      const auto list = networks_->list();
      users_.clear();
      if (list.ok()) {
        for (const auto& network : *list) {
          if (!network.managed) continue;
          EXPECT_TRUE(networks_->remove(network.name).ok());
        }
      }
    }
    networks_.reset();
    database_.reset();
    EXPECT_EQ(output_of("nft", {"list", "ruleset"}), "");
    socket_.reset();
    network_.reset();
    if (!state_dir_.empty()) std::filesystem::remove_all(state_dir_);
  }

  // As a daemon that was killed and started again sees it.
  void reopen() {
    networks_.reset();
    NetworksOptions options;
    options.state_dir = state_dir_;
    options.used_by = [this](const std::string&) { return users_; };
    options.live_host_names = [this] { return live_; };
    auto opened = Networks::open(*database_, std::move(options));
    ASSERT_OK(opened);
    networks_ = std::move(opened).value();
    for (const auto& [name, error] : networks_->start_all()) ADD_FAILURE() << name << ": " << error.message();
  }

  static std::string output_of(const std::string& program, std::vector<std::string> arguments) {
    auto output = run_checked({.path = program, .arguments = std::move(arguments)});
    return output.ok() ? *output : "FAILED: " + output.error().message();
  }

  static NicRequest nic(const std::string& instance, const std::string& mac, Device extra = {}) {
    Device device{{"type", "nic"}, {"network", "cntbr0"}};
    device.merge(extra);
    return {.instance = instance, .device = "eth0", .config = device, .mac = mac};
  }

  // What the keeper and a container's child do with the batches.
  void start(const test::NetworkProcess& container, const std::vector<NicPlan>& plans) {
    ASSERT_TRUE(container.valid());
    LaunchNetwork launch = combine(plans);
    for (const auto offset : launch.pid_offsets) {
      netlink::patch_u32(launch.host_batch.data(), offset, static_cast<std::uint32_t>(container.pid()));
    }
    const auto host = netlink::send_encoded(socket_->fd(), launch.host_batch.data(), launch.host_batch.size());
    ASSERT_EQ(host.error, 0) << plans[0].host_batch.labels()[host.failed_message];
    auto inside = netlink::Socket::open_in(container.network_namespace());
    ASSERT_OK(inside);
    const auto inner = netlink::send_encoded(inside->fd(), launch.inner_batch.data(), launch.inner_batch.size());
    ASSERT_EQ(inner.error, 0) << inner.failed_message;
  }

  static std::string address(const NicPlan& plan, netlink::IpFamily family) {
    for (const auto& one : plan.addresses) {
      if (one.address.family == family) return netlink::format(one.address);
    }
    return {};
  }

  static bool ping(const test::NetworkProcess& from, const std::string& to) {
    return from.succeeds({"busybox", "ping", "-c1", "-W2", to});
  }

  std::optional<test::PrivateNetwork> network_;
  std::optional<netlink::Socket> socket_;
  std::string state_dir_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Networks> networks_;
  std::vector<std::string> users_;
  std::vector<std::string> live_;
};

}  // namespace cella::manager
