// storage volume copy and move: within a server, from pool to pool and from project to project.
#include "api/storage.h"
#include "api/storage_volume.h"
#include "cli/migrate.h"
#include "cli/storage_volume.h"

namespace cella::cli {
namespace {

struct VolumePlace {
  std::string pool;
  VolumeName volume;
};

// "<pool>/<volume>[/<snapshot>]".
Result<VolumePlace> place_of(std::string_view word) {
  const std::string path = TRY(local_name(word));
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos || slash == 0)
    return invalid_value("volume", word, "expected <pool>/<volume>[/<snapshot>]");
  return VolumePlace{path.substr(0, slash), TRY(volume_name(path.substr(slash + 1)))};
}

std::string with_project(std::string target, const std::string& project) {
  return project.empty() ? target : target + "?project=" + api::percent_encode(project);
}

Result<void> copy_volume(Server& server, const Arguments& arguments, const VolumePlace& from, const VolumePlace& to) {
  VolumeName volume = from.volume;
  volume.snapshot.clear();
  const auto source = TRY(server.get<api::StorageVolume>(volume_target(from.pool, volume)));
  api::StorageVolumesPost post;
  post.config = source.config;
  post.description = source.description;
  post.name = to.volume.name;
  post.type = "custom";
  post.content_type = source.content_type;
  post.source.type = "copy";
  post.source.pool = from.pool;
  post.source.name = from.volume.name + (from.volume.snapshot.empty() ? "" : "/" + from.volume.snapshot);
  post.source.project = server.globals().project;
  post.source.volume_only = arguments.on("volume-only");
  post.source.refresh = arguments.on("refresh");
  TRY(server.change("POST",
                    with_project(url({"storage-pools", to.pool, "volumes", "custom"}), arguments.text("target-project")),
                    api::encode(post), {}, "Copying the storage volume"));
  return kOk;
}

Result<int> copy(Server& server, const Arguments& arguments) {
  TRY(migration_mode(arguments));
  TRY(copy_volume(server, arguments, TRY(place_of(arguments.word(0))), TRY(place_of(arguments.word(1)))));
  say(server, "Storage volume copied successfully!");
  return 0;
}

Result<int> move(Server& server, const Arguments& arguments) {
  TRY(migration_mode(arguments));
  const VolumePlace from = TRY(place_of(arguments.word(0)));
  const VolumePlace to = TRY(place_of(arguments.word(1)));
  const api::StorageVolumePost post{
      .name = to.volume.name, .pool = to.pool, .project = arguments.text("target-project")};
  TRY(server.change("POST", volume_target(from.pool, from.volume), api::encode(post), {}, "Moving the storage volume"));
  say(server, "Storage volume moved successfully!");
  return 0;
}

}  // namespace

std::vector<Command> volume_copy_commands() {
  const Flag target_project{.name = "target-project", .value = "project", .help = "Put it into another project"};
  const Flag mode{.name = "mode", .value = "mode", .help = "pull, push or relay (all one here)", .fallback = "pull"};
  return {{.name = "copy",
           .aliases = {"cp"},
           .usage = "<pool>/<volume>[/<snapshot>] <pool>/<volume>",
           .summary = "Copy a custom volume with its snapshots",
           .flags = {mode,
                     {.name = "refresh", .help = "Bring an existing copy up to date"},
                     target_project,
                     {.name = "volume-only", .help = "Leave the snapshots out"}},
           .min_words = 2,
           .max_words = 2,
           .run = copy},
          {.name = "move",
           .aliases = {"mv"},
           .usage = "<pool>/<volume> <pool>/<volume>",
           .summary = "Move a custom volume to another pool or name; devices follow",
           .flags = {mode, target_project},
           .min_words = 2,
           .max_words = 2,
           .run = move}};
}

}  // namespace cella::cli
