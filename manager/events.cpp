#include "manager/events.h"

#include <map>
#include <utility>

namespace cella::manager {

struct Subscriber {
  explicit Subscriber(Events::Callback callback) : call(std::move(callback)) {}
  std::recursive_mutex mutex;  // recursive: a callback may end its own subscription
  Events::Callback call;
  bool cancelled = false;
};

struct Events::State {
  std::mutex mutex;
  std::uint64_t next_number = 1;
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers;
};

std::string_view event_type_text(EventType type) {
  switch (type) {
    case EventType::kOperation: return "operation";
    case EventType::kLifecycle: return "lifecycle";
    case EventType::kLogging: return "logging";
  }
  return "";
}

Events::Subscription& Events::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
    number_ = other.number_;
  }
  return *this;
}

void Events::Subscription::cancel() {
  auto state = std::exchange(state_, {}).lock();
  if (state == nullptr) return;
  std::shared_ptr<Subscriber> subscriber;
  {
    std::lock_guard lock(state->mutex);
    auto node = state->subscribers.extract(number_);
    if (node.empty()) return;
    subscriber = std::move(node.mapped());
  }
  std::lock_guard lock(subscriber->mutex);
  subscriber->cancelled = true;
}

Events::Events() : state_(std::make_shared<State>()) {}

Events::Subscription Events::subscribe(Callback callback) {
  std::lock_guard lock(state_->mutex);
  const auto number = state_->next_number++;
  state_->subscribers.emplace(number, std::make_shared<Subscriber>(std::move(callback)));
  return Subscription(state_, number);
}

void Events::publish(const Event& event) {
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  {
    std::lock_guard lock(state_->mutex);
    for (const auto& [number, subscriber] : state_->subscribers) subscribers.push_back(subscriber);
  }
  for (const auto& subscriber : subscribers) {
    std::lock_guard lock(subscriber->mutex);
    if (!subscriber->cancelled) subscriber->call(event);
  }
}

void Events::operation_changed(const OperationRecord& record) {
  Event event;
  event.timestamp = std::chrono::system_clock::now();
  event.project = record.project;
  event.metadata = record;
  publish(event);
}

void Events::lifecycle(Lifecycle lifecycle, const std::string& project) {
  Event event;
  event.timestamp = std::chrono::system_clock::now();
  event.project = project;
  event.metadata = std::move(lifecycle);
  publish(event);
}

void Events::log(LogLine line) {
  Event event;
  event.timestamp = std::chrono::system_clock::now();
  event.project.clear();
  event.metadata = std::move(line);
  publish(event);
}

}  // namespace cella::manager
