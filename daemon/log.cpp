#include "daemon/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace cella::daemon {
namespace {

// LXD's four-letter names of levels.
std::string level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "dbug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    case spdlog::level::err:
      return "eror";
    case spdlog::level::critical:
    case spdlog::level::off:
    case spdlog::level::n_levels:
      return "crit";
  }
  return "info";
}

// Publishes what is logged, while it is connected.
class EventSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void connect(manager::Events* events) {
    const std::lock_guard lock(mutex_);
    events_ = events;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (events_ == nullptr) return;
    events_->log({level_name(message.level), std::string(message.payload.data(), message.payload.size()), {}});
  }
  void flush_() override {}

 private:
  manager::Events* events_ = nullptr;
};

// The logger itself is never replaced once threads may be logging.
void connect_event_sink(manager::Events* events) {
  for (const spdlog::sink_ptr& sink : spdlog::default_logger()->sinks()) {
    if (const auto event_sink = std::dynamic_pointer_cast<EventSink>(sink)) event_sink->connect(events);
  }
}

}  // namespace

void start_log(LogLevel level) {
  const spdlog::sinks_init_list sinks = {std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                         std::make_shared<EventSink>()};
  auto logger = std::make_shared<spdlog::logger>("cella", sinks);
  logger->set_level(level == LogLevel::kDebug ? spdlog::level::debug : spdlog::level::info);
  logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%f%z level=%l %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void start_log_events(manager::Events& events) { connect_event_sink(&events); }

void stop_log_events() { connect_event_sink(nullptr); }

}  // namespace cella::daemon
