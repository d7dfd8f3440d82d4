#include "manager/process_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace cella::manager {

ProcessWatch::ProcessWatch(std::function<void(const std::string&)> ended)
    : ended_(std::move(ended)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { run(); }) {}

ProcessWatch::~ProcessWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  thread_.join();
}

void ProcessWatch::watch(const std::string& name, Fd pidfd) {
  {
    const std::lock_guard lock(mutex_);
    processes_[name] = std::make_shared<const Fd>(std::move(pidfd));
  }
  wake();
}

void ProcessWatch::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

std::vector<std::string> ProcessWatch::wait_ended() {
  // Copies, so that a descriptor that is replaced meanwhile stays open while it is polled.
  std::vector<std::pair<std::string, std::shared_ptr<const Fd>>> watched;
  {
    const std::lock_guard lock(mutex_);
    watched.assign(processes_.begin(), processes_.end());
  }
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  for (const auto& [name, pidfd] : watched) polled.push_back({pidfd->get(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), -1) <= 0) return {};
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_.get(), &count, sizeof count));
  std::vector<std::string> names;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if (polled[i + 1].revents == 0) continue;
    const auto now = processes_.find(watched[i].first);
    if (now == processes_.end() || now->second != watched[i].second) continue;
    names.push_back(now->first);
    processes_.erase(now);
  }
  return names;
}

void ProcessWatch::run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    for (const std::string& name : wait_ended()) ended_(name);
  }
}

}  // namespace cella::manager
