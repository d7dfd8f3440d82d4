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

// Tests that leave the accumulator's word to the failing or the passing part. Both halves of an argument are compared
// because the kernel passes 64 bits even where a call reads 32.
struct Halves {
  std::uint32_t low_offset;
  std::uint32_t low;
  std::uint32_t high;
};

Halves halves(const SeccompCondition& condition) {
  const std::size_t offset = offsetof(seccomp_data, args) + condition.argument * sizeof(std::uint64_t);
  return {.low_offset = static_cast<std::uint32_t>(offset),
          .low = static_cast<std::uint32_t>(condition.value),
          .high = static_cast<std::uint32_t>(condition.value >> 32)};
}

Program load_then(std::uint32_t offset, const Program& rest) {
  Program program{statement(kLoad, offset)};
  append(program, rest);
  return program;
}

Program test_equal(const SeccompCondition& condition, const Program& no, const Program& yes) {
  const Halves word = halves(condition);
  const Program low = load_then(word.low_offset, branch(kJumpEqual, word.low, no, yes));
  return load_then(word.low_offset + 4, branch(kJumpEqual, word.high, no, low));
}

Program test_masked(const SeccompCondition& condition, const Program& no, const Program& yes) {
  const Halves word = halves(condition);
  Program low{statement(kLoad, word.low_offset), statement(kAnd, static_cast<std::uint32_t>(condition.mask))};
  append(low, branch(kJumpEqual, word.low, no, yes));
  Program high{statement(kLoad, word.low_offset + 4),
               statement(kAnd, static_cast<std::uint32_t>(condition.mask >> 32))};
  append(high, branch(kJumpEqual, word.high, no, low));
  return high;
}

// argument > value (or >=, by low_jump): decided by the high halves unless they are equal.
Program test_greater(const SeccompCondition& condition, std::uint16_t low_jump, const Program& no, const Program& yes) {
  const Halves word = halves(condition);
  const Program low = load_then(word.low_offset, branch(low_jump, word.low, no, yes));
  const Program equal_or_less = branch(kJumpEqual, word.high, no, low);
  return load_then(word.low_offset + 4, branch(kJumpGreater, word.high, equal_or_less, yes));
}

Program test(const SeccompCondition& condition, const Program& no, const Program& yes) {
  switch (condition.compare) {
    case SeccompCompare::kEqual:
      return test_equal(condition, no, yes);
    case SeccompCompare::kNotEqual:
      return test_equal(condition, yes, no);
    case SeccompCompare::kMasked:
      return test_masked(condition, no, yes);
    case SeccompCompare::kGreater:
      return test_greater(condition, kJumpGreater, no, yes);
    case SeccompCompare::kGreaterOrEqual:
      return test_greater(condition, kJumpGreaterOrEqual, no, yes);
    case SeccompCompare::kLess:
      return test_greater(condition, kJumpGreaterOrEqual, yes, no);
    case SeccompCompare::kLessOrEqual:
      return test_greater(condition, kJumpGreater, yes, no);
  }
  return no;
}

// What one call number leads to: its rules in order, then the default.
Program leaf(const std::vector<const SeccompRule*>& rules, SeccompAction otherwise) {
  Program program{statement(kReturn, otherwise)};
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    Program matched{statement(kReturn, (*rule)->action)};
    for (auto condition = (*rule)->conditions.rbegin(); condition != (*rule)->conditions.rend(); ++condition)
      matched = test(*condition, program, matched);
    program = std::move(matched);
  }
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
  const Program compat = architecture(policy.i386, policy);
  const Program foreign{statement(kReturn, SECCOMP_RET_KILL_PROCESS)};
  const Program not_native = branch(kJumpEqual, AUDIT_ARCH_I386, foreign, compat);
  Program program = load_then(offsetof(seccomp_data, arch), branch(kJumpEqual, AUDIT_ARCH_X86_64, not_native, native));
  if (program.size() > kMaxInstructions)
    return Error(ErrorKind::kInvalid, "seccomp policy: " + std::to_string(program.size()) +
                                          " instructions, the kernel takes " + std::to_string(kMaxInstructions));
  return program;
}

}  // namespace cella::runtime
