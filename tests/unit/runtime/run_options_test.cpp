#include "runtime/run_options.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include "runtime/run_plan.h"

namespace cella::runtime {
namespace {

using Arguments = std::vector<std::string>;

Result<std::variant<RunOptions, RunHelp>> parse(const Arguments& arguments) { return parse_run_options(arguments); }

RunOptions options_of(const Arguments& arguments) {
  auto parsed = parse(arguments);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message());
  return std::get<RunOptions>(std::move(parsed).value());
}

std::string error_of(const Arguments& arguments) {
  const auto parsed = parse(arguments);
  return parsed.ok() ? "" : parsed.error().message();
}

TEST(RunOptions, HaveSafeDefaults) {
  const RunOptions options = options_of({"--rootfs", "/r", "sh"});
  EXPECT_EQ(options.id_map.users_text(), "0 1000000 65536\n");
  EXPECT_EQ(options.network, RunNetwork::kNone);
  EXPECT_EQ(options.root, RunRoot::kWritable);
  EXPECT_EQ(options.seccomp, "default");
  EXPECT_TRUE(options.filters_devices);
  EXPECT_EQ(options.dropped_capabilities, default_dropped_capabilities());
  EXPECT_EQ(options.command, Arguments{"sh"});
}

TEST(RunOptions, EndAtTheCommandOrAtTwoDashes) {
  EXPECT_EQ(options_of({"--rootfs=/r", "ls", "--tty"}).command, (Arguments{"ls", "--tty"}));
  EXPECT_FALSE(options_of({"--rootfs=/r", "ls", "--tty"}).wants_terminal);
  EXPECT_EQ(options_of({"--rootfs=/r", "--", "-x"}).command, Arguments{"-x"});
}

TEST(RunOptions, TakeLimitsWithUnits) {
  const RunOptions options = options_of({"--rootfs=/r", "--memory", "64MiB", "--cpus", "1.5", "--pids", "10", "true"});
  EXPECT_EQ(options.limits.memory, Bytes{64u << 20});
  EXPECT_EQ(options.limits.cpu_quota_us, 150000u);
  EXPECT_EQ(options.limits.pids, 10u);
  EXPECT_EQ(options_of({"--rootfs=/r", "--cpus=0.25", "true"}).limits.cpu_quota_us, 25000u);
}

TEST(RunOptions, LeaveTheDeviceProgramOutOnlyWhenAsked) {
  EXPECT_FALSE(options_of({"--rootfs=/r", "--devices", "any", "x"}).filters_devices);
  EXPECT_TRUE(options_of({"--rootfs=/r", "--devices=default", "x"}).filters_devices);
  EXPECT_NE(error_of({"--rootfs=/r", "--devices", "all", "x"}).find("--devices \"all\""), std::string::npos);
}

TEST(RunOptions, TakeBindsWithModes) {
  const RunOptions options = options_of({"--rootfs=/r", "--bind", "/a:/b", "--bind=/c:/d:ro", "true"});
  EXPECT_EQ(options.binds[0], (RunBind{.source = "/a", .target = "/b"}));
  EXPECT_EQ(options.binds[1], (RunBind{.source = "/c", .target = "/d", .read_only = true}));
}

TEST(RunOptions, AddAndDropCapabilitiesInOrder) {
  const auto bit = [](unsigned capability) { return CapabilityMask{1} << capability; };
  EXPECT_EQ(options_of({"--rootfs=/r", "--cap-add", "CAP_SYS_TIME", "x"}).dropped_capabilities,
            default_dropped_capabilities() & ~bit(CAP_SYS_TIME));
  EXPECT_EQ(options_of({"--rootfs=/r", "--cap-drop", "all", "--cap-add", "kill", "x"}).dropped_capabilities,
            all_capabilities() & ~bit(CAP_KILL));
}

TEST(RunOptions, ErrorsNameOptionAndValue) {
  EXPECT_NE(error_of({"--rootfs=/r", "--memory", "5x", "x"}).find("--memory \"5x\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--cpus", "1.", "x"}).find("--cpus \"1.\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--cpus", "0", "x"}).find("--cpus \"0\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--pids", "-1", "x"}).find("--pids \"-1\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--net", "bridge", "x"}).find("--net \"bridge\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--bind", "/a", "x"}).find("--bind \"/a\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--bind", "/a:b", "x"}).find("absolute"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--bind", "/a:/b/../c", "x"}).find(".."), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--bind", "/a:/b:rx", "x"}).find("ro or rw"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--hostname", "a b", "x"}).find("--hostname \"a b\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--cap-add", "flying", "x"}).find("--cap-add \"flying\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--env", "A", "x"}).find("--env \"A\""), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--frob", "x"}).find("--frob"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--tty=1", "x"}).find("--tty"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs"}).find("--rootfs needs a value"), std::string::npos);
  EXPECT_NE(error_of({"x"}).find("--rootfs is missing"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r"}).find("no command"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--overlay", "--read-only", "x"}).find("exclude"), std::string::npos);
}

TEST(RunOptions, RefuseIdMapsThatMakeHostRootContainerRoot) {
  EXPECT_NE(error_of({"--rootfs=/r", "--uid-map", "0:0:65536", "x"}).find("--uid-map"), std::string::npos);
  EXPECT_NE(error_of({"--rootfs=/r", "--uid-map", "5:1000:10", "x"}).find("id 0 must be mapped"), std::string::npos);
}

TEST(RunPlan, SearchesTheContainersPath) {
  EXPECT_EQ(command_paths("ls", {"PATH=/a:/b"}), (Arguments{"/a/ls", "/b/ls"}));
  EXPECT_EQ(command_paths("./ls", {"PATH=/a"}), Arguments{"./ls"});
  EXPECT_EQ(command_paths("ls", {"PATH="}), Arguments{"/ls"});
}

TEST(RunPlan, LetsTheUserOverrideTheEnvironmentOnce) {
  RunOptions options = options_of({"--rootfs=/r", "--env", "PATH=/x", "--env", "A=1", "--env", "A=2", "x"});
  EXPECT_EQ(run_environment(options, "xterm"), (Arguments{"PATH=/x", "HOME=/root", "container=lxc", "A=2"}));
  options.wants_terminal = true;
  EXPECT_EQ(run_environment(options, "xterm")[3], "TERM=xterm");
}

}  // namespace
}  // namespace cella::runtime
