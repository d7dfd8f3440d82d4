// storage volume export and import: a custom volume as one file.
#include "api/storage_volume.h"
#include "cli/backup_transfer.h"
#include "cli/storage_volume.h"

namespace cella::cli {
namespace {

Result<int> run_export(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  const VolumeName volume = TRY(volume_name(arguments.word(1)));
  const std::string target = arguments.words.size() > 2 ? arguments.word(2) : "backup.tar.gz";
  api::StorageVolumeBackupsPost post;
  post.volume_only = arguments.on("volume-only");
  post.optimized_storage = arguments.on("optimized-storage");
  post.compression_algorithm = arguments.text("compression");
  post.expires_at = backup_expiry();
  TRY(export_backup(server, volume_target(pool, volume) + "/backups", api::encode(post), volume.name, target));
  return 0;
}

Result<int> run_import(Server& server, const Arguments& arguments) {
  const std::string pool = TRY(pool_word(arguments));
  api::Request request{
      .method = "POST", .target = url({"storage-pools", pool, "volumes", "custom"}), .body = {}, .headers = {}};
  request.headers.emplace_back("Content-Type", "application/octet-stream");
  if (arguments.words.size() > 2) request.headers.emplace_back("X-LXD-name", arguments.word(2));
  TRY(upload_backup(server, request, arguments.word(1), "Importing the storage volume"));
  return 0;
}

}  // namespace

std::vector<Command> volume_backup_commands() {
  return {{.name = "export",
           .usage = "<pool> <volume> [<path>]",
           .summary = "Write a custom volume with its snapshots to one file",
           .details = "The file is in LXD's format; the path is backup.tar.gz unless another is named, and \"-\" is\n"
                      "standard output.",
           .flags = {{.name = "compression", .value = "method", .help = "gzip (unless told), none, zstd, xz, lzma or bzip2"},
                     {.name = "optimized-storage", .help = "Refused: files are always in the common format"},
                     {.name = "volume-only", .help = "Leave the snapshots out"}},
           .min_words = 2,
           .max_words = 3,
           .completes = {Names::kPool, Names::kNothing, Names::kFile},
           .run = run_export},
          {.name = "import",
           .usage = "<pool> <backup file> [<volume name>]",
           .summary = "Make a custom volume from a backup",
           .min_words = 2,
           .max_words = 3,
           .completes = {Names::kPool, Names::kFile, Names::kNothing},
           .run = run_import}};
}

}  // namespace cella::cli
