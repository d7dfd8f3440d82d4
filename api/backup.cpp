#include "api/backup.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Backup> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("created_at", x.created_at);
    v("expires_at", x.expires_at);
    v("instance_only", x.instance_only);
    v("container_only", x.container_only);
    v("optimized_storage", x.optimized_storage);
  }
};
template <>
struct Members<BackupsPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("expires_at", x.expires_at);
    v("instance_only", x.instance_only);
    v("container_only", x.container_only);
    v("optimized_storage", x.optimized_storage);
    v("compression_algorithm", x.compression_algorithm);
  }
};
template <>
struct Members<BackupPost> {
  static void visit(auto& v, auto& x) { v("name", x.name); }
};

CELLA_API_CODEC(Backup)
CELLA_API_CODEC(BackupsPost)
CELLA_API_CODEC(BackupPost)

}  // namespace cella::api
