// A simplestreams server, answered for as if it spoke the API: what reads images works on it.
#pragma once

#include <string>
#include <vector>

#include "api/client.h"
#include "api/simplestreams.h"
#include "base/result.h"

namespace cella::cli {

class StreamRemote {
 public:
  // Fetches the list of images. certificate: PEM to believe; empty: the system's authorities.
  static Result<StreamRemote> open(const std::string& server, const std::string& certificate);

  // GET of /1.0/images, /1.0/images/FINGERPRINT, /1.0/images/aliases and /1.0/images/aliases/NAME.
  // Errors: kNotFound; kUnsupported for everything else.
  Result<api::Answer> answer(const std::string& method, const std::string& target) const;

 private:
  explicit StreamRemote(std::vector<api::StreamImage> images) : images_(std::move(images)) {}
  Result<std::string> metadata_of(const std::string& path) const;
  std::string all_aliases() const;
  std::vector<api::StreamImage> images_;
};

// This machine's architecture as images name it.
std::string own_architecture();

}  // namespace cella::cli
