#include "api/snapshot.h"

#include "api/instance_members.h"

namespace cella::api {

template <>
struct Members<SnapshotsPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("stateful", x.stateful);
    v("expires_at", x.expires_at);
  }
};
template <>
struct Members<SnapshotPut> {
  static void visit(auto& v, auto& x) { v("expires_at", x.expires_at); }
};
template <>
struct Members<SnapshotPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("migration", x.migration);
    v("live", x.live);
    v("target", x.target);
  }
};

CELLA_API_CODEC(Snapshot)
CELLA_API_CODEC(SnapshotsPost)
CELLA_API_CODEC(SnapshotPut)
CELLA_API_CODEC(SnapshotPost)

}  // namespace cella::api
