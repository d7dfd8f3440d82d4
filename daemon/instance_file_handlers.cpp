// /1.0/instances/NAME/files and …/sftp: reading, writing and deleting files inside an instance.
#include <algorithm>

#include "api/codec.h"
#include "daemon/file_headers.h"
#include "daemon/handlers.h"
#include "daemon/wire.h"
#include "manager/instance_events.h"
#include "manager/instance_files.h"

namespace cella::daemon {
namespace {

using manager::FileFacts;
using manager::FileKind;
using manager::FileSession;

constexpr std::size_t kMaxLinkTarget = 4096;
// Files that do not tell their size (those of /proc) are read into memory, up to this.
constexpr std::size_t kMaxUnsized = 4u << 20;

Result<std::string> path_of(const Request& request) {
  const std::string path(request.query_value("path"));
  if (path.empty()) return Error(ErrorKind::kInvalid, "path: missing");
  if (path.find('\0') != std::string::npos) return invalid_value("path", path, "holds a zero byte");
  return path.front() == '/' ? path : "/" + path;
}

std::string base_name(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

Reply octets_with(const FileFacts& facts, const std::string& path) {
  Reply reply;
  reply.content_type = "application/octet-stream";
  reply.headers = file_headers(facts);
  reply.headers.emplace_back("Content-Disposition", "inline;filename=" + api::percent_encode(base_name(path)));
  return reply;
}

class FileHandlers {
 public:
  explicit FileHandlers(manager::Server& server) : server_(server) {}

  Result<Reply> get(const Request& request) {
    const std::string path = TRY(path_of(request));
    FileSession session = TRY(open(request));
    const FileFacts facts = TRY(session.facts(path));
    switch (facts.kind) {
      case FileKind::kDirectory:
        return directory(session, path, facts);
      case FileKind::kSymlink:
        return link(session, path, facts);
      case FileKind::kFile:
        return file(std::move(session), path, facts);
      case FileKind::kOther:
        break;
    }
    return Error(ErrorKind::kInvalid, path + ": neither a file, a directory nor a symbolic link");
  }

  Result<Reply> post(const Request& request, BodyReader& body) {
    const std::string path = TRY(path_of(request));
    const FileUpload upload = TRY(parse_file_headers(request));
    FileSession session = TRY(open(request));
    switch (upload.kind) {
      case FileKind::kDirectory:
        TRY(session.make_directory(path, upload.ownership));
        break;
      case FileKind::kSymlink:
        TRY(session.make_link(path, TRY(read_all(body, kMaxLinkTarget)), upload.ownership));
        break;
      case FileKind::kFile:
      case FileKind::kOther:
        TRY(session.write(path, upload.write, upload.ownership,
                          [&body](char* into, std::size_t capacity) { return body.read(into, capacity); }));
        break;
    }
    announce(request, "instance-file-pushed", path);
    return empty_reply();
  }

  // Status 101: the connection becomes an SFTP session.
  Result<Reply> sftp(const Request& request) {
    if (request.header("Upgrade") != "sftp") {
      return Error(ErrorKind::kInvalid, "this address speaks SFTP: the request must ask for \"Upgrade: sftp\"");
    }
    std::shared_ptr<void> keep;
    Reply reply;
    reply.status = 101;
    reply.headers.emplace_back("Upgrade", "sftp");
    BodyPiece piece;
    piece.file = TRY(server_.instances().files().open_sftp(request.parameter("name"), keep));
    piece.source = [keep](char*, std::size_t) -> Result<std::size_t> { return std::size_t{0}; };
    reply.pieces.push_back(std::move(piece));
    return reply;
  }

  Result<Reply> remove(const Request& request) {
    const std::string path = TRY(path_of(request));
    TRY(TRY(open(request)).remove(path));
    announce(request, "instance-file-deleted", path);
    return empty_reply();
  }

 private:
  Result<FileSession> open(const Request& request) {
    return server_.instances().files().open(request.parameter("name"));
  }

  void announce(const Request& request, const char* action, const std::string& path) {
    manager::tell_of_instance(server_.events(), action, request.parameter("name"), requestor_of(request),
                              {{"path", manager::Value(path)}});
  }

  static Result<Reply> directory(FileSession& session, const std::string& path, const FileFacts& facts) {
    std::string names = "[";
    for (const std::string& name : TRY(session.list(path))) {
      if (names.size() > 1) names += ',';
      names += api::quote(name);
    }
    Reply reply = sync_reply(names + "]");
    for (auto& header : file_headers(facts)) reply.headers.push_back(std::move(header));
    return reply;
  }

  // LXD tells the target as an absolute path; what the link holds stands in a header of ours.
  static Result<Reply> link(FileSession& session, const std::string& path, const FileFacts& facts) {
    const std::string target = TRY(session.read_link(path));
    Reply reply = octets_with(facts, path);
    reply.headers.emplace_back("X-Cella-target", api::percent_encode(target));
    reply.body = absolute_target(path, target);
    return reply;
  }

  static Result<Reply> file(FileSession session, const std::string& path, const FileFacts& facts) {
    Reply reply = octets_with(facts, path);
    auto opened = TRY(FileSession::read(std::move(session), path));
    if (opened.size() == 0) {
      reply.body = TRY(read_unsized(opened, path));
      return reply;
    }
    BodyPiece piece;
    piece.size = opened.size();
    piece.source = [opened](char* into, std::size_t capacity) mutable { return opened.read(into, capacity); };
    reply.pieces.push_back(std::move(piece));
    return reply;
  }

  static Result<std::string> read_unsized(manager::OpenedFile& file, const std::string& path) {
    std::string body;
    std::vector<char> buffer(64u << 10);
    for (;;) {
      const std::size_t count = TRY(file.read(buffer.data(), buffer.size()));
      if (count == 0) return body;
      if (body.size() + count > kMaxUnsized) return Error(ErrorKind::kNoSpace, path + ": too long to be read");
      body.append(buffer.data(), count);
    }
  }

  manager::Server& server_;
};

}  // namespace

void add_instance_file_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<FileHandlers>(server);
  const std::string files = "/1.0/instances/{name}/files";
  router.add("GET", files, [handlers](const Request& request) { return handlers->get(request); });
  router.add_upload("POST", files,
                    [handlers](const Request& request, BodyReader& body) { return handlers->post(request, body); });
  router.add("GET", "/1.0/instances/{name}/sftp",
             [handlers](const Request& request) { return handlers->sftp(request); });
  router.add("DELETE", files, [handlers](const Request& request) { return handlers->remove(request); });
}

}  // namespace cella::daemon
