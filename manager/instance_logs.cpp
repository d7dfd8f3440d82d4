#include "manager/instance_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/files.h"
#include "manager/names.h"

namespace cella::manager {
namespace {

constexpr std::size_t kLongestConsole = 4u << 20;

// "20261123110412.347", as LXC's log has it.
std::string log_time(Timestamp time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::string out(text, std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts));
  const auto within = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::snprintf(text, sizeof text, ".%03d", static_cast<int>(within));
  return out + text;
}

std::string line(const std::string& instance, Timestamp time, const char* level, const std::string& text) {
  return "lxc " + instance + " " + log_time(time) + " " + level + " " + text + "\n";
}

std::string launch_text(const std::string& instance, const LaunchTrace& trace, const Result<void>& outcome) {
  std::string text;
  auto at = trace.started_at;
  for (const auto& step : trace.steps) {
    // The parts of one step, told after it.
    const bool part = step.name.find(": ") != std::string::npos;
    if (!part) at += std::chrono::duration_cast<Timestamp::duration>(std::chrono::nanoseconds(step.nanoseconds));
    char took[48];
    std::snprintf(took, sizeof took, " (%.3f ms)", static_cast<double>(step.nanoseconds) / 1e6);
    text += line(instance, at, "INFO ", step.name + took);
  }
  const auto now = std::chrono::system_clock::now();
  if (outcome.ok()) return text + line(instance, now, "INFO ", "started");
  return text + line(instance, now, "ERROR", "start failed: " + outcome.error().message());
}

Result<void> write_all(const Fd& file, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(errno, "write " + path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return kOk;
}

}  // namespace

Result<DirFd> InstanceLogs::open(const std::string& instance) const { return open_dir(directory_ + "/" + instance); }

Result<DirFd> InstanceLogs::open_or_make(const std::string& instance) const {
  TRY(make_dirs(directory_ + "/" + instance, 0700));
  return open(instance);
}

Result<void> InstanceLogs::write(const std::string& instance, const char* file, const std::string& text) const {
  const DirFd directory = TRY(open_or_make(instance));
  const Fd opened = TRY(open_at(directory, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  return write_all(opened, text, directory_ + "/" + instance + "/" + file);
}

Result<void> InstanceLogs::write_launch(const std::string& instance, const LaunchTrace& trace,
                                        const Result<void>& outcome) const {
  return write(instance, kLaunch, launch_text(short_name(instance), trace, outcome));
}

Result<void> InstanceLogs::write_console(const std::string& instance, const std::string& text) const {
  return write(instance, kConsole, text);
}

Result<std::string> InstanceLogs::console(const std::string& instance) const {
  const auto read = [&]() -> Result<std::string> {
    const DirFd directory = TRY(open(instance));
    const Fd file = TRY(open_at(directory, kConsole, O_RDONLY | O_NOFOLLOW));
    return read_to_end(file, kLongestConsole);
  };
  auto text = read();
  if (!text.ok() && text.error().kind() == ErrorKind::kNotFound) return std::string();
  return text;
}

Result<void> InstanceLogs::clear_console(const std::string& instance) const {
  const auto directory = open(instance);
  if (!directory.ok()) return kOk;
  if (::unlinkat(directory->get(), kConsole, 0) != 0 && errno != ENOENT) {
    return errno_error(errno, "unlink " + directory_ + "/" + instance + "/" + kConsole);
  }
  return kOk;
}

Result<void> InstanceLogs::rename(const std::string& from, const std::string& to) const {
  TRY(remove(to));
  const auto old = directory_ + "/" + from;
  if (::rename(old.c_str(), (directory_ + "/" + to).c_str()) != 0 && errno != ENOENT) {
    return errno_error(errno, "rename " + old);
  }
  return kOk;
}

Result<void> InstanceLogs::remove(const std::string& instance) const {
  const auto parent = open_dir(directory_);
  if (!parent.ok()) return parent.error().kind() == ErrorKind::kNotFound ? Result<void>(kOk) : parent.error();
  auto removed = remove_tree_at(*parent, instance);
  if (!removed.ok() && removed.error().kind() == ErrorKind::kNotFound) return kOk;
  return removed;
}

}  // namespace cella::manager
