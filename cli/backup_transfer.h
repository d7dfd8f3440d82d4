// Backup files on their way between a server and this machine.
#pragma once

#include <string>

#include "api/operation.h"
#include "cli/server.h"

namespace cella::cli {

// The name that the operation which made a backup gives. Errors: kInternal when it gives none.
Result<std::string> made_backup(const api::Operation& operation);

// To a file, or to standard output for "-". A file that is not whole is removed.
Result<void> download_backup(Server& server, const std::string& source, const std::string& target);

// Sends a file as the body of the request and waits for the operation that it starts.
Result<void> upload_backup(Server& server, const api::Request& request, const std::string& path,
                           const std::string& label);

}  // namespace cella::cli
