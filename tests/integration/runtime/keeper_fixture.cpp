#include "keeper_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "namespaces/id_map_file.h"
#include "namespaces/idmapped_tree.h"
#include "namespaces/mount_plan.h"
#include "runtime/capabilities.h"
#include "runtime/keeper_process.h"
#include "runtime/seccomp.h"

namespace cella::runtime::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 10s;
constexpr std::uint32_t kFirstId = 1000000;

std::string v2_root() {
  return path_exists("/sys/fs/cgroup/unified/cgroup.procs") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
}

Result<Fd> make_user_namespace(const IdMap& map) {
  clone_args args{};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const long pid = sys_clone3(&args);
  if (pid == 0)
    for (;;) ::pause();
  const Fd procfs = TRY(namespaces::open_host_procfs());
  const auto written = namespaces::write_id_maps(procfs, static_cast<pid_t>(pid), map.users_text(), map.groups_text());
  auto made = namespaces::open_namespace(procfs, static_cast<pid_t>(pid), "user");
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  TRY(written);
  return made;
}

bool wait_readable(const Fd& fd) {
  pollfd polled{fd.get(), POLLIN, 0};
  return ::poll(&polled, 1, 10'000) == 1;
}

}  // namespace

void ExitLog::add(const ContainerExit& exit) {
  const std::lock_guard lock(mutex_);
  containers_.push_back(exit);
  changed_.notify_all();
}

void ExitLog::add(const ExecExit& exit) {
  const std::lock_guard lock(mutex_);
  sessions_.push_back(exit);
  changed_.notify_all();
}

void ExitLog::lose() {
  const std::lock_guard lock(mutex_);
  lost_ = true;
  changed_.notify_all();
}

ContainerExit ExitLog::wait_container(const std::string& name, std::size_t nth) {
  std::unique_lock lock(mutex_);
  const ContainerExit* found = nullptr;
  changed_.wait_for(lock, kPatience, [&] {
    std::size_t seen = 0;
    for (const ContainerExit& exit : containers_)
      if (exit.name == name && ++seen == nth) found = &exit;
    return found != nullptr;
  });
  if (found == nullptr) {
    ADD_FAILURE() << "no exit of " << name;
    return {};
  }
  return *found;
}

bool ExitLog::wait_init(const ProcessIdentity& init) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] {
    return std::any_of(containers_.begin(), containers_.end(), [&](const auto& exit) { return exit.init == init; });
  });
}

ExecExit ExitLog::wait_session(ExecId id) {
  std::unique_lock lock(mutex_);
  const ExecExit* found = nullptr;
  changed_.wait_for(lock, kPatience, [&] {
    for (const ExecExit& exit : sessions_)
      if (exit.id == id) found = &exit;
    return found != nullptr;
  });
  if (found == nullptr) {
    ADD_FAILURE() << "no exit of session " << id.value;
    return {};
  }
  return *found;
}

bool ExitLog::wait_lost() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return lost_; });
}

std::size_t ExitLog::count(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(containers_.begin(), containers_.end(), [&](const auto& exit) { return exit.name == name; }));
}

void KeeperTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  char path[] = "/tmp/cella-keeper-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  directory_ = path;
  ASSERT_EQ(::chmod(path, 0711), 0);
  mounts_before_ = *read_file("/proc/self/mountinfo");
  make_root_filesystem();
  auto made = make_user_namespace(*IdMap::isolated(kFirstId));
  ASSERT_TRUE(made.ok()) << made.error().message();
  user_namespace_ = std::move(*made);
  cgroup_root_ = v2_root() + "/cella-keeper-test-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(cgroup_root_.c_str(), 0755), 0);
  options_ = {.cella_dir = directory_, .runtime_binary = CELLA_BUILD_DIR "/cella-runtime"};
  connect();
}

void KeeperTest::TearDown() {
  if (directory_.empty()) return;
  if (client_) {
    const auto listed = client_->list();
    if (listed)
      for (const ContainerStatus& status : *listed) ADD_FAILURE() << "left over: container " << status.name;
    const PidFd keeper(sys_pidfd_open(client_->keeper_pid(), 0));
    const auto ended = client_->shutdown(Shutdown::kAlways);
    EXPECT_TRUE(ended.ok()) << ended.error().message();
    client_.reset();
    EXPECT_TRUE(wait_ended(keeper));
  }
  EXPECT_EQ(::rmdir(cgroup_root_.c_str()), 0) << "cgroup left over below " << cgroup_root_;
  EXPECT_EQ(*read_file("/proc/self/mountinfo"), mounts_before_);
  const auto removed = remove_tree_at(*open_dir("/tmp"), directory_.substr(5));
  EXPECT_TRUE(removed.ok()) << removed.error().message();
}

void KeeperTest::make_root_filesystem() {
  const std::string root = directory_ + "/root";
  for (const char* name : {"", "/bin", "/dev", "/proc", "/sys", "/tmp", "/mnt", "/root", "/run", "/etc"})
    ASSERT_EQ(::mkdir((root + name).c_str(), 0755), 0);
  ASSERT_EQ(::chmod((root + "/tmp").c_str(), 01777), 0);
  const auto copied = run_checked({.path = "cp", .arguments = {"/bin/busybox", root + "/bin/busybox"}});
  ASSERT_TRUE(copied.ok()) << copied.error().message();
  for (const char* applet : {"sh", "sleep", "cat", "id", "echo", "true", "stty", "ls", "stat", "tty", "kill", "head",
                             "pwd", "grep", "mount", "test", "dd", "yes", "hostname", "env", "seq"})
    ASSERT_EQ(::symlink("busybox", (root + "/bin/" + applet).c_str()), 0);
}

KeeperEvents KeeperTest::events() {
  KeeperEvents events;
  events.container_exited = [log = log_](const ContainerExit& exit) { log->add(exit); };
  events.session_exited = [log = log_](const ExecExit& exit) { log->add(exit); };
  events.lost = [log = log_](const Error&) { log->lose(); };
  return events;
}

void KeeperTest::connect() {
  auto opened = KeeperClient::open(options_, events());
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  client_ = std::move(*opened);
}

LaunchPlan KeeperTest::plan(const std::string& script) {
  LaunchPlan plan;
  plan.namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                    CLONE_NEWCGROUP;
  const IdMap map = *IdMap::isolated(kFirstId);
  plan.uid_map = map.users_text();
  plan.gid_map = map.groups_text();
  plan.cgroup = 0;
  namespaces::MountChoices choices;
  choices.root_descriptor = 1;
  choices.dev_descriptor = 2;
  plan.mounts = namespaces::plan_mounts(choices);
  plan.hostname = "inside";
  plan.argv = {"/bin/sh", "-c", script};
  plan.environment = {"PATH=/bin", "container=lxc"};
  plan.console_rows = 24;
  plan.console_columns = 80;
  plan.dropped_capabilities = default_dropped_capabilities();
  plan.seccomp = *compile_seccomp(default_seccomp_policy());
  return plan;
}

TestContainer KeeperTest::prepare(const std::string& name) {
  TestContainer container;
  container.name = name;
  const std::string path = cgroup_root_ + "/" + name;
  EXPECT_EQ(::mkdir(path.c_str(), 0755), 0);
  EXPECT_EQ(::mkdir((path + "/.lxc").c_str(), 0755), 0);
  container.cgroup = std::move(*open_dir(path));
  container.leaf = std::move(*open_dir(path + "/.lxc"));
  container.cgroup_path = path.substr(v2_root().size());
  return container;
}

Result<LaunchedContainer> KeeperTest::launch(TestContainer& container, const LaunchPlan& plan, LaunchFailure* failure) {
  const Fd tree = TRY(open_path(directory_ + "/root", O_PATH));
  const Fd root = TRY(namespaces::copy_tree(tree, {.user_namespace = &user_namespace_}, "root"));
  const HostId id{kFirstId};
  const Fd dev =
      TRY(make_dev_filesystem({.nodes = standard_device_nodes(id, id), .root_user = id, .root_group = id}));
  const int numbers[] = {container.cgroup.get(), root.get(), dev.get()};
  return client_->launch(container.name, plan, numbers, failure);
}

TestContainer KeeperTest::start(const std::string& name, const std::string& script) {
  TestContainer container = prepare(name);
  auto launched = launch(container, plan(script));
  EXPECT_TRUE(launched.ok()) << launched.error().message();
  if (launched) container.launched = std::move(*launched);
  return container;
}

void KeeperTest::remove_cgroup(TestContainer& container) {
  const std::string path = cgroup_root_ + "/" + container.name;
  EXPECT_EQ(::rmdir((path + "/.lxc").c_str()), 0) << path;
  EXPECT_EQ(::rmdir(path.c_str()), 0) << path;
}

void KeeperTest::stop(TestContainer& container) {
  (void)client_->signal(container.name, SIGKILL).ok();
  const bool exited = log_->wait_init(container.launched.init);
  EXPECT_TRUE(exited) << "no exit of " << container.name;
  const auto acknowledged = client_->acknowledge_exit(container.name, container.launched.init);
  EXPECT_TRUE(acknowledged.ok()) << acknowledged.error().message();
  remove_cgroup(container);
}

ExecPlan KeeperTest::exec_plan(const std::vector<std::string>& argv) {
  ExecPlan plan;
  plan.argv = argv;
  plan.environment = {"PATH=/nowhere:/bin"};
  plan.dropped_capabilities = default_dropped_capabilities();
  plan.seccomp = *compile_seccomp(default_seccomp_policy());
  return plan;
}

ExecOutcome KeeperTest::run(const TestContainer& container, const ExecPlan& plan, const std::string& input) {
  Pipe in = *make_pipe();
  Pipe out = *make_pipe();
  Pipe err = *make_pipe();
  const ExecStreams streams{in.read_end.get(), out.write_end.get(), err.write_end.get()};
  const auto session = client_->exec(container.name, plan, container.leaf.get(), streams, log_exit());
  EXPECT_TRUE(session.ok()) << session.error().message();
  if (!session) return {};
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  EXPECT_TRUE(write_all(in.write_end, input).ok());
  in.write_end.reset();
  ExecOutcome outcome;
  outcome.output = read_all(out.read_end);
  outcome.errors = read_all(err.read_end);
  outcome.wait_status = log_->wait_session(session->id).wait_status.value_or(-1);
  return outcome;
}

std::size_t KeeperTest::keeper_descriptors() const {
  return list_names(*open_dir("/proc/" + std::to_string(client_->keeper_pid()) + "/fd"))->size();
}

void KeeperTest::kill_keeper() {
  const PidFd keeper(sys_pidfd_open(client_->keeper_pid(), 0));
  ASSERT_EQ(sys_pidfd_send_signal(keeper.get(), SIGKILL, nullptr, 0), 0);
  ASSERT_TRUE(wait_ended(keeper));
  ASSERT_TRUE(log_->wait_lost());
}

bool kernel_keeps_exits() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(3);
  const PidFd pidfd(sys_pidfd_open(child, 0));
  ::waitpid(child, nullptr, 0);
  const auto info = read_pidfd_info(pidfd, PIDFD_INFO_EXIT);
  return info && (info->mask & PIDFD_INFO_EXIT) != 0;
}

std::string read_until(const Fd& stream, const std::string& text) {
  std::string all;
  char buffer[4096];
  while (all.find(text) == std::string::npos) {
    if (!wait_readable(stream)) {
      ADD_FAILURE() << "waited for \"" << text << "\", got \"" << all << "\"";
      break;
    }
    const ssize_t count = ::read(stream.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    all.append(buffer, static_cast<std::size_t>(count));
  }
  return all;
}

std::string read_all(const Fd& stream) {
  std::string all;
  char buffer[4096];
  for (;;) {
    if (!wait_readable(stream)) {
      ADD_FAILURE() << "no end after \"" << all << "\"";
      return all;
    }
    const ssize_t count = ::read(stream.get(), buffer, sizeof buffer);
    if (count <= 0) return all;
    all.append(buffer, static_cast<std::size_t>(count));
  }
}

bool wait_ended(const PidFd& process) { return process.valid() && wait_readable(process); }

}  // namespace cella::runtime::test
