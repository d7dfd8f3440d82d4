// image copy: lets one server fetch an image from another.
#include <optional>

#include "api/image.h"
#include "api/operation.h"
#include "api/server.h"
#include "cli/image_name.h"
#include "cli/image_verbs.h"
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

// What the target needs to know to fetch it, and where it may look.
struct Offer {
  api::Image image;
  api::ImageSource source;
  std::vector<std::string> servers;
};

Result<Offer> offer_of(Server& server, const RemoteWord& from) {
  TRY(server.use_remote(from.remote));
  const Remote remote = TRY(TRY(server.remotes())->find(from.remote));
  Offer offer;
  offer.image = TRY(image_named(server, from.rest));
  offer.source = {.type = "image", .mode = "pull", .protocol = "lxd", .fingerprint = offer.image.fingerprint};
  const auto environment = TRY(server.get<api::Server>("/1.0")).environment;
  offer.source.certificate = environment.certificate;
  if (offer.source.certificate.empty() && !remote.addr.starts_with("unix:")) {
    offer.source.certificate = TRY(TRY(server.remotes())->server_certificate(from.remote));
  }
  for (const std::string& address : environment.addresses) offer.servers.push_back("https://" + address);
  if (offer.servers.empty() && remote.addr.starts_with("https://")) offer.servers.push_back(remote.addr);
  if (offer.servers.empty()) {
    return Error(ErrorKind::kInvalid,
                 "The source \"" + from.remote + "\" is not on the network: set its core.https_address");
  }
  if (!offer.image.is_public) {
    const api::Answer answer = TRY(server.call("POST", url({"images", offer.image.fingerprint, "secret"})));
    const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
    const auto secret = TRY(api::decode_strings("[" + api::member_text(operation.metadata.text, "secret") + "]"));
    if (secret.empty()) return Error(ErrorKind::kIo, "the source gave no secret for the image");
    offer.source.secret = secret.front();
  }
  return offer;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string mode = arguments.text("mode", "pull");
  if (mode != "pull") return Error(ErrorKind::kUnsupported, "--mode " + mode + ": only pull is supported");
  const Ends ends = TRY(ends_of(server, arguments));
  const Offer offer = TRY(offer_of(server, ends.source));
  TRY(server.use_remote(ends.target));
  api::ImageCreate create;
  create.source = offer.source;
  create.is_public = arguments.on("public");
  for (const std::string& name : arguments.all("alias")) create.aliases.push_back({name, ""});
  if (arguments.on("copy-aliases")) {
    for (const auto& alias : offer.image.aliases) create.aliases.push_back(alias);
  }
  std::optional<Error> last;
  for (const std::string& address : offer.servers) {
    create.source.server = address;
    const auto copied = server.change("POST", "/1.0/images", api::encode(create), {}, "Copying the image");
    if (copied.ok()) {
      say(server, "Image copied successfully!");
      return 0;
    }
    last = copied.error();
    if (last->kind() == ErrorKind::kCancelled) break;
  }
  return *last;
}

}  // namespace

Command image_copy_command() {
  return {.name = "copy",
          .aliases = {"cp"},
          .usage = "[<remote>:]<image> <remote>:",
          .summary = "Copy an image to another server",
          .details = "The target fetches it from the source, which must be on the network.",
          .examples = "cella image copy box:debian/12 local: --copy-aliases",
          .flags = {{.name = "alias", .value = "name", .help = "Alias at the target; may be repeated"},
                    {.name = "copy-aliases", .help = "Give it the aliases it has at the source"},
                    {.name = "mode", .value = "mode", .help = "How it is moved (pull)", .fallback = "pull"},
                    {.name = "public", .help = "Make it public at the target"}},
          .min_words = 2,
          .max_words = 2,
          .completes = {Names::kImage, Names::kNothing},
          .run = run,
          .own_remotes = true};
}

}  // namespace cella::cli
