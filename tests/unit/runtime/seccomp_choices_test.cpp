#include "runtime/seccomp_choices.h"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>

#include "tests/support/bpf_interpreter.h"

namespace cella::runtime {
namespace {

constexpr int kMkdirOfI386 = 39;

std::uint32_t denied(int value) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(value); }

std::uint32_t verdict(const SeccompChoices& choices, int call, std::uint32_t architecture = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = call;
  data.arch = architecture;
  const auto program = compile_seccomp(choices);
  EXPECT_TRUE(program.ok()) << program.error().message();
  return test::run_seccomp(*program, data).value_or(~0u);
}

TEST(SeccompChoices, WithoutAnyAreTheDefaultPolicy) {
  EXPECT_EQ(verdict({}, SYS_init_module), denied(ENOSYS));
  EXPECT_EQ(verdict({}, SYS_mkdir), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict({}, kMkdirOfI386, AUDIT_ARCH_I386), SECCOMP_RET_ALLOW);
}

TEST(SeccompChoices, DenyMoreAndNeverWeakenTheDefault) {
  SeccompChoices choices;
  choices.deny = "mkdir errno 1\ninit_module allow\n";
  EXPECT_EQ(verdict(choices, SYS_mkdir), denied(EPERM));
  EXPECT_EQ(verdict(choices, kMkdirOfI386, AUDIT_ARCH_I386), denied(EPERM));
  EXPECT_EQ(verdict(choices, SYS_init_module), denied(ENOSYS));
}

TEST(SeccompChoices, DenyAllOfI386) {
  SeccompChoices choices;
  choices.deny_compat = true;
  EXPECT_EQ(verdict(choices, kMkdirOfI386, AUDIT_ARCH_I386), denied(ENOSYS));
  EXPECT_EQ(verdict(choices, SYS_mkdir), SECCOMP_RET_ALLOW);
}

TEST(SeccompChoices, LeaveOutTheDefaultOnRequest) {
  SeccompChoices choices;
  choices.deny_default = false;
  EXPECT_TRUE(compile_seccomp(choices)->empty());
  choices.deny = "mkdir errno 1";
  EXPECT_EQ(verdict(choices, SYS_mkdir), denied(EPERM));
  EXPECT_EQ(verdict(choices, SYS_init_module), SECCOMP_RET_ALLOW);
}

TEST(SeccompChoices, AllowOnlyWhatIsListed) {
  SeccompChoices choices;
  choices.allow = "read\nwrite\n";
  EXPECT_EQ(verdict(choices, SYS_read), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(choices, SYS_mkdir), SECCOMP_RET_KILL_PROCESS);
}

TEST(SeccompChoices, NameAnUnknownCall) {
  SeccompChoices choices;
  choices.deny = "mkdirr errno 1";
  const auto program = compile_seccomp(choices);
  ASSERT_FALSE(program.ok());
  EXPECT_NE(program.error().message().find("mkdirr"), std::string::npos);
}

}  // namespace
}  // namespace cella::runtime
