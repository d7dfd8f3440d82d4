#include "cgroups/device_program.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

// Registers: r1 is the context, r0 the answer (1 allow, 0 refuse), r2–r5 hold the request. The number is major and minor
// in one word, so that a rule for one device is one comparison: the verifier's time grows with the branches.
constexpr std::uint8_t kAnswer = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kType = BPF_REG_2;
constexpr std::uint8_t kAccess = BPF_REG_3;
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kNumber = BPF_REG_5;
constexpr std::uint32_t kMinorBits = 20;  // the kernel's device numbers: 12 bits of major, 20 of minor

bpf_insn instruction(int code, std::uint8_t target, std::uint8_t source, std::size_t offset, std::uint32_t immediate) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = target & 0xf;
  made.src_reg = source & 0xf;
  made.off = static_cast<std::int16_t>(offset);
  made.imm = static_cast<std::int32_t>(immediate);
  return made;
}

bpf_insn load(std::uint8_t target, std::size_t field) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, target, kContext, field, 0);
}
bpf_insn set(std::uint8_t target, std::uint32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, target, 0, 0, value);
}
bpf_insn leave() { return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

constexpr std::uint32_t kMake = BPF_DEVCG_ACC_MKNOD;
constexpr std::uint32_t kRead = BPF_DEVCG_ACC_READ;
constexpr std::uint32_t kWrite = BPF_DEVCG_ACC_WRITE;

std::uint32_t access_bits(DeviceAccess access) {
  return (access.make_node ? kMake : 0) | (access.read ? kRead : 0) | (access.write ? kWrite : 0);
}

bpf_insn jump_if(int operation, std::uint8_t target, std::uint32_t value) {
  return instruction(BPF_JMP32 | operation | BPF_K, target, 0, 0, value);
}
bpf_insn compute(int operation, std::uint8_t target, std::uint32_t value) {
  return instruction(BPF_ALU | operation | BPF_K, target, 0, 0, value);
}
bpf_insn combine(int operation, std::uint8_t target, std::uint8_t source) {
  return instruction(BPF_ALU | operation | BPF_X, target, source, 0, 0);
}

// Collects instructions with jumps whose targets come later.
class Assembler {
 public:
  void add(bpf_insn insn) { program_.push_back(insn); }
  // Jumps to the "allow" at the end.
  void allow_if(bpf_insn jump) {
    to_allow_.push_back(program_.size());
    add(jump);
  }
  // Jumps behind the group; returns what end_group() needs.
  std::size_t leave_group_if(bpf_insn jump) {
    add(jump);
    return program_.size() - 1;
  }
  void end_group(const std::vector<std::size_t>& jumps) {
    for (const std::size_t jump : jumps) aim(jump, program_.size());
  }
  std::vector<bpf_insn> finish() {
    add(set(kAnswer, 0));
    add(leave());
    // The kernel refuses a program with instructions that nothing leads to.
    if (to_allow_.empty()) return std::move(program_);
    for (const std::size_t jump : to_allow_) aim(jump, program_.size());
    add(set(kAnswer, 1));
    add(leave());
    return std::move(program_);
  }

 private:
  void aim(std::size_t jump, std::size_t target) { program_[jump].off = static_cast<std::int16_t>(target - jump - 1); }
  std::vector<bpf_insn> program_;
  std::vector<std::size_t> to_allow_;
};

void add_rule(Assembler& program, const DeviceRule& rule) {
  if (rule.major && rule.minor) return program.allow_if(jump_if(BPF_JEQ, kNumber, *rule.major << kMinorBits | *rule.minor));
  if (rule.major) return program.allow_if(jump_if(BPF_JEQ, kMajor, *rule.major));
  // Always true, and yet a branch: behind an unconditional jump nothing may stand.
  if (!rule.minor) return program.allow_if(jump_if(BPF_JGE, kNumber, 0));
  // Any major with one minor, which no usual rule asks for: the answer register is free until the end.
  program.add(combine(BPF_MOV, kAnswer, kNumber));
  program.add(compute(BPF_AND, kAnswer, (1u << kMinorBits) - 1));
  program.allow_if(jump_if(BPF_JEQ, kAnswer, *rule.minor));
}

// Rules of one type and access share the tests for them.
void add_group(Assembler& program, DeviceType type, DeviceAccess access, const std::vector<DeviceRule>& rules) {
  std::vector<std::size_t> out;
  if (type != DeviceType::kAny) {
    const std::uint32_t wanted = type == DeviceType::kBlock ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    out.push_back(program.leave_group_if(jump_if(BPF_JNE, kType, wanted)));
  }
  const std::uint32_t refused = (kMake | kRead | kWrite) & ~access_bits(access);
  if (refused != 0) out.push_back(program.leave_group_if(jump_if(BPF_JSET, kAccess, refused)));
  for (const DeviceRule& rule : rules)
    if (rule.type == type && rule.access == access) add_rule(program, rule);
  program.end_group(out);
}

std::optional<DeviceType> find_type(std::string_view text) {
  if (text == "a") return DeviceType::kAny;
  if (text == "b") return DeviceType::kBlock;
  if (text == "c") return DeviceType::kChar;
  return std::nullopt;
}

// "*" or a number; nullopt when it is neither.
std::optional<std::optional<std::uint32_t>> find_device_number(std::string_view text, std::uint64_t highest) {
  if (text == "*") return std::optional<std::uint32_t>();
  const auto number = find_number(text);
  if (!number || *number > highest) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<DeviceAccess> find_access(std::string_view text) {
  DeviceAccess access;
  for (const char letter : text) {
    if (letter == 'm') access.make_node = true;
    else if (letter == 'r') access.read = true;
    else if (letter == 'w') access.write = true;
    else return std::nullopt;
  }
  return access;
}

}  // namespace

Result<DeviceRule> parse_device_rule(std::string_view key, std::string_view text) {
  const Error bad = invalid_value(key, text, "not a device rule such as \"c 1:3 rwm\"");
  const auto words = split_words(text);
  if (words.size() != 3) return bad;
  const std::size_t colon = words[1].find(':');
  if (colon == std::string_view::npos) return bad;
  const auto type = find_type(words[0]);
  // The kernel's device numbers: 12 bits of major, 20 of minor.
  const auto major = find_device_number(words[1].substr(0, colon), 0xfff);
  const auto minor = find_device_number(words[1].substr(colon + 1), 0xfffff);
  const auto access = find_access(words[2]);
  if (!type || !major || !minor || !access) return bad;
  return DeviceRule{*type, *major, *minor, *access};
}

std::vector<DeviceRule> default_device_rules() {
  const auto character = [](std::uint32_t major, std::optional<std::uint32_t> minor) {
    return DeviceRule{DeviceType::kChar, major, minor, kFullAccess};
  };
  return {
      character(1, 3),             // null
      character(136, {}),          // pts
      character(5, 0),             // tty
      character(5, 2),             // ptmx
      character(1, 9),             // urandom
      character(1, 8),             // random
      character(1, 5),             // zero
      character(1, 7),             // full
      character(5, 1),             // console
      character(10, 229),          // fuse
      character(10, 200),          // net/tun
      {DeviceType::kChar, {}, {}, kMakeNode},
      {DeviceType::kBlock, {}, {}, kMakeNode},
  };
}

std::vector<bpf_insn> compile_device_program(const std::vector<DeviceRule>& rules) {
  Assembler program;
  // access_type holds the access in its upper half and the type in its lower.
  program.add(load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)));
  program.add(combine(BPF_MOV, kAccess, kType));
  program.add(compute(BPF_AND, kType, 0xffff));
  program.add(compute(BPF_RSH, kAccess, 16));
  program.add(load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)));
  program.add(load(kNumber, offsetof(bpf_cgroup_dev_ctx, minor)));
  program.add(combine(BPF_MOV, kAnswer, kMajor));
  program.add(compute(BPF_LSH, kAnswer, kMinorBits));
  program.add(combine(BPF_OR, kNumber, kAnswer));
  std::vector<std::pair<DeviceType, DeviceAccess>> groups;
  for (const DeviceRule& rule : rules) {
    const std::pair group(rule.type, rule.access);
    if (std::find(groups.begin(), groups.end(), group) != groups.end()) continue;
    groups.push_back(group);
    add_group(program, rule.type, rule.access, rules);
  }
  return program.finish();
}

}  // namespace cella::cgroups
