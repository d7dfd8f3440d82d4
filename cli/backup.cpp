// export and import: an instance as one file.
#include "api/backup.h"
#include "api/codec.h"
#include "cli/backup_transfer.h"
#include "cli/commands.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

Result<int> run_export(Server& server, const Arguments& arguments) {
  const std::string instance = TRY(required_name(arguments.word(0), "instance"));
  const std::string target = arguments.words.size() > 1 ? arguments.word(1) : "backup.tar.gz";
  api::BackupsPost post;
  post.instance_only = arguments.on("instance-only");
  post.container_only = post.instance_only;
  post.compression_algorithm = arguments.text("compression");
  post.optimized_storage = arguments.on("optimized-storage");
  post.expires_at = backup_expiry();
  TRY(export_backup(server, url({"instances", instance, "backups"}), api::encode(post), instance, target));
  return 0;
}

Result<int> run_import(Server& server, const Arguments& arguments) {
  const std::string path = arguments.word(0);
  api::Request request{.method = "POST", .target = "/1.0/instances", .body = {}, .headers = {}};
  request.headers.emplace_back("Content-Type", "application/octet-stream");
  if (arguments.words.size() > 1) request.headers.emplace_back("X-LXD-name", TRY(local_name(arguments.word(1))));
  if (arguments.has("storage")) request.headers.emplace_back("X-LXD-pool", arguments.text("storage"));
  TRY(upload_backup(server, request, path, "Importing the instance"));
  return 0;
}

}  // namespace

Command export_command() {
  return {
      .name = "export",
      .usage = "<instance> [<target>]",
      .summary = "Write an instance with its snapshots to one file",
      .details =
          "The file is in LXD's format; the target is backup.tar.gz unless another is named, and \"-\" is\n"
          "standard output. A running instance is held still while its files are copied.",
      .flags = {{.name = "compression", .value = "method", .help = "gzip (unless told), none, zstd, xz, lzma or bzip2"},
                {.name = "instance-only", .help = "Leave the snapshots out"},
                {.name = "optimized-storage", .help = "The storage driver's own format (not offered: every pool takes plain archives)"}},
      .min_words = 1,
      .max_words = 2,
      .completes = {Names::kInstance, Names::kFile},
      .run = run_export};
}

Command import_command() {
  return {.name = "import",
          .usage = "<backup file> [<instance>]",
          .summary = "Make an instance from a backup",
          .flags = {{.letter = 's', .name = "storage", .value = "pool", .help = "Storage pool of its root disk"}},
          .min_words = 1,
          .max_words = 2,
          .completes = {Names::kFile, Names::kNothing},
          .run = run_import};
}

}  // namespace cella::cli
