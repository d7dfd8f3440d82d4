#include "api/storage.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<StoragePool> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("driver", x.driver);
    v("used_by", x.used_by);
    v("status", x.status);
    v("locations", x.locations);
  }
};
template <>
struct Members<StoragePoolPut> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};
template <>
struct Members<StoragePoolPatch> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
  }
};
template <>
struct Members<StoragePoolCreate> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("driver", x.driver);
  }
};
template <>
struct Members<ResourceUsage> {
  static void visit(auto& v, auto& x) {
    v("used", x.used);
    v("total", x.total);
  }
};
template <>
struct Members<StoragePoolResources> {
  static void visit(auto& v, auto& x) {
    v("space", x.space);
    v("inodes", x.inodes);
  }
};
template <>
struct Members<StorageVolume> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("type", x.type);
    v("used_by", x.used_by);
    v("location", x.location);
    v("content_type", x.content_type);
    v("project", x.project);
    v("created_at", x.created_at);
  }
};

CELLA_API_CODEC(StoragePool)
CELLA_API_CODEC(StoragePoolPut)
CELLA_API_CODEC(StoragePoolPatch)
CELLA_API_CODEC(StoragePoolCreate)
CELLA_API_CODEC(ResourceUsage)
CELLA_API_CODEC(StoragePoolResources)
CELLA_API_CODEC(StorageVolume)

}  // namespace cella::api
