// Base64 (RFC 4648, section 4, with padding).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::api {

std::string base64_encode(std::string_view bytes);
// Errors: kInvalid for any character, length or padding that the encoder would not write.
Result<std::string> base64_decode(std::string_view text);

}  // namespace cella::api
