#include "api/storage_volume.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<StorageVolumeSource> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("type", x.type);
    v("pool", x.pool);
    v("project", x.project);
    v("volume_only", x.volume_only);
    v("refresh", x.refresh);
  }
};
template <>
struct Members<StorageVolumesPost> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("name", x.name);
    v("type", x.type);
    v("source", x.source);
    v("content_type", x.content_type);
  }
};
template <>
struct Members<StorageVolumePut> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("restore", x.restore);
  }
};
template <>
struct Members<StorageVolumePatch> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("restore", x.restore);
  }
};
template <>
struct Members<StorageVolumePost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("pool", x.pool);
    v("project", x.project);
    v("migration", x.migration);
    v("volume_only", x.volume_only);
  }
};
template <>
struct Members<StorageVolumeSnapshot> {
  static void visit(auto& v, auto& x) {
    v("config", x.config);
    v("description", x.description);
    v("expires_at", x.expires_at);
    v("name", x.name);
    v("content_type", x.content_type);
    v("created_at", x.created_at);
  }
};
template <>
struct Members<StorageVolumeSnapshotsPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("description", x.description);
    v("expires_at", x.expires_at);
  }
};
template <>
struct Members<StorageVolumeSnapshotPut> {
  static void visit(auto& v, auto& x) {
    v("description", x.description);
    v("expires_at", x.expires_at);
  }
};
template <>
struct Members<StorageVolumeSnapshotPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("migration", x.migration);
  }
};
template <>
struct Members<StorageVolumeBackup> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("created_at", x.created_at);
    v("expires_at", x.expires_at);
    v("volume_only", x.volume_only);
    v("optimized_storage", x.optimized_storage);
  }
};
template <>
struct Members<StorageVolumeBackupsPost> {
  static void visit(auto& v, auto& x) {
    v("name", x.name);
    v("expires_at", x.expires_at);
    v("volume_only", x.volume_only);
    v("optimized_storage", x.optimized_storage);
    v("compression_algorithm", x.compression_algorithm);
  }
};
template <>
struct Members<VolumeUsage> {
  static void visit(auto& v, auto& x) {
    v("used", x.used);
    v("total", x.total);
  }
};
template <>
struct Members<StorageVolumeState> {
  static void visit(auto& v, auto& x) {
    v("usage", x.usage);
  }
};

CELLA_API_CODEC(StorageVolumeSource)
CELLA_API_CODEC(StorageVolumesPost)
CELLA_API_CODEC(StorageVolumePut)
CELLA_API_CODEC(StorageVolumePatch)
CELLA_API_CODEC(StorageVolumePost)
CELLA_API_CODEC(StorageVolumeSnapshot)
CELLA_API_CODEC(StorageVolumeSnapshotsPost)
CELLA_API_CODEC(StorageVolumeSnapshotPut)
CELLA_API_CODEC(StorageVolumeSnapshotPost)
CELLA_API_CODEC(StorageVolumeBackup)
CELLA_API_CODEC(StorageVolumeBackupsPost)
CELLA_API_CODEC(VolumeUsage)
CELLA_API_CODEC(StorageVolumeState)

}  // namespace cella::api
