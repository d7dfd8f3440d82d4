// The daemon's log: key=value lines on stderr, and logging events for whoever listens.
#pragma once

#include "manager/events.h"

namespace cella::daemon {

enum class LogLevel { kInfo, kDebug };

// Sends everything logged to stderr from here on. Before any thread exists.
void start_log(LogLevel level);
// Also publishes log lines as events. events must outlive the next call of stop_log_events().
void start_log_events(manager::Events& events);
void stop_log_events();

}  // namespace cella::daemon
