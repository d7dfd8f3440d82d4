#include "manager/dnsmasq.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/spawn.h"
#include "base/syscalls.h"
#include "base/units.h"

namespace cella::manager {
namespace {

constexpr int kStopTimeoutMs = 3000;

DnsmasqUser unprivileged_user() {
  DnsmasqUser user;
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(user.user.c_str(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return user;
  char group_buffer[4096];
  group group_entry{};
  group* group_found = nullptr;
  if (::getgrgid_r(found->pw_gid, &group_entry, group_buffer, sizeof group_buffer, &group_found) == 0 && group_found) {
    user.group = group_found->gr_name;
  }
  return user;
}

bool exited(const PidFd& process) {
  pollfd polled{process.get(), POLLIN, 0};
  return ::poll(&polled, 1, 0) > 0;
}

// The rules of dnsmasq directories and hosts files leave these characters alone.
bool is_key(const std::string& key) {
  return !key.empty() && key.front() != '.' && key.front() != '#' && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// dnsmasq reads the hosts' files again after it has become that user.
Result<void> check_searchable(const std::string& directory) {
  for (std::size_t slash = 1; slash != std::string::npos && slash < directory.size();) {
    slash = directory.find('/', slash + 1);
    const std::string parent = directory.substr(0, slash);
    struct stat status{};
    if (::stat(parent.c_str(), &status) != 0) return errno_error(errno, "stat " + parent);
    if ((status.st_mode & S_IXOTH) != 0) continue;
    return Error(ErrorKind::kUnsupported, "dnsmasq cannot read below " + parent + " as an unprivileged user; chmod o+x it");
  }
  return kOk;
}

enum class Changed { kNo, kCreated, kReplaced };

// Writes a file in place unless it has this text already: dnsmasq's inotify reads it once, when it is closed.
Result<Changed> write_if_changed(const std::string& path, const std::string& text) {
  const auto before = read_file(path);
  if (before.ok() && *before == text) return Changed::kNo;
  const Fd fd = TRY(open_path(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  TRY_CONTEXT(path, write_all(fd, text));
  return before.ok() ? Changed::kReplaced : Changed::kCreated;
}

}  // namespace

Result<void> Dnsmasq::make_directories() {
  for (const std::string& path : {paths_.directory, paths_.hosts(), paths_.names()}) {
    TRY(make_dirs(path, 0755));
    // dnsmasq reads them again as an unprivileged user, whatever this process's umask is.
    if (::chmod(path.c_str(), 0755) != 0) return errno_error(errno, "chmod " + path);
  }
  return kOk;
}

// The pid file alone proves nothing: the number may have been given to another process since. The command line with our
// configuration file does, and it is read through the pidfd's process: if that ends in between, the pidfd says so.
bool Dnsmasq::find_process() {
  if (process_ && !exited(process_)) return true;
  process_.reset();
  const auto text = read_file(paths_.pid());
  if (!text.ok()) return false;
  const auto pid = parse_unsigned("pid", text->substr(0, text->find('\n')));
  if (!pid.ok() || *pid == 0 || *pid > 1u << 30) return false;
  PidFd candidate(sys_pidfd_open(static_cast<pid_t>(*pid), 0));
  if (!candidate) return false;
  const auto command = read_file("/proc/" + std::to_string(*pid) + "/cmdline");
  if (!command.ok() || exited(candidate)) return false;
  const std::string argument = "--conf-file=" + paths_.config();
  if (command->find(argument + std::string(1, '\0')) == std::string::npos) return false;
  process_ = std::move(candidate);
  return true;
}

bool Dnsmasq::running() { return find_process(); }

Result<Fd> Dnsmasq::process() {
  if (!find_process()) return Error(ErrorKind::kNotFound, "dnsmasq of " + paths_.directory + " does not run");
  return process_.duplicate();
}

Result<void> Dnsmasq::check_config(const std::string& text) {
  const std::string path = paths_.directory + "/dnsmasq.conf.new";
  TRY(write_if_changed(path, text));
  const auto tested = run_program({.path = "dnsmasq", .arguments = {"--test", "--conf-file=" + path}});
  (void)::unlink(path.c_str());
  if (!tested.ok()) return tested.error();
  if (tested->wait_status == 0) return kOk;
  std::string words = tested->errors.substr(0, tested->errors.find_last_not_of('\n') + 1);
  // "dnsmasq: bad option at line 31 of /…/dnsmasq.conf.new": the path says nothing to the user.
  if (const auto at = words.find(" of /"); at != std::string::npos) words.resize(at);
  return Error(ErrorKind::kInvalid, "dnsmasq refuses the configuration (see raw.dnsmasq): " + words);
}

Result<void> Dnsmasq::start(const std::string& bridge, const BridgeSettings& settings) {
  TRY(make_directories());
  TRY(check_searchable(paths_.directory));
  const std::string text = dnsmasq_config(bridge, settings, paths_, unprivileged_user());
  const auto before = read_file(paths_.config());
  if (before.ok() && *before == text && find_process()) return kOk;
  TRY(check_config(text));
  TRY(stop());
  TRY(write_if_changed(paths_.config(), text));
  TRY(launch());
  if (!find_process()) return Error(ErrorKind::kIo, "dnsmasq for " + bridge + " ended right after its start");
  return kOk;
}

// dnsmasq goes to the background by itself, and its first process ends only once every port is bound.
Result<void> Dnsmasq::launch() {
  Program program{.path = "dnsmasq", .arguments = {"--conf-file=" + paths_.config()}};
  if (host_mounts_ >= 0) {
    program.path = "nsenter";
    program.arguments = {"--mount=/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(host_mounts_), "--",
                         "dnsmasq", "--conf-file=" + paths_.config()};
  }
  TRY(run_checked(program));
  return kOk;
}

Result<void> Dnsmasq::stop() {
  if (find_process()) {
    for (const int signal : {SIGTERM, SIGKILL}) {
      if (sys_pidfd_send_signal(process_.get(), signal, nullptr, 0) != 0) break;
      pollfd polled{process_.get(), POLLIN, 0};
      if (::poll(&polled, 1, kStopTimeoutMs) > 0) break;
    }
    if (!exited(process_)) return Error(ErrorKind::kIo, "dnsmasq of " + paths_.directory + " does not end");
    process_.reset();
  }
  (void)::unlink(paths_.pid().c_str());
  return kOk;
}

void Dnsmasq::reread() {
  if (find_process()) (void)sys_pidfd_send_signal(process_.get(), SIGHUP, nullptr, 0);
}

Result<void> Dnsmasq::put_host(const std::string& key, const DnsmasqHost& host, const BridgeSettings& settings) {
  if (!is_key(key) || !is_key(host.name)) return invalid_value("instance", host.name, "cannot be a host name");
  TRY(make_directories());
  const auto reserved = TRY(write_if_changed(paths_.hosts() + "/" + key, reservation_line(host, settings)));
  const auto named = TRY(write_if_changed(paths_.names() + "/" + key, name_lines(host, settings)));
  // New files are read by themselves; of a changed one the old reservation would stay.
  if (reserved == Changed::kReplaced || named == Changed::kReplaced) reread();
  return kOk;
}

Result<void> Dnsmasq::remove_host(const std::string& key) {
  if (!is_key(key)) return kOk;
  bool removed = false;
  for (const std::string& directory : {paths_.hosts(), paths_.names()}) {
    const std::string path = directory + "/" + key;
    if (::unlink(path.c_str()) == 0) {
      removed = true;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      return errno_error(errno, "remove " + path);
    }
  }
  if (removed) reread();
  return kOk;
}

Result<void> Dnsmasq::retain_hosts(const std::vector<std::string>& keys) {
  bool removed = false;
  for (const std::string& directory : {paths_.hosts(), paths_.names()}) {
    const auto opened = open_dir(directory);
    if (!opened.ok()) continue;  // nothing was ever written
    for (const std::string& name : TRY(list_names(*opened))) {
      if (std::find(keys.begin(), keys.end(), name) != keys.end()) continue;
      if (::unlinkat(opened->get(), name.c_str(), 0) == 0) removed = true;
    }
  }
  if (removed) reread();
  return kOk;
}

}  // namespace cella::manager
