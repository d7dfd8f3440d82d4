#include "daemon/instance_backups.h"

#include "daemon/backup_files.h"

namespace cella::daemon {

Result<manager::BackupImport> receive_backup(const Request& request, BodyReader& body, const std::string& directory) {
  manager::BackupImport import;
  import.name = request.header("X-LXD-name");
  import.pool = request.header("X-LXD-pool");
  import.path = TRY(receive_file(body, directory));
  return import;
}

}  // namespace cella::daemon
