// A private network namespace with a route socket, for every root test of netlink.
#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>

#include "base/spawn.h"
#include "netlink/dump.h"
#include "netlink/links.h"
#include "netlink/socket.h"
#include "tests/support/network_namespace.h"

#define ASSERT_OK(...)                                              \
  do {                                                              \
    const auto& outcome_ = (__VA_ARGS__);                           \
    ASSERT_TRUE(outcome_.ok()) << outcome_.error().message();       \
  } while (false)

namespace cella::netlink {

class NetlinkRoot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    network_.emplace();
    ASSERT_TRUE(network_->entered());
    auto opened = Socket::open();
    ASSERT_OK(opened);
    socket_.emplace(std::move(opened).value());
  }
  void TearDown() override {
    socket_.reset();
    network_.reset();
  }

  // Standard output of a program run in this namespace; "FAILED: …" when it fails.
  static std::string output_of(const std::string& program, std::vector<std::string> arguments) {
    auto output = run_checked({.path = program, .arguments = std::move(arguments)});
    return output.ok() ? *output : "FAILED: " + output.error().message();
  }

  std::uint32_t make_bridge(const std::string& name) {
    Batch batch;
    add_bridge(batch, {.name = name});
    change_link(batch, LinkRef::by_name(name), {.up = true});
    const auto sent = socket_->send(batch);
    EXPECT_TRUE(sent.ok()) << (sent.ok() ? "" : sent.error().message());
    const auto link = find_link(*socket_, name);
    EXPECT_TRUE(link.ok());
    return link.ok() ? link->index : 0;
  }

  std::optional<test::PrivateNetwork> network_;
  std::optional<Socket> socket_;
};

}  // namespace cella::netlink
