// Images and their aliases: import, lookup, export, deletion.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/image.h"
#include "manager/operation.h"

namespace cella::manager {

class Database;
class Events;
class OperationHandle;
class Operations;
class Pools;
struct Schema;

// The tables of images and aliases, for Database::open().
const Schema& image_schema();

// The images of one project, kept in memory and in the database. Thread-safe. Outlived by what it is given.
// The files of an image are STATE/images/FINGERPRINT (metadata or unified tarball) and FINGERPRINT.rootfs (split).
class Images {
 public:
  struct Wiring {
    Database& database;
    Operations& operations;
    Events& events;
    Pools& pools;
    std::string state_dir;
  };
  // Those of the default project. Reads the records, sweeps half-done imports and uploads. Errors name the record or directory.
  static Result<std::unique_ptr<Images>> open(Wiring wiring);
  virtual ~Images() = default;

  // The images of another project; lives as long as this. Two projects with the same image share its files and volumes.
  virtual Images& in(const std::string& project) = 0;

  // Where uploads are to be written (same file system as the images): make a uniquely named file here with
  // O_CREAT|O_EXCL|0600. Swept at start.
  virtual const std::string& upload_directory() const = 0;

  // Operation "Downloading image" with metadata "fingerprint" and "size" at its end and "progress"-like text meanwhile.
  // It fails with kExists for an image that is there, kInvalid for a broken one, a wrong digest or a foreign
  // architecture.
  virtual Result<OperationId> import(ImageUpload upload) = 0;
  // The same as part of another operation, on its thread. Errors: as import() and its operation.
  virtual Result<void> import_within(const ImageUpload& upload, const OperationHandle& operation) = 0;

  virtual std::vector<Image> list() const = 0;
  virtual std::vector<Image> list_all() const = 0;  // of all projects
  // key: a full fingerprint or an unambiguous prefix of one. Errors: kNotFound; kInvalid when several fit.
  virtual Result<Image> find(const std::string& key) const = 0;
  // An alias name, else as find(): what `image:` and `source.alias` mean. Errors: kNotFound naming the key.
  virtual Result<Image> resolve(const std::string& alias_or_fingerprint) const = 0;
  virtual Result<void> update(const std::string& key, const ImagePut& put) = 0;
  virtual Result<void> patch(const std::string& key, const ImagePatch& patch) = 0;
  // Operation "Deleting image". Instances made from it are not touched.
  virtual Result<OperationId> remove(const std::string& key) = 0;
  virtual Result<ImageExport> export_files(const std::string& key) const = 0;
  // A fetched image that somebody asked for is no mere cache any more: it stays. Nothing for an image that is none.
  virtual Result<void> keep(const std::string& fingerprint) = 0;
  // Puts `to` in the place of `from`, an older image from the same origin, which is deleted: aliases, profiles and flags
  // go over. Errors: kNotFound.
  virtual Result<void> supersede(const std::string& from, const std::string& to) = 0;
  // Deletes cached images that were last used, or else came, before that moment.
  virtual Result<void> remove_unused(Timestamp before) = 0;
  // Notes that an instance was made from it.
  virtual void mark_used(const std::string& fingerprint) = 0;

  virtual std::vector<Alias> list_aliases() const = 0;
  virtual Result<Alias> find_alias(const std::string& name) const = 0;
  // target: fingerprint or unambiguous prefix. Errors: kExists, kNotFound, kInvalid name.
  virtual Result<void> create_alias(const Alias& alias) = 0;
  // Replaces description and target.
  virtual Result<void> update_alias(const std::string& name, const Alias& alias) = 0;
  virtual Result<void> rename_alias(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove_alias(const std::string& name) = 0;
};

// This machine's architecture as images name it: "x86_64", "aarch64", …
std::string host_architecture();

// Reads metadata.yaml. Errors: kInvalid naming the key: missing architecture or creation_date, too deep, too long,
// template paths that leave templates/.
Result<ImageMetadata> parse_image_metadata(std::string_view text);

}  // namespace cella::manager
