// GET /1.0/events
#include "daemon/event_hub.h"
#include "daemon/handlers.h"
#include "daemon/scope.h"

namespace cella::daemon {
namespace {

// "operation,lifecycle" → the two names. Errors: kInvalid for a type that does not exist.
Result<std::set<std::string>> parse_types(std::string_view text) {
  std::set<std::string> types;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string type(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (type != "operation" && type != "lifecycle" && type != "logging") {
      return invalid_value("type", type, "expected operation, lifecycle or logging");
    }
    types.insert(type);
  }
  return types;
}

}  // namespace

void add_event_routes(Router& router, EventHub& hub) {
  router.add_websocket("/1.0/events", [&hub](const Request& request) -> Result<TakeWebSocket> {
    const bool all = TRY(asks_for_all_projects(request));
    // What belongs to no project may tell of all of them: only for whoever may know everything.
    EventFilter filter{TRY(parse_types(request.query_value("type"))), all ? "" : request.project,
                       request.access.full()};
    return hub.listener(std::move(filter));
  });
}

}  // namespace cella::daemon
