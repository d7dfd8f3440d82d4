#include "cgroups/device_program.h"

#include <cstring>
#include <gtest/gtest.h>

namespace cella::cgroups {
namespace {

// Runs a program of the instructions the generator uses on one request, as the kernel would.
class Interpreter {
 public:
  explicit Interpreter(const std::vector<bpf_insn>& program) : program_(program) {}

  // The answer: 1 allow, 0 refuse; -1 for a program the verifier would refuse.
  int run(bpf_cgroup_dev_ctx context) const {
    std::uint64_t registers[11] = {};
    for (std::size_t at = 0; at < program_.size(); ++at) {
      const bpf_insn& insn = program_[at];
      if (insn.code == (BPF_JMP | BPF_EXIT)) return static_cast<int>(registers[0]);
      if (!step(insn, context, registers, at)) return -1;
    }
    return -1;
  }

 private:
  static std::uint32_t word_of(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
  static bool jump(bool taken, const bpf_insn& insn, std::size_t& at) {
    if (taken) at += static_cast<std::size_t>(insn.off);
    return insn.off >= 0;
  }
  static bool step(const bpf_insn& insn, const bpf_cgroup_dev_ctx& context, std::uint64_t* registers, std::size_t& at) {
    std::uint64_t& target = registers[insn.dst_reg];
    const auto immediate = static_cast<std::uint32_t>(insn.imm);
    switch (insn.code) {
      case BPF_LDX | BPF_MEM | BPF_W: {
        if (insn.src_reg != 1 || insn.off < 0 || static_cast<std::size_t>(insn.off) + 4 > sizeof context) return false;
        std::uint32_t word = 0;
        std::memcpy(&word, reinterpret_cast<const char*>(&context) + insn.off, sizeof word);
        target = word;
        return true;
      }
      case BPF_ALU64 | BPF_MOV | BPF_K: target = static_cast<std::uint64_t>(std::int64_t{insn.imm}); return true;
      case BPF_ALU | BPF_MOV | BPF_X: target = word_of(registers[insn.src_reg]); return true;
      case BPF_ALU | BPF_OR | BPF_X: target = word_of(target) | word_of(registers[insn.src_reg]); return true;
      case BPF_ALU | BPF_AND | BPF_K: target = word_of(target) & immediate; return true;
      case BPF_ALU | BPF_RSH | BPF_K: target = word_of(target) >> immediate; return true;
      case BPF_ALU | BPF_LSH | BPF_K: target = word_of(target) << immediate; return true;
      case BPF_JMP32 | BPF_JGE | BPF_K: return jump(word_of(target) >= immediate, insn, at);
      case BPF_JMP32 | BPF_JNE | BPF_K: return jump(word_of(target) != immediate, insn, at);
      case BPF_JMP32 | BPF_JEQ | BPF_K: return jump(word_of(target) == immediate, insn, at);
      case BPF_JMP32 | BPF_JSET | BPF_K: return jump((word_of(target) & immediate) != 0, insn, at);
      default: return false;
    }
  }
  const std::vector<bpf_insn>& program_;
};

std::uint32_t kind(char type, std::string_view access) {
  std::uint32_t bits = 0;
  for (const char letter : access)
    bits |= letter == 'm'   ? std::uint32_t{BPF_DEVCG_ACC_MKNOD}
            : letter == 'r' ? std::uint32_t{BPF_DEVCG_ACC_READ}
                            : std::uint32_t{BPF_DEVCG_ACC_WRITE};
  return (bits << 16) | (type == 'b' ? std::uint32_t{BPF_DEVCG_DEV_BLOCK} : std::uint32_t{BPF_DEVCG_DEV_CHAR});
}

int ask(const std::vector<DeviceRule>& rules, char type, std::uint32_t major, std::uint32_t minor, std::string_view access) {
  const auto program = compile_device_program(rules);
  return Interpreter(program).run({kind(type, access), major, minor});
}

TEST(DeviceProgram, AllowsTheDefaultNodes) {
  const auto rules = default_device_rules();
  const std::pair<std::uint32_t, std::uint32_t> allowed[] = {{1, 3}, {1, 5}, {1, 7}, {1, 8},   {1, 9},   {5, 0},
                                                             {5, 1}, {5, 2}, {136, 0}, {136, 77}, {10, 229}, {10, 200}};
  for (const auto& [major, minor] : allowed) {
    EXPECT_EQ(ask(rules, 'c', major, minor, "rw"), 1) << major << ":" << minor;
    EXPECT_EQ(ask(rules, 'b', major, minor, "r"), 0) << "a block device of the same number";
  }
}

TEST(DeviceProgram, RefusesOpeningAnythingElse) {
  const auto rules = default_device_rules();
  EXPECT_EQ(ask(rules, 'c', 1, 1, "r"), 0) << "mem";
  EXPECT_EQ(ask(rules, 'c', 1, 11, "w"), 0) << "kmsg";
  EXPECT_EQ(ask(rules, 'b', 8, 0, "r"), 0) << "sda";
  EXPECT_EQ(ask(rules, 'b', 254, 0, "w"), 0);
  EXPECT_EQ(ask(rules, 'c', 10, 237, "rw"), 0) << "loop-control";
}

TEST(DeviceProgram, AllowsMakingAnyNodeButNotWithMore) {
  const auto rules = default_device_rules();
  EXPECT_EQ(ask(rules, 'b', 8, 0, "m"), 1);
  EXPECT_EQ(ask(rules, 'c', 0, 0, "m"), 1) << "overlay whiteout";
  EXPECT_EQ(ask(rules, 'b', 8, 0, "mr"), 0);
}

TEST(DeviceProgram, RefusesEverythingWithoutRules) {
  EXPECT_EQ(ask({}, 'c', 1, 3, "r"), 0);
  EXPECT_EQ(ask({}, 'b', 1, 3, "m"), 0);
}

TEST(DeviceProgram, ARuleForAllAllowsAll) {
  const std::vector<DeviceRule> all = {parse_device_rule("k", "a *:* rwm").value()};
  EXPECT_EQ(ask(all, 'b', 8, 1, "rwm"), 1);
  EXPECT_EQ(ask(all, 'c', 4095, 1048575, "w"), 1);
}

TEST(DeviceProgram, ANumberMayStandForAnyMajor) {
  const std::vector<DeviceRule> rules = {parse_device_rule("k", "c *:7 r").value(), parse_device_rule("k", "b 8:* rw").value()};
  EXPECT_EQ(ask(rules, 'c', 4095, 7, "r"), 1);
  EXPECT_EQ(ask(rules, 'c', 4095, 8, "r"), 0);
  EXPECT_EQ(ask(rules, 'c', 8, 3, "r"), 0);
  EXPECT_EQ(ask(rules, 'b', 8, 1048575, "w"), 1);
  EXPECT_EQ(ask(rules, 'b', 9, 7, "w"), 0);
}

TEST(DeviceProgram, MajorAndMinorDoNotRunTogether) {
  const std::vector<DeviceRule> rules = {parse_device_rule("k", "c 1:0 r").value()};
  EXPECT_EQ(ask(rules, 'c', 1, 0, "r"), 1);
  EXPECT_EQ(ask(rules, 'c', 0, 1, "r"), 0);
  EXPECT_EQ(ask(rules, 'c', 16, 0, "r"), 0);
}

TEST(DeviceProgram, ExtraRulesGoBesideTheDefaults) {
  auto rules = default_device_rules();
  rules.push_back(parse_device_rule("k", "b 8:1 r").value());
  rules.push_back(parse_device_rule("k", "c 226:* rw").value());
  EXPECT_EQ(ask(rules, 'b', 8, 1, "r"), 1);
  EXPECT_EQ(ask(rules, 'b', 8, 1, "rw"), 0) << "one rule must cover all of the access";
  EXPECT_EQ(ask(rules, 'b', 8, 2, "r"), 0);
  EXPECT_EQ(ask(rules, 'c', 226, 128, "rw"), 1);
  EXPECT_EQ(ask(rules, 'c', 1, 3, "rw"), 1);
}

TEST(DeviceRuleText, IsReadStrictly) {
  EXPECT_EQ(parse_device_rule("k", "c 1:3 rwm").value(), (DeviceRule{DeviceType::kChar, 1, 3, kFullAccess}));
  EXPECT_EQ(parse_device_rule("k", "b *:* m").value(), (DeviceRule{DeviceType::kBlock, {}, {}, kMakeNode}));
  for (const std::string_view text : {"", "c", "c 1:3", "c 1:3 x", "d 1:3 r", "c 1 r", "c 1:3 r extra", "c 4096:0 r", "c -1:0 r"})
    EXPECT_EQ(parse_device_rule("k", text).error().kind(), ErrorKind::kInvalid) << text;
}

}  // namespace
}  // namespace cella::cgroups
