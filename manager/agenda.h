// What the daemon does by the clock: a thread that sleeps until the next thing is due.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "manager/events.h"

namespace cella::manager {

// One kind of thing to do. Both are called on the agenda's thread only.
struct Chore {
  // When it is due next, given the time; nullopt: not until something changes.
  std::function<std::optional<Timestamp>(Timestamp now)> next;
  // Does what is due; must not throw. What is still due then is tried again a minute later.
  std::function<void(Timestamp now)> run;
};

// Asks the chores when they are due, sleeps until then and runs those that are. Asks again after every lifecycle event,
// at most once a second. While nothing is due and nothing happens the thread does not wake up. Destruction waits for a
// chore under way.
class Agenda {
 public:
  // events outlives it.
  Agenda(Events& events, std::vector<Chore> chores);
  ~Agenda();
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

 private:
  void work();
  bool rest_until(std::optional<Timestamp> due);

  std::vector<Chore> chores_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool changed_ = false;
  bool stop_ = false;
  Events::Subscription subscription_;
  std::thread thread_;
};

}  // namespace cella::manager
