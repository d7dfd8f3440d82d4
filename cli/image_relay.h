// An image passed on by this client from one server to another, for servers that cannot reach each other.
#pragma once

#include "api/image.h"
#include "base/result.h"
#include "cli/server.h"

namespace cella::cli {

// create: what is asked for at the target, without a source. The target checks the digest.
Result<void> relay_image(Server& source, Server& target, const api::Image& image, const api::ImageCreate& create);

}  // namespace cella::cli
