#include "cgroups/device_program.h"

#include <cstddef>

#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

// Registers: r1 is the context, r0 the answer (1 allow, 0 refuse), r2–r5 hold the request.
constexpr std::uint8_t kAnswer = BPF_REG_0;
constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kType = BPF_REG_2;
constexpr std::uint8_t kAccess = BPF_REG_3;
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;

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

// A test of one rule: where it holds, the rule does not match.
struct Test {
  int operation;  // BPF_JNE or BPF_JSET
  std::uint8_t target;
  std::uint32_t value;
};

// The tests of a rule, then "allow": each test that fails jumps over what is left.
void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  std::vector<Test> tests;
  if (rule.type != DeviceType::kAny)
    tests.push_back({BPF_JNE, kType, rule.type == DeviceType::kBlock ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR});
  if (rule.major) tests.push_back({BPF_JNE, kMajor, *rule.major});
  if (rule.minor) tests.push_back({BPF_JNE, kMinor, *rule.minor});
  const std::uint32_t refused = (kMake | kRead | kWrite) & ~access_bits(rule.access);
  if (refused != 0) tests.push_back({BPF_JSET, kAccess, refused});
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const std::size_t skip = tests.size() - i - 1 + 2;
    program.push_back(instruction(BPF_JMP32 | tests[i].operation | BPF_K, tests[i].target, 0, skip, tests[i].value));
  }
  program.push_back(set(kAnswer, 1));
  program.push_back(leave());
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
  // access_type holds the access in its upper half and the type in its lower.
  std::vector<bpf_insn> program = {
      load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
      instruction(BPF_ALU | BPF_MOV | BPF_X, kAccess, kType, 0, 0),
      instruction(BPF_ALU | BPF_AND | BPF_K, kType, 0, 0, 0xffff),
      instruction(BPF_ALU | BPF_RSH | BPF_K, kAccess, 0, 0, 16),
      load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
      load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (const DeviceRule& rule : rules) append_rule(program, rule);
  program.push_back(set(kAnswer, 0));
  program.push_back(leave());
  return program;
}

}  // namespace cella::cgroups
