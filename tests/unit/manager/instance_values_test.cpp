#include <algorithm>
#include <array>
#include <csignal>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include "manager/container_plan.h"
#include "manager/container_spec.h"
#include "manager/database.h"
#include "manager/id_ranges.h"
#include "manager/instance_approval.h"
#include "manager/instance_exits.h"
#include "manager/instance_records.h"
#include "manager/instance_set.h"
#include "manager/profile_records.h"
#include "manager/stop_signal.h"

namespace cella::manager {

struct ApprovalForTests {
  static ApprovedInstance approve(InstanceRecord record) { return {std::move(record), {}}; }
};

namespace {

constexpr HostFacts kHost{Bytes{8'000'000'000}};
const Device kRoot{{"type", "disk"}, {"path", "/"}, {"pool", "default"}, {"size", "2GB"}};

TEST(ContainerSpec, TurnsTextsIntoValues) {
  const auto spec = build_spec("c1",
                               {{"limits.memory", "10%"},
                                {"limits.processes", "20"},
                                {"limits.cpu", "2"},
                                {"limits.kernel.nofile", "5:6"},
                                {"linux.sysctl.net.ipv4.ip_forward", "1"},
                                {"environment.A", "b"},
                                {"user.x", "y"}},
                               {{"root", kRoot},
                                {"b", {{"type", "disk"}, {"path", "/mnt/x"}, {"source", "/srv"}, {"readonly", "true"}}},
                                {"a", {{"type", "disk"}, {"path", "/mnt/x/y"}, {"source", "/srv"}}},
                                {"eth0", {{"type", "nic"}, {"network", "n"}}},
                                {"eth1", {{"type", "nic"}, {"network", "n"}}},
                                {"off", {{"type", "none"}}}},
                               kHost);
  ASSERT_TRUE(spec.ok()) << spec.error().message();
  EXPECT_EQ(spec->limits.memory_max, Bytes{800'000'000});
  EXPECT_EQ(spec->limits.pids_max, 20u);
  EXPECT_EQ(std::get<std::uint32_t>(*spec->cpu), 2u);
  EXPECT_EQ(spec->resource_limits, (std::vector<runtime::ResourceLimit>{{RLIMIT_NOFILE, 5, 6}}));
  EXPECT_EQ(spec->sysctls, (std::vector<runtime::Sysctl>{{"net/ipv4/ip_forward", "1"}}));
  EXPECT_EQ(spec->environment, (std::map<std::string, std::string>{{"A", "b"}}));
  EXPECT_EQ(spec->root->size, Bytes{2'000'000'000});
  ASSERT_EQ(spec->binds.size(), 2u);
  EXPECT_EQ(spec->binds[0].path, "/mnt/x");  // the outer mount first
  EXPECT_TRUE(spec->binds[0].read_only);
  ASSERT_EQ(spec->nics.size(), 2u);
  EXPECT_EQ(spec->nics[1].device, "eth1");
  EXPECT_EQ(spec->nics[1].position, 1u);
}

TEST(ContainerSpec, ReadsDeviceNodes) {
  const auto spec = build_spec(
      "c1", {},
      {{"kvm", {{"type", "unix-char"}, {"source", "/dev/kvm"}, {"path", "/dev/sub/kvm"}, {"mode", "0640"}, {"gid", "7"}}},
       {"loop", {{"type", "unix-block"}, {"path", "/dev/loop9"}, {"major", "7"}, {"minor", "9"}}}},
      kHost);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->nodes[0].path, "sub/kvm");
  EXPECT_EQ(spec->nodes[0].mode, 0640u);
  EXPECT_EQ(spec->nodes[0].group, ContainerId{7});
  EXPECT_EQ(spec->nodes[1].major, 7u);
  EXPECT_TRUE(spec->nodes[1].block);
}

TEST(SysctlPath, SwapsSeparatorsWhenADotComesFirst) {
  EXPECT_EQ(sysctl_path("net.ipv4.conf.eth0/1.forwarding"), "net/ipv4/conf/eth0.1/forwarding");
  EXPECT_EQ(sysctl_path("net/ipv4/conf/eth0.1/forwarding"), "net/ipv4/conf/eth0.1/forwarding");
}

TEST(ContainerPlan, HasEverythingTheKeeperExecutes) {
  auto spec = *build_spec("c1", {{"environment.A", "b"}, {"environment.container", "forged"}}, {{"root", kRoot}}, kHost);
  LaunchNetwork network;
  network.host_batch = {1, 2, 3, 4, 5, 6, 7, 8};
  network.pid_offsets = {4};
  network.inner_batch = {9};
  ContainerDefaults defaults;
  defaults.dropped_capabilities = 0x30;
  const auto map = *IdMap::isolated(1000000);
  const auto plan = plan_container(spec, map, network, {{"/data", true}, {"/etc/one", false}}, defaults);
  const std::uint64_t all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                            CLONE_NEWCGROUP;
  EXPECT_EQ(plan.namespaces, all);
  EXPECT_EQ(plan.uid_map, map.users_text());
  EXPECT_EQ(plan.cgroup, kCgroupDescriptor);
  EXPECT_EQ(plan.hostname, "c1");
  EXPECT_EQ(plan.host_batch.bytes, std::string("\1\2\3\4\5\6\7\10", 8));
  EXPECT_EQ(plan.host_batch.pid_offsets, std::vector<std::uint32_t>{4});
  EXPECT_EQ(plan.inner_batch.bytes, "\11");
  EXPECT_EQ(plan.dropped_capabilities, 0x30u);
  const auto has = [&](const char* line) {
    return std::find(plan.environment.begin(), plan.environment.end(), line) != plan.environment.end();
  };
  EXPECT_TRUE(has("A=b"));
  EXPECT_TRUE(has("container=lxc"));
  ASSERT_GE(plan.mounts.steps.size(), 2u);
  const auto& last = plan.mounts.steps.back();
  EXPECT_EQ(last.target, "/etc/one");
  EXPECT_EQ(last.descriptor, kFirstBindDescriptor + 1);
  EXPECT_EQ(last.missing, namespaces::MissingTarget::kMakeFile);
  EXPECT_EQ(last.links, namespaces::TargetLinks::kFollow);
  EXPECT_EQ(plan.mounts.root_descriptor, kRootDescriptor);
  const auto checked = runtime::check_launch_plan(plan, 5);
  EXPECT_TRUE(checked.ok()) << checked.error().message();
}

TEST(ContainerPlan, BoundsOpenFilesUnlessTheUserSaysOtherwise) {
  const auto limit_of = [](const Config& config) {
    const auto spec = *build_spec("c1", config, {{"root", kRoot}}, kHost);
    const auto plan = plan_container(spec, *IdMap::isolated(1000000), {}, {}, {});
    return plan.resource_limits;
  };
  EXPECT_EQ(limit_of({}), (std::vector<runtime::ResourceLimit>{{RLIMIT_NOFILE, 1024, 1048576}}));
  EXPECT_EQ(limit_of({{"limits.kernel.nofile", "9"}}), (std::vector<runtime::ResourceLimit>{{RLIMIT_NOFILE, 9, 9}}));
}

TEST(ExecPlan, LetsTheRequestOverrideTheInstanceAndBothTheDefaults) {
  ExecRequest request;
  request.command = {"env"};
  request.environment = {{"A", "request"}, {"HOME", "/elsewhere"}};
  const auto plan = plan_exec(request, {{"A", "instance"}, {"LANG", "de"}}, {}, {});
  const std::vector<std::string> expected{
      "A=request", "HOME=/elsewhere", "LANG=de",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "USER=root", "container=lxc"};
  EXPECT_EQ(plan.environment, expected);
  EXPECT_EQ(plan.working_directory, "/root");
  request.user = 1000;
  request.terminal = true;
  EXPECT_EQ(plan_exec(request, {}, {}, {}).working_directory, "/");
  EXPECT_EQ(plan_exec(request, {}, {}, {}).terminal, (runtime::TerminalSize{80, 25}));
}

TEST(StopSignal, SuitsTheInit) {
  const auto bit = [](int signal) { return std::uint64_t{1} << (signal - 1); };
  EXPECT_EQ(choose_stop_signal({.blocked = bit(37) | bit(SIGTERM)}), 37);  // systemd reads a signalfd
  EXPECT_EQ(choose_stop_signal({.caught = bit(SIGPWR) | bit(SIGTERM)}), SIGPWR);
  EXPECT_EQ(choose_stop_signal({.caught = bit(SIGTERM)}), SIGTERM);
  EXPECT_EQ(choose_stop_signal({.caught = bit(SIGCHLD)}), std::nullopt);
}

TEST(StopSignal, ReadsTheMasksOfAProcess) {
  const auto masks = parse_signal_masks("Name:\tinit\nSigBlk:\t0000001000000000\nSigIgn:\t0000000000000000\n"
                                        "SigCgt:\t0000000020014000\n");
  ASSERT_TRUE(masks.ok());
  EXPECT_EQ(choose_stop_signal(*masks), 37);
  EXPECT_EQ(masks->caught, 0x20014000u);
  EXPECT_FALSE(parse_signal_masks("Name:\tinit\n").ok());
}

TEST(Exits, TellARebootFromAHalt) {
  EXPECT_TRUE(is_reboot(SIGHUP));
  EXPECT_FALSE(is_reboot(SIGINT));
  EXPECT_FALSE(is_reboot(0));
  EXPECT_FALSE(is_reboot(std::nullopt));
}

TEST(IdWindows, AreTheDefaultWhenNobodyIsNamed) {
  EXPECT_EQ(id_windows("", ""), (std::vector<IdWindow>{{1000000, 999000000}}));
  EXPECT_EQ(id_windows("# root:2000000:65536\n", ""), (std::vector<IdWindow>{{1000000, 999000000}}));
}

TEST(IdWindows, BeginWithWhatBothFilesGiveRoot) {
  EXPECT_EQ(id_windows("root:100000:200000\n", "root:150000:1000000\n"),
            (std::vector<IdWindow>{{150000, 150000}, {1150000, 998850000}}));
  EXPECT_EQ(id_windows("root:100000:1000\n", "root:100000:1000\n"), (std::vector<IdWindow>{{1000000, 999000000}}));
}

TEST(IdWindows, LeaveOthersTheirs) {
  EXPECT_EQ(id_windows("alice:100000:65536\nbob:2000000:65536\n", "carol:1000000:65536\nbob:999999999:5\n"),
            (std::vector<IdWindow>{{1065536, 934464}, {2065536, 997934463}}));
}

class Store : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Database::open(":memory:", std::array{instance_schema(), profile_schema()});
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    database_ = *std::move(opened);
  }
  InstanceRecord add(const std::string& name) {
    InstanceRecord record;
    record.name = name;
    record.architecture = "x86_64";
    record.created_at = from_nanoseconds(1'700'000'000'123'456'789);
    record.config = {{"user.a", "1"}, {"user.b", "2"}};
    record.devices = {{"root", kRoot}};
    record.profiles = {"default", "extra"};
    record.pool = "default";
    auto id = insert_instance(*database_, ApprovalForTests::approve(record));
    EXPECT_TRUE(id.ok()) << id.error().message();
    record.id = *id;
    return record;
  }
  std::unique_ptr<Database> database_;
};

using IdRanges = Store;

TEST_F(IdRanges, AreTheOnesAskedForWhenTheyAreFree) {
  const std::vector<IdWindow> windows{{100000, 10 * kRangeSize}};
  const auto first = add("a").id;
  ASSERT_EQ(*allocate_id_range(*database_, windows, first, {200000, 2 * kRangeSize}),
            (IdAllocation{200000, 2 * kRangeSize}));
  // Its own range does not stand in its way; another instance's does, also in part.
  EXPECT_EQ(find_id_range(*database_, windows, first, {200001, kRangeSize})->base, 200001u);
  for (const std::uint32_t base : {200000u, 200000u - 1, 200000u + 2 * kRangeSize - 1, 99999u, 100000u + 10 * kRangeSize}) {
    const auto refused = allocate_id_range(*database_, windows, add("x" + std::to_string(base)).id, {base, kRangeSize});
    ASSERT_FALSE(refused.ok()) << base;
    EXPECT_EQ(refused.error().kind(), ErrorKind::kInvalid);
    EXPECT_NE(refused.error().message().find("security.idmap.base \"" + std::to_string(base)), std::string::npos)
        << refused.error().message();
  }
  // Those without a wish go round it.
  EXPECT_EQ(allocate_id_range(*database_, windows, add("b").id)->base, 100000u);
  EXPECT_EQ(allocate_id_range(*database_, windows, add("c").id)->base, 200000u + 2 * kRangeSize);
}

TEST_F(IdRanges, NeverOverlapAndAreUsedAgain) {
  const std::vector<IdWindow> windows{{1000, 3 * kRangeSize}};
  std::vector<std::uint32_t> bases;
  std::vector<InstanceRecord> records;
  for (const char* name : {"a", "b", "c"}) {
    records.push_back(add(name));
    bases.push_back(allocate_id_range(*database_, windows, records.back().id)->base);
  }
  EXPECT_EQ(bases, (std::vector<std::uint32_t>{1000, 1000 + kRangeSize, 1000 + 2 * kRangeSize}));
  const auto full = allocate_id_range(*database_, windows, add("d").id);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().kind(), ErrorKind::kNoSpace);
  ASSERT_TRUE(delete_instance(*database_, records[1].id).ok());
  EXPECT_EQ(allocate_id_range(*database_, windows, add("e").id)->base, 1000 + kRangeSize);
}

TEST_F(IdRanges, StepOverRangesOfAnEarlierWindow) {
  EXPECT_EQ(allocate_id_range(*database_, {{1500, kRangeSize}}, add("a").id)->base, 1500u);
  EXPECT_EQ(allocate_id_range(*database_, {{1000, 4 * kRangeSize}}, add("b").id)->base, 1500u + kRangeSize);
}

using InstanceRecords = Store;

TEST_F(InstanceRecords, ComeBackAsTheyWereStored) {
  auto record = add("c1");
  record.id_base = allocate_id_range(*database_, {{1000000, 1000000}}, record.id)->base;
  record.run = RunRecord{{4711, 99}, "lxc.payload.c1", std::string("\0\1handle", 8)};
  ASSERT_TRUE(write_run(*database_, record.id, *record.run).ok());
  const auto loaded = load_instances(*database_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  ASSERT_EQ(loaded->size(), 1u);
  const auto& found = loaded->front();
  EXPECT_EQ(found.config, record.config);
  EXPECT_EQ(found.devices, record.devices);
  EXPECT_EQ(found.profiles, record.profiles);
  EXPECT_EQ(found.created_at, record.created_at);
  EXPECT_EQ(found.id_base, 1000000u);
  EXPECT_EQ(found.run, record.run);
  EXPECT_EQ(found.phase, InstancePhase::kCreating);
}

TEST_F(InstanceRecords, ChangeOnlyWhatDiffers) {
  const auto record = add("c1");
  auto next = record;
  next.config = {{"user.b", "3"}, {"user.c", "4"}};
  next.devices["eth0"] = {{"type", "nic"}};
  next.profiles = {"extra"};
  next.phase = InstancePhase::kReady;
  ASSERT_TRUE(update_instance(*database_, record, ApprovalForTests::approve(next)).ok());
  const auto found = load_instances(*database_)->front();
  EXPECT_EQ(found.config, next.config);
  EXPECT_EQ(found.devices, next.devices);
  EXPECT_EQ(found.profiles, next.profiles);
  EXPECT_EQ(found.phase, InstancePhase::kReady);
}

TEST_F(InstanceRecords, TakeWithoutApprovalOnlyWhatNoPolicyLooksAt) {
  const auto record = add("web_c1");
  const auto refused = [&](auto&& change) {
    auto next = record;
    change(next);
    const auto outcome = update_instance(*database_, record, next);
    return !outcome.ok() && outcome.error().kind() == ErrorKind::kInternal;
  };
  EXPECT_TRUE(refused([](InstanceRecord& next) { next.config["security.nesting"] = "true"; }));
  EXPECT_TRUE(refused([](InstanceRecord& next) { next.config.erase("user.a"); }));
  EXPECT_TRUE(refused([](InstanceRecord& next) { next.devices["d"] = {{"type", "disk"}}; }));
  EXPECT_TRUE(refused([](InstanceRecord& next) { next.profiles = {"other"}; }));
  EXPECT_TRUE(refused([](InstanceRecord& next) { next.name = "other_c1"; }));
  EXPECT_FALSE(refused([](InstanceRecord& next) { next.config["volatile.last_state.power"] = "RUNNING"; }));
  EXPECT_FALSE(refused([](InstanceRecord& next) { next.name = "web_c2"; }));
  const auto loaded = load_instances(*database_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->front().name, "web_c2");
  EXPECT_FALSE(loaded->front().config.contains("security.nesting"));
}

TEST_F(InstanceRecords, TakeEverythingAlongWhenDeleted) {
  const auto record = add("c1");
  (void)allocate_id_range(*database_, {{1000000, 1000000}}, record.id);
  ASSERT_TRUE(write_run(*database_, record.id, {}).ok());
  ASSERT_TRUE(delete_instance(*database_, record.id).ok());
  for (const char* table : {"instances", "instance_config", "instance_devices", "instance_profiles", "instance_runs",
                            "id_ranges"}) {
    auto query = database_->prepare(std::string("SELECT count(*) FROM ") + table);
    ASSERT_TRUE(query.ok() && *query->step());
    EXPECT_EQ(query->number(0), 0) << table;
  }
}

using ProfileRecords = Store;

TEST_F(ProfileRecords, KeepTheirKeysThroughARename) {
  const ProfileRecord record{"text", {{"user.a", "b"}}, {{"root", kRoot}}};
  ASSERT_TRUE(store_profile(*database_, {"web", "one"}, record).ok());
  ASSERT_TRUE(rename_profile_record(*database_, {"web", "one"}, "two").ok());
  const auto loaded = load_profiles(*database_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->at({"web", "two"}), record);
}

EntryPtr entry_named(const std::string& name) {
  auto entry = std::make_shared<InstanceEntry>();
  entry->record.name = name;
  return entry;
}

TEST(InstanceSet, LetsOneWorkAtATimeOnAnInstance) {
  InstanceSet set;
  ASSERT_TRUE(set.add(entry_named("c1")).ok());
  EXPECT_EQ(set.add(entry_named("c1")).error().kind(), ErrorKind::kExists);
  {
    const auto claim = set.claim("c1", InstanceWork::kStop);
    ASSERT_TRUE(claim.ok());
    const auto second = set.claim("c1", InstanceWork::kStart);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::kBusy);
    EXPECT_NE(second.error().message().find("\"stop\""), std::string::npos);
  }
  EXPECT_TRUE(set.claim("c1", InstanceWork::kStart).ok());
  EXPECT_EQ(set.claim("c2", InstanceWork::kStart).error().kind(), ErrorKind::kNotFound);
}

TEST(InstanceSet, FindsARenamedInstanceUnderItsNewNameOnly) {
  InstanceSet set;
  const auto entry = entry_named("c1");
  ASSERT_TRUE(set.add(entry).ok());
  ASSERT_TRUE(set.add(entry_named("c2")).ok());
  EXPECT_EQ(set.rename(entry, "c2").error().kind(), ErrorKind::kExists);
  ASSERT_TRUE(set.rename(entry, "c3").ok());
  EXPECT_FALSE(set.find("c1").ok());
  EXPECT_EQ(*set.find("c3"), entry);
}

}  // namespace
}  // namespace cella::manager
