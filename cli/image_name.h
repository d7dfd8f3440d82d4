// An image by what a user calls it.
#pragma once

#include <string>
#include <string_view>

#include "api/image.h"
#include "cli/server.h"

namespace cella::cli {

// An alias, a fingerprint or the beginning of one, with "local:" allowed.
// Errors: kNotFound naming the word; what the server says to an ambiguous beginning.
Result<api::Image> image_named(Server& server, std::string_view word);

}  // namespace cella::cli
