// image copy: lets one server fetch an image from another, or send it there.
#include <optional>

#include "api/image.h"
#include "api/operation.h"
#include "cli/image_name.h"
#include "cli/image_offer.h"
#include "cli/image_relay.h"
#include "cli/image_verbs.h"
#include "cli/migrate.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

struct Ends {
  RemoteWord source;
  std::string target;
};

Result<Ends> ends_of(Server& server, const Arguments& arguments) {
  const RemotesFile& file = TRY(server.remotes())->file();
  Ends ends{split_remote(file, arguments.word(0)).value_or(RemoteWord{file.default_remote, arguments.word(0)}), {}};
  const auto target = split_remote(file, arguments.word(1));
  if (!target || !target->rest.empty()) {
    return Error(ErrorKind::kInvalid, "\"" + arguments.word(1) + "\" is no remote: write <remote>:");
  }
  ends.target = target->remote;
  if (ends.source.remote == ends.target) {
    return Error(ErrorKind::kInvalid, "The source and the target server must not be the same");
  }
  return ends;
}

api::ImageCreate request_of(const Arguments& arguments, const api::Image& image) {
  api::ImageCreate create;
  create.is_public = arguments.on("public");
  create.auto_update = arguments.on("auto-update");
  for (const std::string& name : arguments.all("alias")) create.aliases.push_back({name, ""});
  if (arguments.on("copy-aliases")) {
    for (const auto& alias : image.aliases) create.aliases.push_back(alias);
  }
  return create;
}

Result<void> pull(Server& target, const ImageOffer& offer, api::ImageCreate create) {
  create.source = offer.source;
  Result<void> last = Error(ErrorKind::kNotFound, "The source has no address");
  for (const std::string& address : offer.servers) {
    create.source.server = address;
    const auto copied = target.change("POST", "/1.0/images", api::encode(create), {}, "Copying the image");
    if (copied.ok()) return kOk;
    last = copied.error();
    if (last.error().kind() == ErrorKind::kCancelled) break;
  }
  return last;
}

// The target gives a secret, with which the source uploads.
Result<void> push(Server& source, Server& target, const api::Image& image, api::ImageCreate create) {
  create.source = {.mode = "push", .fingerprint = image.fingerprint};
  const Reachable where = TRY(reachable(target));
  const api::Answer answer = TRY(target.call("POST", "/1.0/images", api::encode(create)));
  const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
  const auto secret = TRY(api::decode_strings("[" + api::member_text(operation.metadata.text, "secret") + "]"));
  if (secret.empty()) return Error(ErrorKind::kIo, "the target gave no secret for the upload");
  Result<void> last = kOk;
  for (const std::string& address : where.addresses) {
    const api::ImageExport to{address, secret.front(), where.certificate, {}};
    const auto sent = source.change("POST", url({"images", image.fingerprint, "export"}), api::encode(to), {},
                                    "Copying the image");
    if (sent.ok()) return kOk;
    last = sent.error();
    if (last.error().kind() == ErrorKind::kCancelled) break;
  }
  (void)target.call("DELETE", answer.response.operation);
  return last;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string mode = arguments.text("mode", "pull");
  if (mode != "pull" && mode != "push" && mode != "relay") {
    return invalid_value("--mode", mode, "expected pull, push or relay");
  }
  const Ends ends = TRY(ends_of(server, arguments));
  Globals globals = server.globals();
  if (arguments.has("target-project")) globals.project = arguments.text("target-project");
  Server target(globals);
  TRY(target.use_remote(ends.target));
  if (mode != "pull") {
    TRY(server.use_remote(ends.source.remote));
    const api::Image image = TRY(image_named(server, ends.source.rest));
    const api::ImageCreate create = request_of(arguments, image);
    TRY(mode == "push" ? push(server, target, image, create) : relay_image(server, target, image, create));
  } else {
    ImageOffer offer = TRY(image_offer(server, ends.source.remote, ends.source.rest));
    if (arguments.on("copy-aliases") && offer.source.protocol == "simplestreams") {
      TRY(server.use_remote(ends.source.remote));
      offer.image = TRY(image_named(server, ends.source.rest));
    }
    TRY(pull(target, offer, request_of(arguments, offer.image)));
  }
  say(server, "Image copied successfully!");
  return 0;
}

}  // namespace

Command image_copy_command() {
  return {.name = "copy",
          .aliases = {"cp"},
          .usage = "[<remote>:]<image> <remote>:",
          .summary = "Copy an image to another server",
          .details = "The target fetches it from the source (pull), the source sends it (push), or this\n"
                     "client passes it on (relay).",
          .examples = "cella image copy box:debian/12 local: --copy-aliases",
          .flags = {{.name = "auto-update", .help = "Look for newer ones now and then"},
                    {.name = "alias", .value = "name", .help = "Alias at the target; may be repeated"},
                    {.name = "copy-aliases", .help = "Give it the aliases it has at the source"},
                    {.name = "mode", .value = "mode", .help = "pull, push or relay", .fallback = "pull"},
                    {.name = "public", .help = "Make it public at the target"},
                    {.name = "target-project", .value = "project", .help = "Project at the target"}},
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kImage, Names::kNothing},
          .run = run,
          .own_remotes = true};
}

}  // namespace cella::cli
