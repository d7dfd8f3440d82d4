#include "api/migration.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<MigrationTarget> {
  static void visit(auto& v, auto& x) {
    v("certificate", x.certificate);
    v("operation", x.operation);
    v("secrets", x.secrets);
  }
};

CELLA_API_CODEC(MigrationTarget)

}  // namespace cella::api
