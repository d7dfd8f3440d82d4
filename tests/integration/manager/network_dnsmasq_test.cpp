// dnsmasq as a process: which one is ours, where it runs, what it hears.
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <thread>

#include "base/files.h"
#include "base/syscalls.h"
#include "base/units.h"
#include "manager/dnsmasq.h"
#include "tests/integration/manager/network_fixture.h"

namespace cella::manager {
namespace {

using DnsmasqRoot = NetworkRoot;

std::string pid_in(const std::string& directory) {
  const auto text = read_file(directory + "/dnsmasq.pid");
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

TEST_F(DnsmasqRoot, PidFileOfAnotherProcessIsNotBelieved) {
  test::NetworkProcess bystander;
  ASSERT_TRUE(bystander.valid());
  const std::string directory = state_dir_ + "/networks/cntbr0";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/dnsmasq.pid") << bystander.pid() << "\n";
  Dnsmasq dnsmasq(directory, -1);
  EXPECT_FALSE(dnsmasq.running());
  EXPECT_TRUE(dnsmasq.stop().ok());
  EXPECT_EQ(::kill(bystander.pid(), 0), 0);
  EXPECT_TRUE(bystander.succeeds({"true"}));
}

TEST_F(DnsmasqRoot, IsStartedAgainWhenItEndsByItself) {
  ASSERT_OK(networks_->create({.name = "cntbr0"}));
  const std::string directory = state_dir_ + "/networks/cntbr0";
  for (int times = 0; times < 2; ++times) {
    const std::string first = pid_in(directory);
    const auto number = parse_unsigned("pid", first);
    ASSERT_OK(number);
    const PidFd process(sys_pidfd_open(static_cast<pid_t>(*number), 0));
    ASSERT_TRUE(process.valid());
    ASSERT_EQ(sys_pidfd_send_signal(process.get(), SIGKILL, nullptr, 0), 0);
    Dnsmasq seen(directory, -1);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while ((pid_in(directory) == first || !seen.running()) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_NE(pid_in(directory), first);
    EXPECT_TRUE(seen.running());
  }
  // A deliberate end is no reason.
  ASSERT_OK(networks_->remove("cntbr0"));
  EXPECT_FALSE(path_exists(directory));
}

TEST_F(DnsmasqRoot, RunsInTheMountNamespaceTheDaemonCameFrom) {
  auto host_mounts = open_path("/proc/self/ns/mnt", O_RDONLY);
  ASSERT_OK(host_mounts);
  const auto expected = std::filesystem::read_symlink("/proc/self/ns/mnt");
  std::filesystem::path found, own;
  std::string failure;
  // The daemon: a thread with mounts of its own, in the test's network namespace.
  std::thread([&] {
    if (::unshare(CLONE_NEWNS) != 0) {
      failure = "unshare";
      return;
    }
    own = std::filesystem::read_symlink("/proc/thread-self/ns/mnt");
    NetworksOptions options;
    options.state_dir = state_dir_;
    options.host_mounts = std::move(host_mounts).value();
    auto networks = Networks::open(*database_, std::move(options));
    const auto made = (*networks)->create({.name = "cntbr0"});
    if (!made.ok()) failure = made.error().message();
    const std::string pid = pid_in(state_dir_ + "/networks/cntbr0");
    if (!pid.empty()) found = std::filesystem::read_symlink("/proc/" + pid + "/ns/mnt");
    const auto removed = (*networks)->remove("cntbr0");
    if (!removed.ok()) failure += removed.error().message();
  }).join();
  EXPECT_EQ(failure, "");
  EXPECT_NE(own, expected);
  EXPECT_EQ(found, expected);
}

TEST_F(DnsmasqRoot, NamesAndReservationsGoWithTheInstance) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = {{"ipv4.address", "10.214.7.1/24"}, {"ipv6.address", "none"}}}));
  test::NetworkProcess asker;
  const auto plan = networks_->attach(nic("asker", "00:16:3e:00:00:01"));
  ASSERT_OK(plan);
  start(asker, {*plan});
  ASSERT_OK(networks_->attach(nic("gone", "00:16:3e:00:00:02")));
  EXPECT_TRUE(asker.succeeds({"busybox", "nslookup", "gone.lxd", "10.214.7.1"}));
  ASSERT_OK(networks_->rename_instance("gone", "moved"));
  EXPECT_TRUE(asker.succeeds({"busybox", "nslookup", "moved.lxd", "10.214.7.1"}));
  EXPECT_FALSE(asker.succeeds({"busybox", "nslookup", "gone.lxd", "10.214.7.1"}));
  ASSERT_OK(networks_->forget_instance("moved"));
  EXPECT_FALSE(asker.succeeds({"busybox", "nslookup", "moved.lxd", "10.214.7.1"}));
  EXPECT_TRUE(path_exists(state_dir_ + "/networks/cntbr0/dnsmasq.hosts/asker.eth0"));
  EXPECT_FALSE(path_exists(state_dir_ + "/networks/cntbr0/dnsmasq.hosts/moved.eth0"));
}

TEST_F(DnsmasqRoot, StateDirectoryBelowAClosedOneIsRefusedWithItsName) {
  std::filesystem::create_directories(state_dir_ + "/closed/net");
  std::filesystem::permissions(state_dir_ + "/closed", std::filesystem::perms::owner_all);
  Dnsmasq dnsmasq(state_dir_ + "/closed/net", -1);
  const auto started = dnsmasq.start("cntbr0", {});
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.error().message().find(state_dir_ + "/closed"), std::string::npos) << started.error().message();
}

TEST_F(DnsmasqRoot, TwoDaemonsInTwoNamespacesDoNotMeet) {
  ASSERT_OK(networks_->create({.name = "cntbr0", .config = {{"ipv4.address", "10.214.7.1/24"}, {"ipv6.address", "none"}}}));
  const std::string other_dir = state_dir_ + "/other";
  std::filesystem::create_directory(other_dir);
  std::string failure;
  std::thread([&] {
    test::PrivateNetwork network;
    const Schema schemas[] = {network_schema()};
    auto database = Database::open(other_dir + "/cella.db", schemas);
    NetworksOptions options;
    options.state_dir = other_dir;
    auto networks = Networks::open(**database, std::move(options));
    const auto made = (*networks)->create({.name = "cntbr0", .config = {{"ipv4.address", "10.214.7.1/24"}, {"ipv6.address", "none"}}});
    if (!made.ok()) failure = made.error().message();
    if (pid_in(other_dir + "/networks/cntbr0") == pid_in(state_dir_ + "/networks/cntbr0")) failure += "one dnsmasq for two";
    const auto removed = (*networks)->remove("cntbr0");
    if (!removed.ok()) failure += removed.error().message();
  }).join();
  EXPECT_EQ(failure, "");
  EXPECT_TRUE(netlink::find_link(*socket_, "cntbr0").ok());
  Dnsmasq ours(state_dir_ + "/networks/cntbr0", -1);
  EXPECT_TRUE(ours.running());
}

}  // namespace
}  // namespace cella::manager
