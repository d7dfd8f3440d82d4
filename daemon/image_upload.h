// The body of POST /1.0/images, streamed to files.
#pragma once

#include <string>

#include "base/result.h"
#include "daemon/message.h"
#include "manager/image.h"

namespace cella::daemon {

// What the X-LXD-… headers ask for. Errors: kInvalid naming the header and its value.
Result<manager::ImageUpload> read_image_headers(const Request& request);

// Writes a raw body to one new file below directory, or a multipart body's parts "metadata" and "rootfs" to two, and
// fills in their paths. On failure nothing is left in the directory.
// Errors: kInvalid for a malformed or incomplete multipart body; kIo when the client vanished; kNoSpace.
Result<void> receive_image(const Request& request, BodyReader& body, const std::string& directory,
                           manager::ImageUpload& upload);

}  // namespace cella::daemon
