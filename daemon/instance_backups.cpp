#include "daemon/instance_backups.h"

#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

}  // namespace

Result<manager::BackupImport> receive_backup(const Request& request, BodyReader& body, const std::string& directory) {
  manager::BackupImport import;
  import.name = request.header("X-LXD-name");
  import.pool = request.header("X-LXD-pool");
  import.path = directory + "/upload-" + manager::random_uuid();
  const Fd file = TRY(open_path(import.path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Rollback undo;
  undo.add([&] { ::unlink(import.path.c_str()); });
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(body.read(piece.data(), piece.size()));
    if (count == 0) break;
    TRY(write_all(file, {piece.data(), count}));
  }
  undo.commit();
  return import;
}

}  // namespace cella::daemon
