#include <gtest/gtest.h>

#include <linux/sched.h>

#include "runtime/protocol_messages.h"
#include "runtime/protocol_plan.h"

namespace cella::runtime {
namespace {

using protocol::Kind;

LaunchPlan full_launch_plan() {
  LaunchPlan plan;
  plan.namespaces = CLONE_NEWUSER | CLONE_NEWNS;
  plan.uid_map = "0 1000000 65536\n";
  plan.gid_map = "0 2000000 65536\n";
  plan.cgroup = 3;
  plan.mounts.root_descriptor = 1;
  plan.mounts.root_switch = namespaces::RootSwitch::kPivot;
  namespaces::MountStep step;
  step.action = namespaces::MountAction::kFilesystem;
  step.target = "dev/shm";
  step.descriptor = 7;
  step.type = "tmpfs";
  step.source = "none";
  step.options = {{"size", "64m", false}, {"ro", "", true}};
  step.attributes = 6;
  step.mode = 01777;
  step.missing = namespaces::MissingTarget::kMakeFile;
  step.links = namespaces::TargetLinks::kFollow;
  plan.mounts.steps = {step, namespaces::MountStep{}};
  plan.hostname = "first";
  plan.domainname = "example";
  plan.argv = {"/sbin/init", "", "two words"};
  plan.executable = "/bin/init";
  plan.more_executables = {"/usr/bin/init"};
  plan.environment = {"A=b", "C="};
  plan.working_directory = "/root";
  plan.user = 1000;
  plan.group = 1001;
  plan.groups = {4, 5, 4294967295u};
  plan.standard_streams = StandardStreams::kDescriptors;
  plan.streams = {4, 5, 6};
  plan.console_rows = 24;
  plan.console_columns = 80;
  plan.host_batch = {std::string("\0\1\2", 3), {4, 8}};
  plan.inner_batch = {"inner", {}};
  plan.resource_limits = {{7, 1024, ~0ull}};
  plan.sysctls = {{"net/ipv4/ip_forward", "1"}};
  plan.has_oom_score_adj = true;
  plan.oom_score_adj = -500;
  plan.dropped_capabilities = 1ull << 40;
  plan.seccomp = {{6, 1, 2, 0x7fff0000}};
  plan.no_new_privileges = true;
  plan.session_keyring = "ring";
  plan.dies_with_launcher = true;
  return plan;
}

ExecPlan full_exec_plan() {
  ExecPlan plan;
  plan.argv = {"sh", "-c", "exit 3"};
  plan.environment = {"PATH=/bin"};
  plan.working_directory = "/tmp";
  plan.user = 7;
  plan.group = 8;
  plan.groups = {9};
  plan.terminal = TerminalSize{132, 43};
  plan.resource_limits = {{1, 2, 3}};
  plan.has_oom_score_adj = true;
  plan.oom_score_adj = 1000;
  plan.dropped_capabilities = 5;
  plan.seccomp = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  plan.no_new_privileges = true;
  return plan;
}

// A plan has no comparison; what encodes to the same bytes is the same, since every member is sent.
std::string bytes_of(const LaunchPlan& plan) { return *protocol::encode_launch(9, "c1", plan); }
std::string bytes_of(const ExecPlan& plan) { return *protocol::encode_exec(9, "c1", ExecId{77}, plan); }

TEST(KeeperProtocol, CarriesEveryMemberOfALaunchPlan) {
  const LaunchPlan plan = full_launch_plan();
  const auto decoded = protocol::decode_launch(bytes_of(plan));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message();
  EXPECT_EQ(decoded->name, "c1");
  EXPECT_EQ(bytes_of(decoded->plan), bytes_of(plan));
  EXPECT_EQ(decoded->plan.mounts, plan.mounts);
  EXPECT_EQ(decoded->plan.host_batch, plan.host_batch);
  EXPECT_EQ(decoded->plan.resource_limits, plan.resource_limits);
  EXPECT_EQ(decoded->plan.sysctls, plan.sysctls);
  EXPECT_EQ(decoded->plan.more_executables, plan.more_executables);
  EXPECT_EQ(decoded->plan.streams, plan.streams);
  EXPECT_EQ(decoded->plan.oom_score_adj, -500);
  EXPECT_EQ(decoded->plan.seccomp[0].k, 0x7fff0000u);
  EXPECT_TRUE(decoded->plan.dies_with_launcher);
  EXPECT_NE(bytes_of(decoded->plan), bytes_of(LaunchPlan{}));
}

TEST(KeeperProtocol, CarriesEveryMemberOfAnExecPlan) {
  const ExecPlan plan = full_exec_plan();
  const auto decoded = protocol::decode_exec(bytes_of(plan));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message();
  EXPECT_EQ(decoded->id.value, 77u);
  EXPECT_EQ(bytes_of(decoded->plan), bytes_of(plan));
  EXPECT_EQ(decoded->plan.argv, plan.argv);
  EXPECT_EQ(decoded->plan.terminal, plan.terminal);
  EXPECT_EQ(decoded->plan.groups, plan.groups);
  EXPECT_EQ(decoded->plan.seccomp[1].k, 8u);
}

TEST(KeeperProtocol, RefusesAPlanCutAtAnyByte) {
  const std::string launch = bytes_of(full_launch_plan());
  for (std::size_t length = 0; length < launch.size(); ++length)
    ASSERT_FALSE(protocol::decode_launch(std::string_view(launch).substr(0, length)).ok()) << length;
  const std::string exec = bytes_of(full_exec_plan());
  for (std::size_t length = 0; length < exec.size(); ++length)
    ASSERT_FALSE(protocol::decode_exec(std::string_view(exec).substr(0, length)).ok()) << length;
}

TEST(KeeperProtocol, RefusesTrailingBytes) {
  EXPECT_FALSE(protocol::decode_launch(bytes_of(full_launch_plan()) + '\0').ok());
  EXPECT_FALSE(protocol::decode_exec(bytes_of(full_exec_plan()) + '\0').ok());
}

TEST(KeeperProtocol, SurvivesAnyChangedByte) {
  // Decoding may succeed or fail, but stays within bounds (the sanitizer lane sees to that) and within memory.
  for (const std::string& original : {bytes_of(full_launch_plan()), bytes_of(full_exec_plan())}) {
    for (std::size_t at = protocol::kHeaderSize; at < original.size(); ++at) {
      for (const char value : {'\0', '\1', '\x7f', '\xff'}) {
        std::string changed = original;
        changed[at] = value;
        (void)protocol::decode_launch(changed).ok();
        (void)protocol::decode_exec(changed).ok();
      }
    }
  }
}

TEST(KeeperProtocol, RefusesACountThatTheBytesCannotHold) {
  std::string message;
  protocol::encode_header(message, {.kind = Kind::kList});
  protocol::Writer writer(message);
  writer(false, std::uint32_t{0xffffffff});
  EXPECT_FALSE(protocol::decode_body<protocol::Listed>(Kind::kList, message).ok());
}

TEST(KeeperProtocol, RefusesEnumeratorsAndFlagsOutOfRange) {
  std::string attach = protocol::encode(Kind::kAttachConsole, 1, protocol::AttachConsole{"c1", Replay::kBacklog});
  ASSERT_TRUE(protocol::decode_body<protocol::AttachConsole>(Kind::kAttachConsole, attach).ok());
  attach.back() = 2;
  EXPECT_FALSE(protocol::decode_body<protocol::AttachConsole>(Kind::kAttachConsole, attach).ok());
  std::string handles = protocol::encode(Kind::kHandles, 1, protocol::Handles{{1, 2}, true});
  handles.back() = 2;
  EXPECT_FALSE(protocol::decode_body<protocol::Handles>(Kind::kHandles, handles).ok());
}

TEST(KeeperProtocol, ReadsHeaderOfAnotherVersion) {
  std::string message;
  protocol::encode_header(message, {.version = 99, .kind = Kind::kHello, .id = 0x1122334455667788});
  const auto header = protocol::decode_header(message);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->version, 99);
  EXPECT_EQ(header->id, 0x1122334455667788u);
  message[0] = 'X';
  EXPECT_FALSE(protocol::decode_header(message).ok());
  EXPECT_FALSE(protocol::decode_header("CEL").ok());
}

// Golden bytes: the layout of version 1 must not drift unseen.
TEST(KeeperProtocol, KeepsTheLayoutOfItsVersion) {
  const std::string message = protocol::encode(Kind::kSignal, 0x0102, protocol::SignalContainer{"ab", 9});
  const unsigned char expected[] = {'C', 'E', 'L', 'K', 1, 0, 5, 0, 2, 1, 0, 0, 0, 0, 0, 0,  //
                                    2,   0,   0,   0,   'a', 'b', 9, 0, 0, 0};
  EXPECT_EQ(message, std::string(reinterpret_cast<const char*>(expected), sizeof expected));
}

template <typename Body>
Body round_trip(const Body& body) {
  auto decoded = protocol::decode_body<Body>(Kind::kDone, protocol::encode(Kind::kDone, 5, body));
  EXPECT_TRUE(decoded.ok());
  return decoded.ok() ? *decoded : Body{};
}

TEST(KeeperProtocol, CarriesAnswersAndEvents) {
  const auto exit = round_trip(ContainerExit{"c1", {42, 43}, 0x0700});
  EXPECT_EQ(exit.init, (ProcessIdentity{42, 43}));
  EXPECT_EQ(exit.wait_status, 0x0700);
  EXPECT_EQ(round_trip(ExecExit{{5}, "c1", std::nullopt}).wait_status, std::nullopt);
  ContainerStatus status{"c1", {1, 2}, "/x", true, 9, true, true, 4};
  const auto listed = round_trip(protocol::Listed{true, {status, status}});
  ASSERT_EQ(listed.containers.size(), 2u);
  EXPECT_EQ(listed.containers[1].sessions, 4u);
  EXPECT_EQ(listed.containers[1].cgroup, "/x");
  protocol::LaunchAnswer answer;
  answer.timings.step_ns[kLaunchStepCount - 1] = 77;
  answer.handle = std::string("\0x", 2);
  EXPECT_EQ(round_trip(answer).timings.step_ns[kLaunchStepCount - 1], 77u);
  EXPECT_EQ(round_trip(answer).handle.size(), 2u);
  const auto node = round_trip(protocol::CreateDevice{"c1", {"net/tun", true, 10, 200, 0660, HostId{5}, HostId{6}}});
  EXPECT_EQ(node.node.minor, 200u);
  EXPECT_EQ(node.node.group.value, 6u);
}

}  // namespace
}  // namespace cella::runtime
