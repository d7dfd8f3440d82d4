#include "api/warning.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<WarningPut> {
  static void visit(auto& v, auto& x) { v("status", x.status); }
};

template <>
struct Members<Warning> {
  static void visit(auto& v, auto& x) {
    v("status", x.status);
    v("uuid", x.uuid);
    v("location", x.location);
    v("project", x.project);
    v("type", x.type);
    v("count", x.count);
    v("first_seen_at", x.first_seen_at);
    v("last_seen_at", x.last_seen_at);
    v("last_message", x.last_message);
    v("severity", x.severity);
    v("entity_url", x.entity_url);
  }
};

CELLA_API_CODEC(WarningPut)
CELLA_API_CODEC(Warning)

}  // namespace cella::api
