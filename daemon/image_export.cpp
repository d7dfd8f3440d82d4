#include "daemon/image_export.h"

#include <fcntl.h>

#include "manager/operations.h"

namespace cella::daemon {
namespace {

std::string quoted_filename(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

Result<BodyPiece> piece_of(const manager::ImageFile& file) {
  BodyPiece piece;
  piece.file = TRY(open_path(file.path, O_RDONLY));
  piece.size = static_cast<std::uint64_t>(file.size);
  return piece;
}

Reply octets() {
  Reply reply;
  reply.content_type = "application/octet-stream";
  return reply;
}

Result<Reply> split_reply(const manager::ImageFile& metadata, const manager::ImageFile& rootfs) {
  const std::string boundary = manager::random_uuid();
  const auto head = [&](const char* name, const manager::ImageFile& file) {
    BodyPiece piece;
    piece.text = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"" +
                 quoted_filename(file.filename) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    return piece;
  };
  const auto text = [](std::string value) {
    BodyPiece piece;
    piece.text = std::move(value);
    return piece;
  };
  Reply reply = octets();
  reply.content_type = "multipart/form-data; boundary=" + boundary;
  reply.pieces.push_back(head("metadata", metadata));
  reply.pieces.push_back(TRY(piece_of(metadata)));
  reply.pieces.push_back(text("\r\n"));
  reply.pieces.push_back(head("rootfs", rootfs));
  reply.pieces.push_back(TRY(piece_of(rootfs)));
  reply.pieces.push_back(text("\r\n--" + boundary + "--\r\n"));
  return reply;
}

}  // namespace

Result<Reply> export_reply(const manager::ImageExport& files) {
  if (files.rootfs) return split_reply(files.metadata, *files.rootfs);
  Reply reply = octets();
  reply.headers.emplace_back("Content-Disposition", "inline;filename=" + quoted_filename(files.metadata.filename));
  reply.pieces.push_back(TRY(piece_of(files.metadata)));
  return reply;
}

}  // namespace cella::daemon
