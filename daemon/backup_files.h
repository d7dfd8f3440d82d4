// Backup files on their way through the API: uploads into a directory, and the answer to …/export.
#pragma once

#include <string>

#include "base/fd.h"
#include "daemon/message.h"

namespace cella::daemon {

// Writes a request's body to a new file of the directory and returns its path. Nothing is left when it fails.
Result<std::string> receive_file(BodyReader& body, const std::string& directory);

// The whole file as the answer. Errors: kIo.
Result<Reply> export_reply(Fd file);

}  // namespace cella::daemon
