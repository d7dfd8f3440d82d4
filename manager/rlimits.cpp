#include "manager/rlimits.h"

#include <array>
#include <optional>
#include <sys/resource.h>

#include "base/units.h"

namespace cella::manager {
namespace {

struct NamedLimit {
  std::string_view name;
  int resource;
};

// The names LXC uses (lxc.prlimit.NAME), prlimit(2).
constexpr std::array<NamedLimit, 16> kLimits{{
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
}};

Result<std::uint64_t> parse_one(std::string_view key, std::string_view text) {
  if (text == "unlimited") return std::uint64_t{RLIM_INFINITY};
  return parse_unsigned(key, text);
}

}  // namespace

Result<runtime::ResourceLimit> parse_rlimit(std::string_view key, std::string_view value) {
  const std::string_view name = key.substr(std::string_view("limits.kernel.").size());
  std::optional<int> resource;
  for (const NamedLimit& limit : kLimits) {
    if (limit.name == name) resource = limit.resource;
  }
  if (!resource) return Error(ErrorKind::kInvalid, "unknown configuration key: " + std::string(key));
  const auto colon = value.find(':');
  runtime::ResourceLimit parsed;
  parsed.resource = static_cast<std::uint32_t>(*resource);
  parsed.soft = TRY(parse_one(key, value.substr(0, colon)));
  parsed.hard = colon == std::string_view::npos ? parsed.soft : TRY(parse_one(key, value.substr(colon + 1)));
  if (parsed.soft > parsed.hard) return invalid_value(key, value, "has a soft limit over its hard limit");
  return parsed;
}

}  // namespace cella::manager
