#include "api/operation.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Operation> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("class", x.op_class);
    v("description", x.description);
    v("created_at", x.created_at);
    v("updated_at", x.updated_at);
    v("status", x.status);
    v("status_code", x.status_code);
    v("resources", x.resources, Empty::kNull);
    v("metadata", x.metadata);
    v("may_cancel", x.may_cancel);
    v("err", x.err);
    v("location", x.location);
  }
};

CELLA_API_CODEC(Operation)
CELLA_API_CODEC(OperationsByStatus)

}  // namespace cella::api
