#include "manager/agenda.h"

#include <algorithm>

namespace cella::manager {
namespace {

constexpr std::chrono::seconds kAskAgain{1};
constexpr std::chrono::minutes kTryAgain{1};

}  // namespace

Agenda::Agenda(Events& events, std::vector<Chore> chores) : chores_(std::move(chores)) {
  subscription_ = events.subscribe([this](const Event& event) {
    if (event.type() != EventType::kLifecycle) return;
    {
      const std::lock_guard lock(mutex_);
      changed_ = true;
    }
    wake_.notify_one();
  });
  thread_ = std::thread([this] { work(); });
}

Agenda::~Agenda() {
  subscription_.cancel();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// True when it is time to ask again, false when the agenda ends. A change is answered a second later, so that a burst
// of them is one.
bool Agenda::rest_until(std::optional<Timestamp> due) {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return stop_ || changed_; };
  if (due) {
    wake_.wait_until(lock, *due, woken);
  } else {
    wake_.wait(lock, woken);
  }
  if (changed_) {
    const auto settled = std::chrono::system_clock::now() + kAskAgain;
    wake_.wait_until(lock, due ? std::min(*due, settled) : settled, [this] { return stop_; });
  }
  changed_ = false;
  return !stop_;
}

void Agenda::work() {
  std::optional<Timestamp> due;
  do {
    due.reset();
    for (const Chore& chore : chores_) {
      const auto now = std::chrono::system_clock::now();
      auto next = chore.next(now);
      if (next && *next <= now) {
        chore.run(now);
        const auto after = std::chrono::system_clock::now();
        next = chore.next(after);
        // What could not be done (an instance was busy) is still due.
        if (next && *next <= after) next = after + kTryAgain;
      }
      if (next && (!due || *next < *due)) due = next;
    }
  } while (rest_until(due));
}

}  // namespace cella::manager
