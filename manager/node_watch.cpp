#include "manager/node_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <set>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cella::manager {
namespace {

constexpr std::uint32_t kEvents =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int kOverflow = -1;  // the number in IN_Q_OVERFLOW events

}  // namespace

std::string nearest_directory(const std::string& path) {
  std::string directory = path;
  for (;;) {
    const auto slash = directory.rfind('/');
    if (slash == std::string::npos || slash == 0) return "/";
    directory.resize(slash);
    struct stat found {};
    if (::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return directory;
  }
}

NodeWatch::~NodeWatch() { end(); }

void NodeWatch::end() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    cancel_.write_end.reset();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

Result<void> NodeWatch::set(std::int64_t instance, std::vector<std::string> paths) {
  const std::lock_guard lock(mutex_);
  if (paths.empty() && wanted_.erase(instance) == 0) return kOk;
  if (!paths.empty()) wanted_[instance] = std::move(paths);
  if (ended_) return kOk;
  TRY(start());
  TRY(renew());
  // What came while nobody looked.
  if (wanted_.contains(instance)) changed_(instance);
  return kOk;
}

Result<void> NodeWatch::start() {
  if (inotify_.valid()) return kOk;
  Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return errno_error(errno, "inotify_init1");
  cancel_ = TRY(make_pipe());
  inotify_ = std::move(inotify);
  thread_ = std::thread([this] { run(); });
  return kOk;
}

// Watches exactly the directories that matter by now.
Result<void> NodeWatch::renew() {
  std::set<std::string> directories;
  for (const auto& [instance, paths] : wanted_) {
    for (const auto& path : paths) directories.insert(nearest_directory(path));
  }
  std::erase_if(watches_, [&](const auto& watch) {
    if (directories.contains(watch.first)) return false;
    (void)::inotify_rm_watch(inotify_.get(), watch.second);
    return true;
  });
  for (const auto& directory : directories) {
    const int number = ::inotify_add_watch(inotify_.get(), directory.c_str(), kEvents);
    if (number >= 0) watches_[directory] = number;
    // It has gone since it was looked at: its parent has told, or will.
    if (number < 0 && errno != ENOENT) return errno_error(errno, "inotify_add_watch " + directory);
  }
  return kOk;
}

void NodeWatch::run() {
  for (;;) {
    pollfd waits[] = {{inotify_.get(), POLLIN, 0}, {cancel_.read_end.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents != 0) take_events();
  }
}

void NodeWatch::take_events() {
  alignas(inotify_event) std::array<char, 16384> bytes;
  std::set<int> numbers;
  for (;;) {
    const ssize_t count = ::read(inotify_.get(), bytes.data(), bytes.size());
    if (count <= 0) break;
    for (ssize_t at = 0; at < count;) {
      // SAFETY: the kernel writes whole events, each aligned.
      const auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
      numbers.insert(event->wd);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  // The queue was full: what was left out may have been about any of them.
  const bool lost = numbers.contains(kOverflow);
  std::set<std::int64_t> concerned;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [directory, number] : watches_) {
      if (!lost && !numbers.contains(number)) continue;
      for (const auto& [instance, paths] : wanted_) {
        if (std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return path.starts_with(directory); })) {
          concerned.insert(instance);
        }
      }
    }
    (void)renew().ok();  // fewer watches than wished: the rest is found at the next start
  }
  for (const auto instance : concerned) changed_(instance);
}

}  // namespace cella::manager
