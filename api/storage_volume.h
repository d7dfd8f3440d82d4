// What clients send about custom storage volumes, and the shapes of their snapshots and backups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/values.h"

namespace cella::api {

struct StorageVolumeSource {
  std::string name;  // "VOLUME", or "VOLUME/SNAPSHOT"
  std::string type;  // empty: an empty volume; "copy"; "migration"
  std::string pool;
  std::string project;
  bool volume_only = false;
  bool refresh = false;
};

// POST …/volumes/custom.
struct StorageVolumesPost {
  ConfigMap config;
  std::string description;
  std::string name;
  std::string type;
  StorageVolumeSource source;
  std::string content_type;
};

// PUT …/volumes/custom/NAME. restore: the name of a snapshot; then nothing else counts.
struct StorageVolumePut {
  ConfigMap config;
  std::string description;
  std::string restore;
};

// PATCH …: absent members stay.
struct StorageVolumePatch {
  ConfigMap config;
  std::optional<std::string> description;
  std::string restore;
};

// POST …/volumes/custom/NAME: rename, or move to another pool or project.
struct StorageVolumePost {
  std::string name;
  std::string pool;
  std::string project;
  bool migration = false;
  bool volume_only = false;
};

struct StorageVolumeSnapshot {
  ConfigMap config;
  std::string description;
  std::string expires_at;  // RFC 3339
  std::string name;
  std::string content_type;
  std::string created_at;
};

// POST …/snapshots. expires_at: nullopt means by `snapshots.expiry`; the zero time means never.
struct StorageVolumeSnapshotsPost {
  std::string name;  // empty: the server chooses one
  std::string description;
  std::optional<std::string> expires_at;
};

// PUT …/snapshots/NAME; PATCH the same, an absent member stays.
struct StorageVolumeSnapshotPut {
  std::optional<std::string> description;
  std::optional<std::string> expires_at;
};

// POST …/snapshots/NAME: rename.
struct StorageVolumeSnapshotPost {
  std::string name;
  bool migration = false;
};

struct StorageVolumeBackup {
  std::string name;
  std::string created_at;  // RFC 3339
  std::string expires_at;
  bool volume_only = false;
  bool optimized_storage = false;
};

// POST …/backups.
struct StorageVolumeBackupsPost {
  std::string name;  // empty: the server chooses one
  std::optional<std::string> expires_at;
  bool volume_only = false;
  bool optimized_storage = false;
  std::string compression_algorithm;  // empty: gzip
};

struct VolumeUsage {
  std::int64_t used = 0;   // bytes
  std::int64_t total = 0;  // 0: no quota
};
// GET …/state.
struct StorageVolumeState {
  VolumeUsage usage;
};

}  // namespace cella::api
