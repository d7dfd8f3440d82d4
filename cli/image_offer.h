// An image of one server, as another one is told to fetch it.
#pragma once

#include <string>
#include <vector>

#include "api/image.h"
#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

struct ImageOffer {
  api::Image image;                  // of a simplestreams server: only what the target finds out itself
  api::ImageSource source;           // without its server
  std::vector<std::string> servers;  // where the source can be reached, each to be tried
};

// name: alias, fingerprint or a prefix of one. A private image comes with a secret. Errors: kNotFound; kInvalid when the
// remote is not on the network.
Result<ImageOffer> image_offer(Server& server, const std::string& remote, const std::string& name);

}  // namespace cella::cli
