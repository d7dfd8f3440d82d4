#include "daemon/backup_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/files.h"
#include "base/rollback.h"
#include "manager/operations.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

}  // namespace

Result<std::string> receive_file(BodyReader& body, const std::string& directory) {
  const std::string path = directory + "/upload-" + manager::random_uuid();
  const Fd file = TRY(open_path(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Rollback undo;
  undo.add([&] { ::unlink(path.c_str()); });
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(body.read(piece.data(), piece.size()));
    if (count == 0) break;
    TRY(write_all(file, {piece.data(), count}));
  }
  undo.commit();
  return path;
}

Result<Reply> export_reply(Fd file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error(errno, "stat backup");
  BodyPiece piece;
  piece.file = std::move(file);
  piece.size = static_cast<std::uint64_t>(status.st_size);
  Reply reply;
  reply.content_type = "application/octet-stream";
  reply.headers.emplace_back("Content-Disposition", "inline;filename=");
  reply.pieces.push_back(std::move(piece));
  return reply;
}

}  // namespace cella::daemon
