// Import of uploaded image files: everything is checked before anything is visible.
#include <sys/stat.h>

#include <fcntl.h>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/events.h"
#include "manager/image_records.h"
#include "manager/image_set.h"
#include "storage/image_digest.h"
#include "storage/unpack.h"

namespace cella::manager {
namespace {

// "Verify: 45%", at each percent. lxc shows every key that ends in "_progress".
storage::Watch watch_of(const OperationHandle& operation, const std::string& stage, const std::string& word) {
  auto last = std::make_shared<std::uint64_t>(101);
  storage::Watch watch;
  watch.progress = [operation, stage, word, last](std::uint64_t done, std::uint64_t total) {
    const std::uint64_t percent = total == 0 ? 0 : done * 100 / total;
    if (percent == *last) return;
    *last = percent;
    operation.set_metadata(stage + "_progress", word + ": " + std::to_string(percent) + "%");
  };
  watch.cancelled = [operation] { return operation.cancel_requested(); };
  return watch;
}

// Names that image builders of other families use for the same machine.
std::string plain_architecture(const std::string& name) {
  if (name == "amd64") return "x86_64";
  if (name == "arm64") return "aarch64";
  return name;
}

Result<std::int64_t> size_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(errno, "stat " + path);
  return std::int64_t{status.st_size};
}

Timestamp at_seconds(std::int64_t seconds) { return Timestamp(std::chrono::seconds(seconds)); }

}  // namespace

Result<void> ImageSet::check_upload(const ImageUpload& upload) const {
  for (const std::string* path : {&upload.metadata_path, &upload.rootfs_path})
    if (!path->empty() && !path->starts_with(upload_directory() + "/"))
      return invalid_value("upload", *path, "not in the upload directory");
  if (upload.metadata_path.empty()) return Error(ErrorKind::kInvalid, "image upload: no file");
  const std::lock_guard lock(mutex_);
  for (const ImageAlias& alias : upload.aliases) {
    TRY(check_alias_name(alias.name));
    if (index_.find_alias(alias.name).ok())
      return Error(ErrorKind::kExists, "Alias \"" + alias.name + "\" already exists");
  }
  return kOk;
}

Result<OperationId> ImageSet::import(ImageUpload upload) {
  const Result<void> checked = check_upload(upload);
  if (!checked.ok()) {
    discard_upload(upload);
    return checked.error();
  }
  OperationRequest request;
  request.description = "Downloading image";
  request.project = project_;
  request.may_cancel = true;
  return wiring_.operations.start(std::move(request),
                                  [this, upload = std::move(upload)](const OperationHandle& operation) {
                                    const Result<void> outcome = carry_out_import(upload, operation);
                                    discard_upload(upload);
                                    return outcome;
                                  });
}

Result<void> ImageSet::import_within(const ImageUpload& upload, const OperationHandle& operation) {
  const auto carry_out = [&]() -> Result<void> {
    TRY(check_upload(upload));
    return carry_out_import(upload, operation);
  };
  auto outcome = carry_out();
  discard_upload(upload);
  return outcome;
}

Result<void> ImageSet::claim(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  if (index_.contains(fingerprint) || !in_work_.insert(fingerprint).second)
    return Error(ErrorKind::kExists, "Image with same fingerprint already exists (" + fingerprint + ")");
  return kOk;
}

bool ImageSet::is_elsewhere(const std::string& fingerprint) const {
  const std::lock_guard lock(mutex_);
  return store_->contains(fingerprint);
}

Result<void> ImageSet::carry_out_import(const ImageUpload& upload, const OperationHandle& operation) {
  const storage::ImageFiles files{upload.metadata_path, upload.rootfs_path};
  const std::string fingerprint = TRY(storage::image_fingerprint(files, watch_of(operation, "hash", "Hash")));
  if (!upload.fingerprint.empty() && upload.fingerprint != fingerprint)
    return invalid_value("fingerprint", upload.fingerprint, "the files' is " + fingerprint);
  // Set before a failure too: that is how a client learns which image is there already.
  operation.set_metadata("fingerprint", fingerprint);
  TRY(claim(fingerprint));
  Rollback rollback;
  rollback.add([this, fingerprint] {
    const std::lock_guard lock(mutex_);
    in_work_.erase(fingerprint);
  });
  Image image = TRY(examine(upload, fingerprint, operation));
  operation.set_metadata("size", std::to_string(image.size));
  if (!is_elsewhere(fingerprint)) {
    TRY(directory_.keep(upload, fingerprint));
    rollback.add([this, fingerprint] { static_cast<void>(directory_.remove(fingerprint)); });
  }
  {
    const std::lock_guard lock(mutex_);
    TRY(insert_image(wiring_.database, image));
    index_.put(image);
    in_work_.erase(fingerprint);
  }
  rollback.commit();
  operation.add_resource("images", fingerprint);
  announce("image-created", "/1.0/images/" + fingerprint);
  for (const ImageAlias& alias : image.aliases) announce("image-alias-created", "/1.0/images/aliases/" + alias.name);
  return kOk;
}

Result<Image> ImageSet::examine(const ImageUpload& upload, const std::string& fingerprint,
                                const OperationHandle& operation) const {
  const bool unified = upload.rootfs_path.empty();
  const storage::Watch watch = watch_of(operation, "verify", "Verify");
  const Fd archive = TRY(open_path(upload.metadata_path, O_RDONLY));
  const storage::UnpackReport report = TRY_CONTEXT(
      "image",
      storage::inspect_archive(archive, unified ? storage::ArchiveLayout::kUnified : storage::ArchiveLayout::kMetadata,
                               storage::UnpackLimits{}, unified ? watch : storage::Watch{}));
  if (!unified) {
    const Fd rootfs = TRY(open_path(upload.rootfs_path, O_RDONLY));
    if (TRY_CONTEXT("image", storage::detect_rootfs(rootfs, "rootfs")) == storage::RootfsFormat::kArchive)
      TRY_CONTEXT("image rootfs",
                  storage::inspect_archive(rootfs, storage::ArchiveLayout::kRootfs, storage::UnpackLimits{}, watch));
  }
  const ImageMetadata metadata = TRY(parse_image_metadata(report.metadata));
  Image image;
  image.architecture = plain_architecture(metadata.architecture);
  if (image.architecture != host_architecture())
    return invalid_value("architecture", metadata.architecture, "this host is " + host_architecture());
  image.fingerprint = fingerprint;
  image.project = project_;
  image.filename = upload.filename;
  image.size = TRY(size_of(upload.metadata_path));
  if (!unified) image.size += TRY(size_of(upload.rootfs_path));
  image.is_public = upload.is_public;
  image.auto_update = upload.auto_update;
  image.cached = upload.cached;
  image.origin = upload.origin;
  image.properties = metadata.properties;
  for (const auto& [key, value] : upload.properties) image.properties[key] = value;
  image.aliases = upload.aliases;
  image.profiles = upload.profiles.empty() ? std::vector<std::string>{"default"} : upload.profiles;
  image.created_at = at_seconds(metadata.creation_date);
  image.uploaded_at = std::chrono::system_clock::now();
  image.expires_at = upload.expires_at;
  if (!image.expires_at && metadata.expiry_date != 0) image.expires_at = at_seconds(metadata.expiry_date);
  return image;
}

}  // namespace cella::manager
