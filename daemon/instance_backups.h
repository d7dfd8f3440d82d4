// Backups as the wire shows them, and as they arrive.
#pragma once

#include <string>

#include "api/backup.h"
#include "base/result.h"
#include "daemon/message.h"
#include "manager/instance_backups.h"

namespace cella::daemon {

api::Backup to_wire(const manager::BackupRecord& record);

// Writes the body of POST /1.0/instances to a file of the upload directory and reads the X-LXD-… headers beside it.
// Nothing is left when it fails. Errors: kIo when the client vanished; kNoSpace.
Result<manager::BackupImport> receive_backup(const Request& request, BodyReader& body, const std::string& directory);

}  // namespace cella::daemon
