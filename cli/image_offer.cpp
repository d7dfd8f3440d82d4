#include "cli/image_offer.h"

#include "api/codec.h"
#include "api/operation.h"
#include "api/server.h"
#include "cli/image_name.h"

namespace cella::cli {
namespace {

// The target looks the image up by itself.
Result<ImageOffer> stream_offer(const Remotes& remotes, const std::string& remote, const Remote& where,
                                const std::string& name) {
  ImageOffer offer;
  offer.image.is_public = true;
  offer.source = {.type = "image", .mode = "pull", .protocol = "simplestreams", .alias = name};
  offer.source.certificate = TRY(remotes.server_certificate(remote));
  offer.servers = {where.addr};
  return offer;
}

Result<std::string> secret_of(Server& server, const std::string& fingerprint) {
  const api::Answer answer = TRY(server.call("POST", url({"images", fingerprint, "secret"})));
  const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
  const auto secret = TRY(api::decode_strings("[" + api::member_text(operation.metadata.text, "secret") + "]"));
  if (secret.empty()) return Error(ErrorKind::kIo, "the source gave no secret for the image");
  return secret.front();
}

}  // namespace

Result<ImageOffer> image_offer(Server& server, const std::string& from, const std::string& name) {
  const Remotes& remotes = *TRY(server.remotes());
  const Remote remote = TRY(remotes.find(from));
  if (remote.protocol == "simplestreams") return stream_offer(remotes, from, remote, name);
  TRY(server.use_remote(from));
  ImageOffer offer;
  offer.image = TRY(image_named(server, name));
  offer.source = {.type = "image", .mode = "pull", .protocol = "lxd", .fingerprint = offer.image.fingerprint};
  // What is asked for by its alias can be looked for again under it.
  if (offer.image.is_public && !offer.image.fingerprint.starts_with(name)) {
    offer.source.alias = name;
    offer.source.fingerprint.clear();
  }
  const auto environment = TRY(server.get<api::Server>("/1.0")).environment;
  offer.source.certificate = environment.certificate;
  if (offer.source.certificate.empty() && !remote.addr.starts_with("unix:"))
    offer.source.certificate = TRY(remotes.server_certificate(from));
  for (const std::string& address : environment.addresses) offer.servers.push_back("https://" + address);
  if (offer.servers.empty() && remote.addr.starts_with("https://")) offer.servers.push_back(remote.addr);
  if (offer.servers.empty()) {
    return Error(ErrorKind::kInvalid,
                 "The source \"" + from + "\" is not on the network: set its core.https_address");
  }
  if (!offer.image.is_public) offer.source.secret = TRY(secret_of(server, offer.image.fingerprint));
  return offer;
}

}  // namespace cella::cli
