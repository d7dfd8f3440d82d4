#include "manager/instance_publish.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/claimed_work.h"
#include "manager/image_metadata_text.h"
#include "manager/images.h"
#include "manager/instance_snapshots.h"
#include "manager/names.h"
#include "manager/projects.h"
#include "manager/volume_copies.h"
#include "storage/archive_writer.h"

namespace cella::manager {
namespace {

constexpr std::uint64_t kProgressStep = 4u << 20;

VolumeAt volume_of(const InstanceRecord& record, const std::string& snapshot) {
  return snapshot.empty() ? root_at(record.pool, record.name) : snapshot_at(record.pool, record.name, snapshot);
}

// What the source says of itself; of an instance without image, its own image.* keys.
Result<ImageMetadata> metadata_of(const DirFd& directory, const InstanceRecord& record) {
  if (exists_at(directory, "metadata.yaml")) {
    return parse_image_metadata(TRY(read_file_at(directory, "metadata.yaml", 1u << 20)));
  }
  ImageMetadata metadata;
  metadata.architecture = record.architecture;
  for (const auto& [key, value] : record.config) {
    if (key.starts_with("image.")) metadata.properties[key.substr(6)] = value;
  }
  return metadata;
}

}  // namespace

storage::Watch watch_pack(const OperationHandle& operation, const std::string& key, const std::string& word) {
  auto last = std::make_shared<std::uint64_t>(0);
  storage::Watch watch;
  watch.progress = [operation, last, key, word](std::uint64_t done, std::uint64_t) {
    if (done < *last + kProgressStep) return;
    *last = done;
    operation.set_metadata(key + "_progress", word + ": " + std::to_string(done / 1'000'000) + "MB");
  };
  watch.cancelled = [operation] { return operation.cancel_requested(); };
  return watch;
}

std::string InstancePublish::compression_of(const PublishRequest& request) const {
  return around_.projects.compression(project_of(request.source.instance), "images.compression_algorithm",
                                      request.compression);
}

Result<OperationId> InstancePublish::publish(const PublishRequest& request) {
  TRY(storage::parse_compression("compression_algorithm", compression_of(request)));
  auto claim = TRY(around_.set.claim(request.source.instance, InstanceWork::kBackup));
  if (!request.source.snapshot.empty()) {
    TRY(find_snapshot(around_.set, *claim.entry(), request.source.snapshot));
  } else if (around_.set.running(*claim.entry()) != nullptr) {
    return Error(ErrorKind::kInvalid, "Cannot export a running instance as an image");
  }
  OperationRequest operation;
  operation.description = "Downloading image";
  operation.project = project_of(request.source.instance);
  operation.may_cancel = true;
  return start_claimed(around_.operations, std::move(operation), std::move(claim),
                       [this, request](const EntryPtr& entry, const OperationHandle& handle) {
                         return carry_out(entry, request, handle);
                       });
}

Result<void> InstancePublish::carry_out(const EntryPtr& entry, const PublishRequest& request,
                                        const OperationHandle& operation) {
  const auto record = around_.set.record(*entry);
  ImageUpload upload = request.image;
  upload.metadata_path = around_.images.upload_directory() + "/publish-" + random_uuid();
  Rollback undo;
  undo.add([&] { ::unlink(upload.metadata_path.c_str()); });
  {
    std::unique_lock<std::mutex> run(entry->run, std::defer_lock);
    if (request.source.snapshot.empty()) {
      run.lock();
      files_.end(*entry);
    }
    TRY(pack(record, request, upload.metadata_path, operation));
  }
  undo.commit();
  // Those of the request are in the archive's metadata.yaml.
  upload.properties.clear();
  const std::string project = around_.projects.project_of_images(project_of(request.source.instance));
  return around_.images.in(project).import_within(upload, operation);
}

Result<void> InstancePublish::pack(const InstanceRecord& record, const PublishRequest& request, const std::string& path,
                                   const OperationHandle& operation) {
  const auto compression = TRY(storage::parse_compression("compression_algorithm", compression_of(request)));
  const auto volume = volume_of(record, request.source.snapshot);
  const DirFd directory = TRY(open_volume_files(around_.pools, volume));
  ImageMetadata metadata = TRY(metadata_of(directory, record));
  if (!request.image.properties.empty()) metadata.properties = request.image.properties;
  using namespace std::chrono;
  metadata.creation_date = duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
  metadata.expiry_date = 0;
  if (request.image.expires_at) {
    metadata.expiry_date = duration_cast<seconds>(request.image.expires_at->time_since_epoch()).count();
  }
  const Fd file = TRY(open_path(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  const auto watch = watch_pack(operation, "create_image_from_container_pack", "Image pack");
  auto archive = TRY(storage::ArchiveWriter::open(file, compression));
  TRY(archive.add_text("metadata.yaml", format_image_metadata(metadata)));
  if (exists_at(directory, "templates"))
    TRY(archive.add_tree("templates", TRY(open_dir_at(directory, "templates")), watch));
  const Fd mount = TRY(open_volume_tree(around_.pools, volume));
  TRY(archive.add_tree("rootfs", TRY(open_at(mount, ".", O_RDONLY | O_DIRECTORY)), watch));
  return archive.finish();
}

}  // namespace cella::manager
