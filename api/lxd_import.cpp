#include "api/lxd_import.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<LxdInstance> {
  static void visit(auto& v, auto& x) {
    v("pool", x.pool);
    v("name", x.name);
    v("obstacle", x.obstacle);
  }
};

template <>
struct Members<LxdImportPost> {
  static void visit(auto& v, auto& x) {
    v("lxd_dir", x.lxd_dir);
    v("source_pool", x.source_pool);
    v("name", x.name);
    v("pool", x.pool);
  }
};

CELLA_API_CODEC(LxdInstance)
CELLA_API_CODEC(LxdImportPost)

}  // namespace cella::api
