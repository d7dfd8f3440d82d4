// publish: an image made from an instance or a snapshot.
#include "api/publish.h"

#include "api/codec.h"
#include "api/image.h"
#include "api/instance.h"
#include "api/time.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/snapshot_name.h"

namespace cella::cli {
namespace {

constexpr std::int64_t kWithoutEnd = -1;

Result<void> set_state(Server& server, const std::string& instance, const std::string& action) {
  const api::InstanceStatePut put{
      .action = action, .timeout = kWithoutEnd, .force = action == "stop", .stateful = false};
  TRY(server.change("PUT", url({"instances", instance, "state"}), api::encode(put), {}, action + " " + instance));
  return kOk;
}

// Whether the instance was stopped for this. Errors: kInvalid when it runs and was not to be stopped.
Result<bool> stop_if_needed(Server& server, const SnapshotName& name, const Arguments& arguments) {
  if (!name.snapshot.empty()) return false;
  const auto instance = TRY(server.get<api::Instance>(snapshot_url(name)));
  if (instance.status_code == static_cast<int>(StatusCode::kStopped)) return false;
  if (!arguments.on("force")) {
    return Error(ErrorKind::kInvalid,
                 "The instance is currently running. Use --force to have it stopped and started again");
  }
  if (instance.ephemeral) {
    return Error(ErrorKind::kInvalid, "The instance is ephemeral: stopping it would delete it");
  }
  TRY(set_state(server, name.instance, "stop"));
  return true;
}

Result<api::Operation> send(Server& server, const SnapshotName& name, const Arguments& arguments) {
  api::ImagePublish publish;
  for (const auto& [key, value] : TRY(key_values(std::span(arguments.words).subspan(1))))
    publish.properties[key] = value;
  publish.is_public = arguments.on("public");
  publish.expires_at = arguments.text("expire", std::string(api::kNever));
  publish.source.type = name.snapshot.empty() ? "instance" : "snapshot";
  publish.source.name = name.snapshot.empty() ? name.instance : name.instance + "/" + name.snapshot;
  publish.compression_algorithm = arguments.text("compression");
  return server.change("POST", "/1.0/images", api::encode(publish), {}, "Publishing " + publish.source.name);
}

Result<void> add_alias(Server& server, const std::string& alias, const std::string& fingerprint,
                       const Arguments& arguments) {
  const auto present = server.get<api::Alias>(url({"images", "aliases", alias}));
  if (present.ok() && arguments.on("reuse")) TRY(server.change("DELETE", url({"images", "aliases", alias})));
  const api::AliasCreate create{.description = {}, .target = fingerprint, .name = alias, .type = {}};
  TRY_CONTEXT("The image is made, but the alias \"" + alias + "\" is not",
              server.change("POST", "/1.0/images/aliases", api::encode(create)));
  return kOk;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const SnapshotName name = TRY(snapshot_name(arguments.word(0)));
  const bool stopped = TRY(stop_if_needed(server, name, arguments));
  const auto done = send(server, name, arguments);
  if (stopped) TRY(set_state(server, name.instance, "start"));
  if (!done.ok()) return done.error();
  const std::string quoted = api::member_text(done->metadata.text, "fingerprint");
  if (quoted.size() < 2) return Error(ErrorKind::kInternal, "publish operation without a fingerprint");
  const std::string fingerprint = quoted.substr(1, quoted.size() - 2);
  for (const std::string& alias : arguments.all("alias")) TRY(add_alias(server, alias, fingerprint, arguments));
  say(server, "Instance published with fingerprint: " + fingerprint);
  return 0;
}

}  // namespace

Command publish_command() {
  return {.name = "publish",
          .usage = "<instance>[/<snapshot>] [key=value...]",
          .summary = "Make an image from an instance or a snapshot",
          .details = "key=value sets properties of the image; without any it has those of the instance's own image.",
          .flags = {{.name = "alias", .value = "alias", .help = "Name for the image (repeatable)"},
                    {.name = "compression",
                     .value = "method",
                     .help = "gzip (unless told), none, zstd, xz, lzma or bzip2, with a level: \"zstd -9\""},
                    {.name = "expire", .value = "time", .help = "When the image expires (RFC 3339)"},
                    {.letter = 'f', .name = "force", .help = "Stop a running instance for it, and start it again"},
                    {.name = "public", .help = "Let anyone who reaches the server have it"},
                    {.name = "reuse", .help = "Take the aliases over from another image"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .completes = {Names::kInstance, Names::kNothing},
          .run = run};
}

}  // namespace cella::cli
