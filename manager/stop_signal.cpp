#include "manager/stop_signal.h"

#include <charconv>
#include <csignal>

#include "base/files.h"

namespace cella::manager {
namespace {

// The kernel's number: glibc keeps 32 and 33 to itself, so its SIGRTMIN is 34.
constexpr int kSystemdPowerOff = 34 + 3;

// One line: "SigBlk:	7fe3c0fe28014a03"
Result<std::uint64_t> mask_line(std::string_view status, std::string_view name) {
  const auto at = status.find(name);
  const Error missing(ErrorKind::kInvalid, "process status has no " + std::string(name));
  if (at == std::string_view::npos) return missing;
  auto text = status.substr(at + name.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t mask = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), mask, 16);
  if (parsed.ec != std::errc()) return missing;
  return mask;
}

}  // namespace

Result<SignalMasks> parse_signal_masks(std::string_view status) {
  SignalMasks masks;
  masks.blocked = TRY(mask_line(status, "SigBlk:"));
  masks.caught = TRY(mask_line(status, "SigCgt:"));
  return masks;
}

std::optional<int> choose_stop_signal(const SignalMasks& masks) {
  const auto handles = [&](int signal) {
    return (((masks.blocked | masks.caught) >> (signal - 1)) & 1) != 0;
  };
  for (const int signal : {kSystemdPowerOff, SIGPWR, SIGTERM}) {
    if (handles(signal)) return signal;
  }
  return std::nullopt;
}

Result<SignalMasks> read_signal_masks(int pid) {
  return parse_signal_masks(TRY(read_file("/proc/" + std::to_string(pid) + "/status")));
}

}  // namespace cella::manager
