#include "runtime/run_options.h"

#include <array>
#include <cctype>

namespace cella::runtime {
namespace {

// The map of a container that asked for none: the first range of the daemon's allocator.
constexpr std::uint32_t kDefaultOutside = 1000000;
constexpr std::uint64_t kCpuPeriodUs = 100000;

using Setter = Result<void> (*)(RunOptions& options, std::string_view key, const std::string& value);

struct Option {
  std::string_view name;
  bool takes_value;
  Setter set;
};

bool is_hostname_letter(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-'; }

Result<void> set_rootfs(RunOptions& options, std::string_view key, const std::string& value) {
  if (value.empty()) return invalid_value(key, value, "empty path");
  options.rootfs = value;
  return kOk;
}

Result<void> set_root(RunOptions& options, std::string_view key, RunRoot root) {
  if (options.root != RunRoot::kWritable && options.root != root)
    return Error(ErrorKind::kInvalid, std::string(key) + ": --read-only and --overlay exclude each other");
  options.root = root;
  return kOk;
}

Result<void> set_read_only(RunOptions& options, std::string_view key, const std::string&) {
  return set_root(options, key, RunRoot::kReadOnly);
}

Result<void> set_overlay(RunOptions& options, std::string_view key, const std::string&) {
  return set_root(options, key, RunRoot::kOverlay);
}

Result<void> set_id_map(RunOptions& options, std::string_view key, const std::string& value) {
  options.id_map = TRY(IdMap::parse(key, value));
  const bool has_root = options.id_map.user_to_host(ContainerId{0}) && options.id_map.group_to_host(ContainerId{0});
  if (!has_root) return invalid_value(key, value, "container id 0 must be mapped");
  if (options.id_map.user_to_host(ContainerId{0})->value == 0)
    return invalid_value(key, value, "the host's root must not be container root");
  return kOk;
}

Result<void> set_hostname(RunOptions& options, std::string_view key, const std::string& value) {
  const bool sized = !value.empty() && value.size() <= 63;
  if (!sized || value.front() == '-' || value.back() == '-') return invalid_value(key, value, "not a host name");
  for (const char letter : value)
    if (!is_hostname_letter(letter) && letter != '.') return invalid_value(key, value, "not a host name");
  options.hostname = value;
  return kOk;
}

Result<void> add_environment(RunOptions& options, std::string_view key, const std::string& value) {
  const std::size_t equals = value.find('=');
  if (equals == std::string::npos || equals == 0) return invalid_value(key, value, "not KEY=VALUE");
  options.environment.push_back(value);
  return kOk;
}

Result<void> set_memory(RunOptions& options, std::string_view key, const std::string& value) {
  options.limits.memory = TRY(parse_size(key, value));
  if (options.limits.memory->value == 0) return invalid_value(key, value, "must be more than 0");
  return kOk;
}

// "1.5": up to three digits after the point.
Result<void> set_cpus(RunOptions& options, std::string_view key, const std::string& value) {
  const std::size_t point = value.find('.');
  std::string fraction = point == std::string::npos ? "" : value.substr(point + 1);
  if (point != std::string::npos && (fraction.empty() || fraction.size() > 3))
    return invalid_value(key, value, "not a number of CPUs such as 2 or 1.5");
  fraction.resize(3, '0');
  const std::uint64_t whole = TRY(parse_unsigned(key, value.substr(0, point)));
  const std::uint64_t thousandths = TRY(parse_unsigned(key, fraction));
  if (whole > 8192) return invalid_value(key, value, "at most 8192");
  options.limits.cpu_quota_us = whole * kCpuPeriodUs + thousandths * (kCpuPeriodUs / 1000);
  if (*options.limits.cpu_quota_us < 1000) return invalid_value(key, value, "at least 0.01");
  return kOk;
}

Result<void> set_pids(RunOptions& options, std::string_view key, const std::string& value) {
  options.limits.pids = TRY(parse_unsigned(key, value));
  if (*options.limits.pids == 0) return invalid_value(key, value, "must be more than 0");
  return kOk;
}

Result<void> set_network(RunOptions& options, std::string_view key, const std::string& value) {
  if (value != "none" && value != "host") return invalid_value(key, value, "must be none or host");
  options.network = value == "host" ? RunNetwork::kHost : RunNetwork::kNone;
  return kOk;
}

Result<void> add_capability(RunOptions& options, std::string_view key, const std::string& value) {
  options.dropped_capabilities &= ~TRY(parse_capability(key, value));
  return kOk;
}

Result<void> drop_capability(RunOptions& options, std::string_view key, const std::string& value) {
  options.dropped_capabilities |= TRY(parse_capability(key, value));
  return kOk;
}

Result<void> set_seccomp(RunOptions& options, std::string_view key, const std::string& value) {
  if (value.empty()) return invalid_value(key, value, "must be default, none or a file");
  options.seccomp = value;
  return kOk;
}

Result<void> set_devices(RunOptions& options, std::string_view key, const std::string& value) {
  if (value != "default" && value != "any") return invalid_value(key, value, "must be default or any");
  options.filters_devices = value == "default";
  return kOk;
}

// SRC:DST[:ro]
Result<void> add_bind(RunOptions& options, std::string_view key, const std::string& value) {
  RunBind bind;
  const std::size_t first = value.find(':');
  if (first == std::string::npos || first == 0) return invalid_value(key, value, "not SRC:DST[:ro]");
  bind.source = value.substr(0, first);
  const std::size_t second = value.find(':', first + 1);
  bind.target = value.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  const std::string mode = second == std::string::npos ? "rw" : value.substr(second + 1);
  if (mode != "ro" && mode != "rw") return invalid_value(key, value, "the mode must be ro or rw");
  if (bind.target.size() < 2 || bind.target[0] != '/') return invalid_value(key, value, "DST must be an absolute path");
  if ((bind.target + "/").find("/../") != std::string::npos)
    return invalid_value(key, value, "DST must not contain ..");
  bind.read_only = mode == "ro";
  options.binds.push_back(std::move(bind));
  return kOk;
}

Result<void> set_terminal(RunOptions& options, std::string_view, const std::string&) {
  options.wants_terminal = true;
  return kOk;
}

constexpr std::array kOptions = {
    Option{"--rootfs", true, set_rootfs},      Option{"--read-only", false, set_read_only},
    Option{"--overlay", false, set_overlay},   Option{"--uid-map", true, set_id_map},
    Option{"--hostname", true, set_hostname},  Option{"--env", true, add_environment},
    Option{"--memory", true, set_memory},      Option{"--cpus", true, set_cpus},
    Option{"--pids", true, set_pids},          Option{"--net", true, set_network},
    Option{"--cap-add", true, add_capability}, Option{"--cap-drop", true, drop_capability},
    Option{"--seccomp", true, set_seccomp},    Option{"--bind", true, add_bind},
    Option{"--devices", true, set_devices},    Option{"--tty", false, set_terminal},
};

const Option* find_option(std::string_view name) {
  for (const Option& option : kOptions)
    if (option.name == name) return &option;
  return nullptr;
}

// Takes one option with its value, which follows "=" or is the next argument. Advances `next`.
Result<void> take_option(RunOptions& options, std::span<const std::string> arguments, std::size_t& next) {
  const std::string& argument = arguments[next++];
  const std::size_t equals = argument.find('=');
  const std::string name = argument.substr(0, equals);
  const Option* option = find_option(name);
  if (option == nullptr) return Error(ErrorKind::kInvalid, "unknown option " + name);
  if (!option->takes_value) {
    if (equals != std::string::npos) return Error(ErrorKind::kInvalid, name + " takes no value");
    return option->set(options, name, {});
  }
  if (equals != std::string::npos) return option->set(options, name, argument.substr(equals + 1));
  if (next == arguments.size()) return Error(ErrorKind::kInvalid, name + " needs a value");
  return option->set(options, name, arguments[next++]);
}

Result<void> check_complete(const RunOptions& options) {
  if (options.rootfs.empty()) return Error(ErrorKind::kInvalid, "--rootfs is missing");
  if (options.command.empty() || options.command[0].empty())
    return Error(ErrorKind::kInvalid, "no command given; put it after the options or after \"--\"");
  return kOk;
}

}  // namespace

Result<std::variant<RunOptions, RunHelp>> parse_run_options(std::span<const std::string> arguments) {
  RunOptions options{.id_map = TRY(IdMap::isolated(kDefaultOutside)),
                     .dropped_capabilities = default_dropped_capabilities()};
  std::size_t next = 0;
  while (next < arguments.size() && arguments[next].starts_with("-") && arguments[next] != "--") {
    if (arguments[next] == "--help" || arguments[next] == "-h") return std::variant<RunOptions, RunHelp>(RunHelp{});
    TRY(take_option(options, arguments, next));
  }
  if (next < arguments.size() && arguments[next] == "--") ++next;
  options.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end());
  TRY(check_complete(options));
  return std::variant<RunOptions, RunHelp>(std::move(options));
}

std::string run_help() {
  return R"(Usage: cella-runtime run --rootfs DIR [OPTION]... [--] COMMAND [ARGUMENT]...

Runs COMMAND as the first process of a container whose root is DIR, and waits for it. No daemon is needed. Must be
started by root; inside, root is an unprivileged id of the host.

  --rootfs DIR          root file system, ids on disk as the container sees them (0 is its root); nothing is chowned
  --read-only           mount it read-only
  --overlay             keep every change in memory and throw it away at the end
  --uid-map MAP         INSIDE:OUTSIDE:COUNT[,...] for users and groups (default 0:1000000:65536)
  --hostname NAME       host name inside (default cella)
  --env KEY=VALUE       add to the environment (PATH, HOME, container=lxc and, with --tty, TERM are set)
  --memory SIZE         at most this much memory, for example 512MiB
  --cpus N              at most this much CPU time, in CPUs, for example 1.5
  --pids N              at most this many processes and threads
  --net none|host       a network of its own with only lo (default), or the host's
  --cap-add NAME        keep a capability that is dropped by default
  --cap-drop NAME|all   drop a capability
                        (default: sys_module sys_rawio sys_time mac_admin mac_override are dropped)
  --seccomp default|none|FILE
                        system call filter; FILE is written as LXC's policies are
  --devices default|any by default a BPF program on the cgroup lets only null, zero, full, random, urandom, tty,
                        console, ptmx, pts, fuse and net/tun be opened; "any" leaves it out, for hosts that forbid BPF
  --bind SRC:DST[:ro]   show the host's file or directory SRC at DST; owners are not shifted
  --tty                 give the command a terminal of its own, connected to this one
  --help                this text

Exit status: that of COMMAND; 128+N if signal N ended it; 0 if the container powered itself off, 129 if it asked for
a restart; 127 if COMMAND was not found, 126 if it could not be executed, 125 if anything else failed. Signals are
passed on to COMMAND; one that it neither handles nor ignores ends the container, as it would a process outside one.
)";
}

}  // namespace cella::runtime
