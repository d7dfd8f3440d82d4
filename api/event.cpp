#include "api/event.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Event> {
  static void visit(auto& v, auto& x) {
    v("type", x.type);
    v("timestamp", x.timestamp);
    v("metadata", x.metadata);
    v("location", x.location, Empty::kOmit);
    v("project", x.project, Empty::kOmit);
  }
};
template <>
struct Members<Requestor> {
  static void visit(auto& v, auto& x) {
    v("username", x.username);
    v("protocol", x.protocol);
    v("address", x.address);
  }
};
template <>
struct Members<LifecycleEvent> {
  static void visit(auto& v, auto& x) {
    v("action", x.action);
    v("source", x.source);
    v("context", x.context, Empty::kOmit);
    v("requestor", x.requestor);
  }
};
template <>
struct Members<LoggingEvent> {
  static void visit(auto& v, auto& x) {
    v("message", x.message);
    v("level", x.level);
    v("context", x.context);
  }
};

CELLA_API_CODEC(Event)
CELLA_API_CODEC(Requestor)
CELLA_API_CODEC(LifecycleEvent)
CELLA_API_CODEC(LoggingEvent)

}  // namespace cella::api
