#include "runtime/seccomp.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "runtime/seccomp_calls.h"
#include "tests/support/bpf_interpreter.h"

namespace cella::runtime {
namespace {

constexpr std::uint32_t kX32 = 0x40000000;

std::uint32_t errno_action(int value) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(value); }

struct Call {
  int number = 0;
  std::uint32_t architecture = AUDIT_ARCH_X86_64;
  std::uint64_t arguments[6] = {};
};

std::uint32_t verdict(const std::vector<sock_filter>& program, const Call& call, unsigned* steps = nullptr) {
  seccomp_data data{};
  data.nr = call.number;
  data.arch = call.architecture;
  for (int index = 0; index < 6; ++index) data.args[index] = call.arguments[index];
  const auto result = test::run_seccomp(program, data, steps);
  EXPECT_TRUE(result.has_value()) << "call " << call.number;
  return result.value_or(~0u);
}

std::vector<sock_filter> default_program() { return compile_seccomp(default_seccomp_policy()).value(); }

std::vector<sock_filter> program_of(const std::string& text) {
  auto policy = parse_seccomp_policy(text);
  EXPECT_TRUE(policy.ok()) << (policy.ok() ? "" : policy.error().message());
  return compile_seccomp(*policy).value();
}

std::string error_of(const std::string& text) {
  const auto policy = parse_seccomp_policy(text);
  return policy.ok() ? "" : policy.error().message();
}

TEST(SeccompDefault, RefusesWhatActsOnTheMachine) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = SYS_kexec_load}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_open_by_handle_at}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_finit_module}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_keyctl}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_bpf}), errno_action(EPERM));
  EXPECT_EQ(verdict(program, {.number = SYS_perf_event_open}), errno_action(EPERM));
  EXPECT_EQ(verdict(program, {.number = SYS_swapon}), errno_action(EPERM));
}

TEST(SeccompDefault, RefusesTheSameCallsByTheirI386Numbers) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = 283, .architecture = AUDIT_ARCH_I386}), errno_action(ENOSYS));  // kexec_load
  EXPECT_EQ(verdict(program, {.number = 342, .architecture = AUDIT_ARCH_I386}),
            errno_action(ENOSYS));                                                                 // open_by_handle
  EXPECT_EQ(verdict(program, {.number = 4, .architecture = AUDIT_ARCH_I386}), SECCOMP_RET_ALLOW);  // write
}

TEST(SeccompDefault, LeavesEveryOtherKnownCallAlone) {
  const auto program = default_program();
  const auto& rules = default_seccomp_policy().x86_64;
  for (int number = 0; number <= static_cast<int>(kNewestKnownCall); ++number) {
    bool listed = false;
    for (const SeccompRule& rule : rules) listed |= rule.call == static_cast<std::uint32_t>(number);
    if (listed) continue;
    EXPECT_EQ(verdict(program, {.number = number}), SECCOMP_RET_ALLOW) << number;
  }
}

TEST(SeccompDefault, AnswersNoSuchCallAboveTheNewestKnown) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = kNewestKnownCall}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = kNewestKnownCall + 1}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = 1000, .architecture = AUDIT_ARCH_I386}), errno_action(ENOSYS));
}

TEST(SeccompDefault, RefusesX32AndKillsForeignArchitectures) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = static_cast<int>(kX32 | SYS_write)}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_write, .architecture = AUDIT_ARCH_AARCH64}), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(verdict(program, {.number = -1}), errno_action(ENOSYS));
}

TEST(SeccompDefault, RefusesTypingIntoATerminal) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = SYS_ioctl, .arguments = {0, 0x5412}}), errno_action(EPERM));  // TIOCSTI
  EXPECT_EQ(verdict(program, {.number = SYS_ioctl, .arguments = {0, 0x541C}}), errno_action(EPERM));  // TIOCLINUX
  EXPECT_EQ(verdict(program, {.number = SYS_ioctl, .arguments = {0, 0x5413}}), SECCOMP_RET_ALLOW);    // TIOCGWINSZ
}

// The kernel cuts an ioctl's command to 32 bits, so rubbish above them must not get it past the filter (CVE-2016-7545).
TEST(SeccompDefault, IgnoresTheUpperHalfOf32BitArguments) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = SYS_ioctl, .arguments = {0, 0x100005412}}), errno_action(EPERM));
  EXPECT_EQ(verdict(program, {.number = SYS_socket, .arguments = {0x7700000010, 3, 9}}), errno_action(EAFNOSUPPORT));
}

TEST(SeccompDefault, RefusesOnlyTheAuditProtocolOfNetlink) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = SYS_socket, .arguments = {16, 3, 9}}), errno_action(EAFNOSUPPORT));
  EXPECT_EQ(verdict(program, {.number = SYS_socket, .arguments = {16, 3, 0}}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = SYS_socket, .arguments = {2, 1, 9}}), SECCOMP_RET_ALLOW);
}

TEST(SeccompDefault, RefusesForcedUnmountOnly) {
  const auto program = default_program();
  EXPECT_EQ(verdict(program, {.number = SYS_umount2, .arguments = {0, 1}}), errno_action(EACCES));
  EXPECT_EQ(verdict(program, {.number = SYS_umount2, .arguments = {0, 3}}), errno_action(EACCES));
  EXPECT_EQ(verdict(program, {.number = SYS_umount2, .arguments = {0, 2}}), SECCOMP_RET_ALLOW);
}

// The kernel runs the program for each of some 470 numbers when it is loaded.
TEST(SeccompDefault, DecidesAnyCallInAFewSteps) {
  const auto program = default_program();
  for (int number = 0; number < 500; ++number) {
    unsigned steps = 0;
    verdict(program, {.number = number}, &steps);
    EXPECT_LE(steps, 24u) << number;
  }
}

TEST(SeccompCompile, KeepsTheOrderOfRulesOfOneCall) {
  const auto program = program_of("2\ndenylist\n[all]\nmkdir errno 5 [1,448,SCMP_CMP_EQ]\nmkdir errno 6\n");
  EXPECT_EQ(verdict(program, {.number = SYS_mkdir, .arguments = {0, 448}}), errno_action(5));
  EXPECT_EQ(verdict(program, {.number = SYS_mkdir, .arguments = {0, 449}}), errno_action(6));
}

struct Comparison {
  const char* text;
  std::uint64_t below;  // verdicts for 0x1fffffffe, 0x200000000, 0x200000001 against 0x200000000
  std::uint64_t equal;
  std::uint64_t above;
};

TEST(SeccompCompile, ComparesAll64Bits) {
  const Comparison comparisons[] = {{"SCMP_CMP_EQ", 0, 1, 0}, {"SCMP_CMP_NE", 1, 0, 1}, {"SCMP_CMP_LT", 1, 0, 0},
                                    {"SCMP_CMP_LE", 1, 1, 0}, {"SCMP_CMP_GT", 0, 0, 1}, {"SCMP_CMP_GE", 0, 1, 1}};
  for (const Comparison& comparison : comparisons) {
    const auto program =
        program_of("2\ndenylist\nlseek errno 7 [1,0x200000000," + std::string(comparison.text) + "]\n");
    const auto matches = [&](std::uint64_t value) -> std::uint64_t {
      return verdict(program, {.number = SYS_lseek, .arguments = {0, value}}) == errno_action(7) ? 1 : 0;
    };
    EXPECT_EQ(matches(0x1fffffffe), comparison.below) << comparison.text;
    EXPECT_EQ(matches(0x200000000), comparison.equal) << comparison.text;
    EXPECT_EQ(matches(0x200000001), comparison.above) << comparison.text;
  }
}

TEST(SeccompCompile, ReachesAcrossMoreThan255Instructions) {
  std::string text = "2\ndenylist\n";
  for (int value = 0; value < 200; ++value)
    text += "lseek errno " + std::to_string(value + 1) + " [1," + std::to_string(value) + ",SCMP_CMP_EQ]\n";
  const auto program = program_of(text);
  EXPECT_EQ(verdict(program, {.number = SYS_lseek, .arguments = {0, 199}}), errno_action(200));
  EXPECT_EQ(verdict(program, {.number = SYS_lseek, .arguments = {0, 0}}), errno_action(1));
  EXPECT_EQ(verdict(program, {.number = SYS_lseek, .arguments = {0, 200}}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = SYS_mmap}), SECCOMP_RET_ALLOW);
}

TEST(SeccompCompile, RefusesAProgramThatIsTooLong) {
  std::string text = "2\ndenylist\n";
  for (int value = 0; value < 1500; ++value) text += "lseek errno 1 [1," + std::to_string(value) + ",SCMP_CMP_EQ]\n";
  const auto program = compile_seccomp(parse_seccomp_policy(text).value());
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().kind(), ErrorKind::kInvalid);
}

TEST(SeccompPolicy, AllowListRefusesTheRest) {
  const auto program = program_of("2\nallowlist errno 38\nread\nwrite allow\n");
  EXPECT_EQ(verdict(program, {.number = SYS_read}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = SYS_write}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = SYS_mkdir}), errno_action(38));
}

TEST(SeccompPolicy, SectionsChooseTheArchitecture) {
  const auto program = program_of("2\nblacklist\n[x86]\nmkdir errno 1 # 39 there\n[x86_64]\nrmdir errno 2\n");
  EXPECT_EQ(verdict(program, {.number = SYS_mkdir}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(program, {.number = 39, .architecture = AUDIT_ARCH_I386}), errno_action(1));
  EXPECT_EQ(verdict(program, {.number = SYS_rmdir}), errno_action(2));
}

TEST(SeccompPolicy, ReadsLxcsCommonPolicy) {
  const auto program = program_of(
      "2\ndenylist\nreject_force_umount  # comment this to allow umount -f;  not recommended\n[all]\n"
      "kexec_load errno 38\nopen_by_handle_at errno 38\ninit_module errno 38\nfinit_module errno 38\n"
      "delete_module errno 38\n");
  EXPECT_EQ(verdict(program, {.number = SYS_umount2, .arguments = {0, 1}}), errno_action(EACCES));
  EXPECT_EQ(verdict(program, {.number = SYS_delete_module}), errno_action(ENOSYS));
  EXPECT_EQ(verdict(program, {.number = SYS_keyctl}), SECCOMP_RET_ALLOW);
}

TEST(SeccompPolicy, ErrorsNameTheLineAndTheWord) {
  EXPECT_NE(error_of("2\ndenylist\nmkdirr errno 1\n").find("line 3: system call \"mkdirr\""), std::string::npos);
  EXPECT_NE(error_of("1\n").find("line 1: version \"1\""), std::string::npos);
  EXPECT_NE(error_of("2\ngreylist\n").find("line 2: list \"greylist\""), std::string::npos);
  EXPECT_NE(error_of("2\ndenylist\nmkdir errno\n").find("line 3"), std::string::npos);
  EXPECT_NE(error_of("2\ndenylist\nmkdir notify\n").find("notify"), std::string::npos);
  EXPECT_NE(error_of("2\ndenylist\nmkdir errno 1 [9,1,SCMP_CMP_EQ]\n").find("argument index \"9\""), std::string::npos);
  EXPECT_NE(error_of("2\ndenylist\n[mips]\n").find("[mips]"), std::string::npos);
  EXPECT_NE(error_of("").find("no denylist"), std::string::npos);
}

TEST(SeccompCalls, KnowsBothNumbers) {
  const NamedCall* call = find_call("open_by_handle_at");
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->x86_64, SYS_open_by_handle_at);
  EXPECT_EQ(call->i386, 342);
  EXPECT_EQ(find_call("socketcall")->x86_64, -1);
  EXPECT_EQ(find_call("no_such_call"), nullptr);
}

}  // namespace
}  // namespace cella::runtime
