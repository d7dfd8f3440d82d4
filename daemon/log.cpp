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

class EventSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit EventSink(manager::Events& events) : events_(events) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    events_.log({level_name(message.level), std::string(message.payload.data(), message.payload.size()), {}});
  }
  void flush_() override {}

 private:
  manager::Events& events_;
};

std::shared_ptr<spdlog::logger> make_logger(std::vector<spdlog::sink_ptr> sinks, spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>("cella", sinks.begin(), sinks.end());
  logger->set_level(level);
  logger->set_pattern("time=%Y-%m-%dT%H:%M:%S.%f%z level=%l %v");
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace

void start_log(LogLevel level) {
  spdlog::set_default_logger(make_logger({std::make_shared<spdlog::sinks::stderr_sink_mt>()},
                                         level == LogLevel::kDebug ? spdlog::level::debug : spdlog::level::info));
}

// The logger is replaced, not changed: another thread may be logging.
void start_log_events(manager::Events& events) {
  const auto now = spdlog::default_logger();
  std::vector<spdlog::sink_ptr> sinks = now->sinks();
  sinks.push_back(std::make_shared<EventSink>(events));
  spdlog::set_default_logger(make_logger(std::move(sinks), now->level()));
}

void stop_log_events() {
  const auto now = spdlog::default_logger();
  spdlog::set_default_logger(make_logger({now->sinks().front()}, now->level()));
}

}  // namespace cella::daemon
