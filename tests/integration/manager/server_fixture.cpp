#include "tests/integration/manager/server_fixture.h"

#include <condition_variable>
#include <cstdlib>
#include <dirent.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <poll.h>
#include <sched.h>
#include <thread>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "base/units.h"
#include "cgroups/hierarchy.h"
#include "runtime/client.h"

namespace cella::manager::test {
namespace {

void shell(const std::string& command) {
  const auto ran = run_checked({.path = "sh", .arguments = {"-ec", command}});
  ASSERT_TRUE(ran.ok()) << command << ": " << ran.error().message();
}

void leave_host() {
  ASSERT_EQ(::unshare(CLONE_NEWNS | CLONE_NEWNET), 0) << std::strerror(errno);
  ASSERT_EQ(sys_mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
}

constexpr const char* kTree = R"(
mkdir -p rootfs/bin rootfs/sbin rootfs/etc rootfs/proc rootfs/sys rootfs/dev rootfs/tmp rootfs/root rootfs/run
cp /bin/busybox rootfs/bin/busybox
for applet in sh sleep true false cat ls id hostname ip ping echo touch env reboot poweroff ulimit mount; do
  ln -s busybox rootfs/bin/$applet
done
ln -s ../bin/busybox rootfs/sbin/init
printf '::sysinit:/bin/true\n::shutdown:/bin/true\n' > rootfs/etc/inittab
echo 'root:x:0:0:root:/root:/bin/sh' > rootfs/etc/passwd
printf 'architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  os: BusyBox\n' > metadata.yaml
tar -cf image.tar metadata.yaml rootfs
)";

}  // namespace

void ServerTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::string pattern = "/tmp/cella-manager-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  dir_ = pattern;
  std::filesystem::permissions(dir_, std::filesystem::perms(0755));  // dnsmasq reads below it as another user
}

void ServerTest::TearDown() {
  if (!dir_.empty()) std::filesystem::remove_all(dir_);
}

void ServerTest::in_private_host(const std::function<void()>& body) {
  std::thread([&] {
    leave_host();
    if (HasFatalFailure()) return;
    open_server();
    if (!HasFatalFailure()) set_up_host();
    if (!HasFatalFailure()) body();
    tear_down_host();
  }).join();
  check_leftovers();
}

ServerOptions ServerTest::options() const {
  return {.state_dir = dir_ + "/state", .runtime_program = std::string(CELLA_BUILD_DIR) + "/cella-runtime"};
}

void ServerTest::open_server() {
  auto opened = Server::open(options());
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  server_ = *std::move(opened);
  log_ = server_->events().subscribe([](const Event& event) {
    if (const auto* line = std::get_if<LogLine>(&event.metadata)) std::cerr << line->level << " " << line->message << "\n";
  });
}

void ServerTest::set_up_host() {
  const auto pool = server_->pools().create({.name = "default", .driver = "overlay"});
  ASSERT_TRUE(pool.ok()) << pool.error().message();
  const auto network = server_->networks().create({.name = "cmtbr0", .config = {{"ipv4.address", "10.213.7.1/24"},
                                                                               {"ipv4.nat", "true"},
                                                                               {"ipv6.address", "none"}}});
  ASSERT_TRUE(network.ok()) << network.error().message();
  ProfilePut profile;
  profile.devices = {{"root", {{"type", "disk"}, {"path", "/"}, {"pool", "default"}}},
                     {"eth0", {{"type", "nic"}, {"network", "cmtbr0"}, {"name", "eth0"}}}};
  const auto updated = server_->profiles().update("default", "default", profile, std::nullopt);
  ASSERT_TRUE(updated.ok()) << updated.error().message();
  import_image();
}

void ServerTest::import_image() {
  const auto source = dir_ + "/image";
  shell("mkdir -p " + source + " && cd " + source + " && " + kTree);
  const auto upload = server_->images().upload_directory() + "/test-upload";
  shell("cp " + source + "/image.tar " + upload);
  ImageUpload request;
  request.metadata_path = upload;
  request.filename = "image.tar";
  const auto id = server_->images().import(request);
  ASSERT_TRUE(id.ok()) << id.error().message();
  finish(id);
  const auto images = server_->images().list();
  ASSERT_EQ(images.size(), 1u);
  fingerprint_ = images.front().fingerprint;
}

void ServerTest::finish(const Result<OperationId>& operation) {
  ASSERT_TRUE(operation.ok()) << operation.error().message();
  const auto record = server_->operations().wait(*operation, std::chrono::seconds(60));
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->status, StatusCode::kSuccess) << record->description << ": " << record->error;
}

std::string ServerTest::failure(const Result<OperationId>& operation) {
  if (!operation.ok()) return operation.error().message();
  const auto record = server_->operations().wait(*operation, std::chrono::seconds(60));
  return record.ok() ? record->error : record.error().message();
}

void ServerTest::create(const std::string& name, const InstancePut& put) {
  InstanceCreate request;
  request.name = kPrefix + name;
  request.put = put;
  request.fingerprint = fingerprint_;
  finish(server_->instances().create(request, std::nullopt));
}

void ServerTest::change(const std::string& name, StateAction action, bool force) {
  StateChange wanted;
  wanted.action = action;
  wanted.force = force;
  wanted.timeout_seconds = 20;
  finish(server_->instances().change_state(kPrefix + name, wanted, std::nullopt));
}

ServerTest::Ran ServerTest::exec(const std::string& name, std::vector<std::string> command) {
  auto pipe = make_pipe();
  auto null = open_path("/dev/null", O_RDWR);
  Ran ran;
  struct Exit {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<int> status;
  };
  auto exit = std::make_shared<Exit>();
  ExecRequest request;
  request.command = std::move(command);
  const int stdio[3] = {null->get(), pipe->write_end.get(), pipe->write_end.get()};
  const auto process = server_->instances().exec(kPrefix + name, request, stdio, [exit](int status) {
    const std::lock_guard lock(exit->mutex);
    exit->status = status;
    exit->changed.notify_all();
  });
  pipe->write_end.reset();
  if (!process.ok()) {
    ADD_FAILURE() << process.error().message();
    return ran;
  }
  const auto output = read_to_end(pipe->read_end);
  if (output.ok()) ran.output = *output;
  std::unique_lock lock(exit->mutex);
  if (exit->changed.wait_for(lock, std::chrono::seconds(20), [&] { return exit->status.has_value(); })) {
    ran.wait_status = *exit->status;
  }
  return ran;
}

void ServerTest::eventually(const char* what, const std::function<bool()>& check) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t events = 0;
  const auto subscription = server_->events().subscribe([&](const Event&) {
    const std::lock_guard lock(mutex);
    ++events;
    changed.notify_all();
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::unique_lock lock(mutex);
  while (true) {
    const auto seen = events;
    lock.unlock();
    const bool reached = check();
    lock.lock();
    if (reached) return;
    if (!changed.wait_until(lock, deadline, [&] { return events != seen; })) break;
  }
  ADD_FAILURE() << "not reached within 20 s: " << what;
}

void ServerTest::tear_down_host() {
  if (server_ == nullptr) open_server();  // what a test closed still has to be taken down
  if (server_ != nullptr) {
    for (const auto& instance : server_->instances().list()) {
      if (instance.status != StatusCode::kStopped) {
        (void)failure(server_->instances().change_state(instance.name, {.action = StateAction::kStop, .force = true},
                                                        std::nullopt));
      }
      if (server_->instances().find(instance.name).ok()) {
        EXPECT_EQ(failure(server_->instances().remove(instance.name, std::nullopt)), "");
      }
    }
    (void)server_->profiles().update("default", "default", {}, std::nullopt);
    EXPECT_TRUE(server_->networks().remove("cmtbr0").ok());
    if (!fingerprint_.empty()) finish(server_->images().remove(fingerprint_));
    const auto removed = server_->pools().remove("default");
    EXPECT_TRUE(removed.ok()) << removed.error().message();
    close_server();
  }
  auto keeper = runtime::KeeperClient::open({.cella_dir = options().state_dir,
                                             .runtime_binary = options().runtime_program}, {});
  ASSERT_TRUE(keeper.ok()) << keeper.error().message();
  const auto closed = (*keeper)->shutdown(runtime::Shutdown::kWhenEmpty);
  EXPECT_TRUE(closed.ok()) << closed.error().message();
}

void ServerTest::check_leftovers() {
  const auto hierarchy = cgroups::Hierarchy::find();
  ASSERT_TRUE(hierarchy.ok());
  const auto cgroups = hierarchy->list();
  ASSERT_TRUE(cgroups.ok());
  for (const auto& name : *cgroups) EXPECT_EQ(name.find(std::string("lxc.payload.") + kPrefix), std::string::npos) << name;
  const auto mounts = read_file("/proc/self/mountinfo");
  EXPECT_EQ(mounts->find(dir_), std::string::npos);
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    const auto command = read_file(process.path() / "cmdline");
    if (!command.ok() || command->find(dir_) == std::string::npos) continue;
    const auto pid = parse_unsigned("pid", process.path().filename().string());
    if (!pid.ok()) continue;  // "self"
    // The keeper answers before it ends.
    const PidFd pidfd(sys_pidfd_open(static_cast<pid_t>(*pid), 0));
    pollfd polled{pidfd.get(), POLLIN, 0};
    EXPECT_TRUE(!pidfd || ::poll(&polled, 1, 10'000) == 1) << process.path() << " " << *command;
  }
}

}  // namespace cella::manager::test
