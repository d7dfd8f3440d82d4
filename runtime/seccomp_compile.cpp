// Policy → BPF. Layout: check the architecture, then a binary tree over call numbers whose leaves are actions.
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

#include "runtime/seccomp.h"

namespace cella::runtime {
namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint32_t kX32Bit = 0x40000000;   // __X32_SYSCALL_BIT
constexpr std::size_t kMaxInstructions = 4096;  // BPF_MAXINSNS
constexpr SeccompAction kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint16_t kJump = BPF_JMP | BPF_JA;
constexpr std::uint16_t kJumpEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kJumpGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr std::uint16_t kJumpGreaterOrEqual = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;

sock_filter statement(std::uint16_t code, std::uint32_t value) { return {code, 0, 0, value}; }

void append(Program& program, const Program& more) { program.insert(program.end(), more.begin(), more.end()); }

// if (accumulator OP value) yes else no. Offsets of conditional jumps have 8 bits, so a long `no` part is reached by a
// jump of its own.
Program branch(std::uint16_t jump, std::uint32_t value, const Program& no, const Program& yes) {
  Program program;
  if (no.size() <= 255) {
    program.push_back({jump, static_cast<std::uint8_t>(no.size()), 0, value});
  } else {
    program.push_back({jump, 0, 1, value});
    program.push_back(statement(kJump, static_cast<std::uint32_t>(no.size())));
  }
  append(program, no);
  append(program, yes);
  return program;
}

Program load_then(std::uint32_t offset, const Program& rest) {
  Program program{statement(kLoad, offset)};
  append(program, rest);
  return program;
}

// The code of one rule: its conditions in order, then its action. A condition that does not hold jumps behind the code.
class RuleCode {
 public:
  explicit RuleCode(const SeccompRule& rule) {
    for (const SeccompCondition& condition : rule.conditions) add(condition);
    program_.push_back(statement(kReturn, rule.action));
    land(failures_);
  }
  Program take() && { return std::move(program_); }

 private:
  using Jumps = std::vector<std::size_t>;

  // Makes the noted jumps lead to the next instruction.
  void land(Jumps& jumps) {
    for (const std::size_t at : jumps) program_[at].k = static_cast<std::uint32_t>(program_.size() - at - 1);
    jumps.clear();
  }

  void jump(Jumps& jumps) {
    jumps.push_back(program_.size());
    program_.push_back(statement(kJump, 0));
  }
  void jump_if(std::uint16_t compare, std::uint32_t value, Jumps& jumps) {
    program_.push_back({compare, 0, 1, value});
    jump(jumps);
  }
  void jump_unless(std::uint16_t compare, std::uint32_t value, Jumps& jumps) {
    program_.push_back({compare, 1, 0, value});
    jump(jumps);
  }

  void load(const SeccompCondition& condition, std::size_t half) {
    const std::size_t offset = offsetof(seccomp_data, args) + condition.argument * 8 + half * 4;
    program_.push_back(statement(kLoad, static_cast<std::uint32_t>(offset)));
  }

  // Both halves of an argument count, because a program sees 64 bits; x86 keeps the low one first.
  void add(const SeccompCondition& condition) {
    const auto low = static_cast<std::uint32_t>(condition.value);
    const auto high = static_cast<std::uint32_t>(condition.value >> 32);
    switch (condition.compare) {
      case SeccompCompare::kEqual:
        add_equal(condition, low, high);
        break;
      case SeccompCompare::kMasked:
        add_masked(condition, low, high);
        break;
      case SeccompCompare::kNotEqual:
        load(condition, 1);
        jump_unless(kJumpEqual, high, passes_);
        load(condition, 0);
        jump_if(kJumpEqual, low, failures_);
        break;
      case SeccompCompare::kGreater:
        add_ordered(condition, passes_, failures_, kJumpGreater);
        break;
      case SeccompCompare::kGreaterOrEqual:
        add_ordered(condition, passes_, failures_, kJumpGreaterOrEqual);
        break;
      case SeccompCompare::kLess:
        add_ordered(condition, failures_, passes_, kJumpGreaterOrEqual);
        break;
      case SeccompCompare::kLessOrEqual:
        add_ordered(condition, failures_, passes_, kJumpGreater);
        break;
    }
    land(passes_);
  }

  void add_equal(const SeccompCondition& condition, std::uint32_t low, std::uint32_t high) {
    load(condition, 1);
    jump_unless(kJumpEqual, high, failures_);
    load(condition, 0);
    jump_unless(kJumpEqual, low, failures_);
  }

  void add_masked(const SeccompCondition& condition, std::uint32_t low, std::uint32_t high) {
    // A mask that ignores the upper half, as for every 32-bit argument, needs no look at it.
    if (condition.mask >> 32 != 0 || high != 0) {
      load(condition, 1);
      program_.push_back(statement(kAnd, static_cast<std::uint32_t>(condition.mask >> 32)));
      jump_unless(kJumpEqual, high, failures_);
    }
    load(condition, 0);
    program_.push_back(statement(kAnd, static_cast<std::uint32_t>(condition.mask)));
    jump_unless(kJumpEqual, low, failures_);
  }

  // Decided by the upper halves unless they are equal: `above` is taken when the argument compares true, `below` when
  // it does not.
  void add_ordered(const SeccompCondition& condition, Jumps& above, Jumps& below, std::uint16_t low_compare) {
    const auto low = static_cast<std::uint32_t>(condition.value);
    const auto high = static_cast<std::uint32_t>(condition.value >> 32);
    load(condition, 1);
    jump_if(kJumpGreater, high, above);
    jump_unless(kJumpEqual, high, below);
    load(condition, 0);
    jump_if(low_compare, low, above);
    jump(below);
  }

  Program program_;
  Jumps passes_;    // to behind the condition being added
  Jumps failures_;  // to behind the rule
};

// What one call number leads to: its rules in order, then the default.
Program leaf(const std::vector<const SeccompRule*>& rules, SeccompAction otherwise) {
  Program program;
  for (const SeccompRule* rule : rules) append(program, RuleCode(*rule).take());
  program.push_back(statement(kReturn, otherwise));
  return program;
}

// Calls from `first` up to the next interval's `first` share one program.
struct Interval {
  std::uint32_t first;
  Program program;
};

bool same(const Program& a, const Program& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const sock_filter& x, const sock_filter& y) {
    return x.code == y.code && x.jt == y.jt && x.jf == y.jf && x.k == y.k;
  });
}

void add_interval(std::vector<Interval>& intervals, std::uint32_t first, Program program) {
  if (!intervals.empty() && intervals.back().first == first) intervals.pop_back();
  if (!intervals.empty() && same(intervals.back().program, program)) return;
  intervals.push_back({.first = first, .program = std::move(program)});
}

std::vector<Interval> intervals_of(const std::vector<SeccompRule>& rules, const SeccompPolicy& policy) {
  std::vector<const SeccompRule*> sorted;
  for (const SeccompRule& rule : rules) sorted.push_back(&rule);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->call < b->call; });
  const Program otherwise{statement(kReturn, policy.default_action)};
  std::vector<Interval> intervals;
  add_interval(intervals, 0, otherwise);
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const std::uint32_t call = (*begin)->call;
    const auto end = std::find_if(begin, sorted.end(), [call](const auto* rule) { return rule->call != call; });
    add_interval(intervals, call, leaf({begin, end}, policy.default_action));
    add_interval(intervals, call + 1, otherwise);
    begin = end;
  }
  if (policy.newest_call) add_interval(intervals, *policy.newest_call + 1, {statement(kReturn, kNoSuchCall)});
  return intervals;
}

Program tree(const std::vector<Interval>& intervals, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return intervals[begin].program;
  const std::size_t middle = begin + (end - begin) / 2;
  return branch(kJumpGreaterOrEqual, intervals[middle].first, tree(intervals, begin, middle),
                tree(intervals, middle, end));
}

Program architecture(const std::vector<SeccompRule>& rules, const SeccompPolicy& policy) {
  const std::vector<Interval> intervals = intervals_of(rules, policy);
  return load_then(offsetof(seccomp_data, nr), tree(intervals, 0, intervals.size()));
}

}  // namespace

Result<std::vector<sock_filter>> compile_seccomp(const SeccompPolicy& policy) {
  const Program native_tree = architecture(policy.x86_64, policy);
  // x32 calls carry AUDIT_ARCH_X86_64 with a bit set in the number.
  const Program x32{statement(kReturn, kNoSuchCall)};
  const Program native = load_then(offsetof(seccomp_data, nr), branch(kJumpGreaterOrEqual, kX32Bit, native_tree, x32));
  const Program no_compat{statement(kReturn, kNoSuchCall)};
  const Program compat = policy.denies_i386 ? no_compat : architecture(policy.i386, policy);
  const Program foreign{statement(kReturn, SECCOMP_RET_KILL_PROCESS)};
  const Program not_native = branch(kJumpEqual, AUDIT_ARCH_I386, foreign, compat);
  Program program = load_then(offsetof(seccomp_data, arch), branch(kJumpEqual, AUDIT_ARCH_X86_64, not_native, native));
  if (program.size() > kMaxInstructions)
    return Error(ErrorKind::kInvalid, "seccomp policy: " + std::to_string(program.size()) +
                                          " instructions, the kernel takes " + std::to_string(kMaxInstructions));
  return program;
}

}  // namespace cella::runtime
