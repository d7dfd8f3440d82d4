#include "tests/support/bpf_interpreter.h"

#include <linux/bpf_common.h>

#include <cstring>

namespace cella::test {
namespace {

bool load(const seccomp_data& data, std::uint32_t offset, std::uint32_t& word) {
  if (offset % 4 != 0 || offset + 4 > sizeof data) return false;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return true;
}

std::optional<bool> compare(std::uint16_t code, std::uint32_t word, std::uint32_t value) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return word == value;
    case BPF_JGT:
      return word > value;
    case BPF_JGE:
      return word >= value;
    case BPF_JSET:
      return (word & value) != 0;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint32_t> run_seccomp(const std::vector<sock_filter>& program, const seccomp_data& data,
                                         unsigned* steps) {
  std::uint32_t word = 0;
  std::size_t at = 0;
  for (unsigned count = 1; at < program.size(); ++count) {
    if (steps != nullptr) *steps = count;
    const sock_filter& next = program[at++];
    if (next.code == (BPF_RET | BPF_K)) return next.k;
    if (next.code == (BPF_LD | BPF_W | BPF_ABS)) {
      if (!load(data, next.k, word)) return std::nullopt;
    } else if (next.code == (BPF_ALU | BPF_AND | BPF_K)) {
      word &= next.k;
    } else if (next.code == (BPF_JMP | BPF_JA)) {
      at += next.k;
    } else if (BPF_CLASS(next.code) == BPF_JMP && BPF_SRC(next.code) == BPF_K) {
      const auto holds = compare(next.code, word, next.k);
      if (!holds) return std::nullopt;
      at += *holds ? next.jt : next.jf;
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace cella::test
