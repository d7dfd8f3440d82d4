// Backup files on their way between a server and this machine.
#pragma once

#include <string>

#include "cli/server.h"

namespace cella::cli {

// Has the server make a backup below the collection `backups` as `request` (its JSON) says, saves it to `target` ("-":
// standard output; a file that is not whole is removed), and removes it from the server again.
Result<void> export_backup(Server& server, const std::string& backups, const std::string& request,
                           const std::string& what, const std::string& target);

// When a backup made for one download may go, as the server reads it.
std::string backup_expiry();

// Sends a file as the body of the request and waits for the operation that it starts.
Result<void> upload_backup(Server& server, const api::Request& request, const std::string& path,
                           const std::string& label);

}  // namespace cella::cli
