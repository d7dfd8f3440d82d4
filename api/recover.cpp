#include "api/recover.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<RecoverPool> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("driver", x.driver);
  }
};

template <>
struct Members<RecoverPost> {
  static void visit(auto& v, auto& x) { v("pools", x.pools); }
};

template <>
struct Members<RecoverVolume> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("snapshotCount", x.snapshot_count);
    v("project", x.project);
    v("pool", x.pool);
  }
};

template <>
struct Members<RecoverFindings> {
  static void visit(auto& v, auto& x) {
    v("UnknownVolumes", x.volumes);
    v("DependencyErrors", x.obstacles);
  }
};

CELLA_API_CODEC(RecoverPool)
CELLA_API_CODEC(RecoverPost)
CELLA_API_CODEC(RecoverVolume)
CELLA_API_CODEC(RecoverFindings)

}  // namespace cella::api
