// What happened, for whoever listens: operations' changes, lifecycle actions, log lines.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "manager/operation.h"

namespace cella::manager {

// action: "instance-started", "image-created" … (LXD shared/api/event_lifecycle.go). source: "/1.0/instances/NAME".
struct Lifecycle {
  std::string action;
  std::string source;
  Value::Object context;
  std::optional<Requestor> requestor;
};

struct LogLine {
  std::string level;  // "dbug", "info", "warn", "eror"
  std::string message;
  std::map<std::string, std::string> context;
};

enum class EventType { kOperation, kLifecycle, kLogging };
// "operation", "lifecycle", "logging"
std::string_view event_type_text(EventType type);

struct Event {
  Timestamp timestamp;
  std::string project = "default";  // empty for logging: belongs to none
  std::string location = "none";
  std::variant<OperationRecord, Lifecycle, LogLine> metadata;

  EventType type() const { return static_cast<EventType>(metadata.index()); }
};

// Hands events to subscribers. Thread-safe. Subscriptions may outlive it.
class Events {
 public:
  // Called on the thread that publishes, one event at a time per subscriber; must not block nor publish events.
  using Callback = std::function<void(const Event&)>;
  struct State;

  // Ends the subscription when destroyed: after that the callback runs no more (an ongoing call is waited for, unless
  // it is the callback itself that destroys it).
  class Subscription {
   public:
    Subscription() = default;
    Subscription(std::weak_ptr<State> state, std::uint64_t number) : state_(std::move(state)), number_(number) {}
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { cancel(); }
    void cancel();

   private:
    std::weak_ptr<State> state_;
    std::uint64_t number_ = 0;
  };

  Events();
  [[nodiscard]] Subscription subscribe(Callback callback);
  void publish(const Event& event);

  // Shorthands that set the timestamp.
  void operation_changed(const OperationRecord& record);
  void lifecycle(Lifecycle event, const std::string& project = "default");
  void log(LogLine line);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace cella::manager
