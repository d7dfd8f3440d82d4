#include "storage/sftp_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "base/rooted.h"
#include "storage/sftp_paths.h"

namespace cella::storage {
namespace {

constexpr std::size_t kMaxHandles = 256;
constexpr std::size_t kNamesPerAnswer = 128;

std::string status(std::uint32_t id, SftpStatus code, std::string_view text, std::string_view tag) {
  return SftpWriter(SftpType::kStatus).u32(id).u32(static_cast<std::uint32_t>(code)).text(text).text(tag).take();
}

std::string done(std::uint32_t id) { return status(id, SftpStatus::kOk, "", ""); }

std::string failure(std::uint32_t id, const Error& error) {
  SftpStatus code = SftpStatus::kFailure;
  if (error.errno_value() == ENOENT || error.errno_value() == ENOTDIR) code = SftpStatus::kNoSuchFile;
  if (error.errno_value() == EACCES || error.errno_value() == EPERM) code = SftpStatus::kPermissionDenied;
  if (error.kind() == ErrorKind::kUnsupported) code = SftpStatus::kUnsupported;
  const std::string tag = error.errno_value() == 0 ? "" : "x-errno-" + std::to_string(error.errno_value());
  return status(id, code, error.message(), tag);
}

std::string version() {
  SftpWriter writer(SftpType::kVersion);
  writer.u32(3);
  for (const auto* name :
       {"posix-rename@openssh.com", "hardlink@openssh.com", "fsync@openssh.com", "lsetstat@openssh.com"})
    writer.text(name).text("1");
  writer.text("statvfs@openssh.com").text("2");
  return std::move(writer).take();
}

// What `ls -l` would show; clients show it, none reads it.
std::string long_name(const struct stat& facts, const std::string& name) {
  std::string line = S_ISDIR(facts.st_mode) ? "d" : S_ISLNK(facts.st_mode) ? "l" : "-";
  for (int bit = 8; bit >= 0; --bit) line += (facts.st_mode >> bit & 1) != 0 ? "xwr"[bit % 3] : '-';
  line += " " + std::to_string(facts.st_nlink) + " " + std::to_string(facts.st_uid) + " " +
          std::to_string(facts.st_gid) + " " + std::to_string(facts.st_size) + " ";
  char when[32] = "";
  struct tm parts {};
  if (::gmtime_r(&facts.st_mtime, &parts) != nullptr)
    static_cast<void>(::strftime(when, sizeof when, "%b %d %Y", &parts));
  return line + when + " " + name;
}

int open_flags(std::uint32_t wanted) {
  int flags = O_NONBLOCK | O_NOCTTY;
  if ((wanted & kSftpWrite) == 0) return flags | O_RDONLY;
  flags |= (wanted & kSftpRead) != 0 ? O_RDWR : O_WRONLY;
  if ((wanted & kSftpAppend) != 0) flags |= O_APPEND;
  if ((wanted & kSftpTruncate) != 0) flags |= O_TRUNC;
  if ((wanted & kSftpCreate) != 0) flags |= O_CREAT;
  if ((wanted & kSftpExclusive) != 0) flags |= O_EXCL;
  return flags;
}

// All names of a directory, each with a zero byte after it.
Result<std::string> names_of(const Fd& directory, const std::string& path) {
  Fd copy = TRY(directory.duplicate());
  DIR* const listing = ::fdopendir(copy.get());
  if (listing == nullptr) return errno_error(errno, "read directory " + path);
  static_cast<void>(copy.release());
  std::string names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(listing);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    names.append(name).push_back('\0');
  }
  const int error = errno;
  ::closedir(listing);
  if (error != 0) return errno_error(error, "read directory " + path);
  return names;
}

}  // namespace

Result<std::string> SftpServer::answer(std::string_view packet) {
  SftpReader reader(packet);
  const auto type = static_cast<SftpType>(TRY(reader.u8()));
  const std::uint32_t id = TRY(reader.u32());
  if (type == SftpType::kInit) return version();
  Reply reply = carry_out(type, id, reader);
  if (reply.ok()) return reply;
  if (reply.error().kind() == ErrorKind::kInvalid && reply.error().errno_value() == 0)
    return status(id, SftpStatus::kBadMessage, reply.error().message(), "");
  return failure(id, reply.error());
}

SftpServer::Reply SftpServer::carry_out(SftpType type, std::uint32_t id, SftpReader& reader) {
  switch (type) {
    case SftpType::kOpen:
      return open(id, reader);
    case SftpType::kClose:
      return close(id, reader);
    case SftpType::kRead:
      return read(id, reader);
    case SftpType::kWrite:
      return write(id, reader);
    case SftpType::kLstat:
      return stat_path(id, reader, O_NOFOLLOW);
    case SftpType::kStat:
      return stat_path(id, reader, 0);
    case SftpType::kFstat:
      return stat_handle(id, reader);
    case SftpType::kSetstat:
      return set_path(id, reader, 0);
    case SftpType::kFsetstat:
      return set_handle(id, reader);
    case SftpType::kOpendir:
      return open_directory(id, reader);
    case SftpType::kReaddir:
      return read_directory(id, reader);
    case SftpType::kRemove:
      return remove(id, reader, 0);
    case SftpType::kRmdir:
      return remove(id, reader, AT_REMOVEDIR);
    case SftpType::kMkdir:
      return make_directory(id, reader);
    case SftpType::kRealpath:
      return real_path(id, reader);
    case SftpType::kRename:
      return rename(id, reader, RENAME_NOREPLACE);
    case SftpType::kReadlink:
      return read_link(id, reader);
    case SftpType::kSymlink:
      return make_link(id, reader);
    case SftpType::kExtended:
      return extended(id, reader);
    case SftpType::kInit:
    case SftpType::kVersion:
    case SftpType::kStatus:
    case SftpType::kHandle:
    case SftpType::kBytes:
    case SftpType::kName:
    case SftpType::kAttributes:
    case SftpType::kExtendedReply:
      break;
  }
  return Error(ErrorKind::kUnsupported, "SFTP request " + std::to_string(static_cast<int>(type)));
}

std::string SftpServer::remember(std::uint32_t id, Handle handle) {
  const std::string name = std::to_string(next_handle_++);
  handles_.emplace(name, std::move(handle));
  return SftpWriter(SftpType::kHandle).u32(id).text(name).take();
}

Result<SftpServer::Handle*> SftpServer::find(SftpReader& reader) {
  const auto found = handles_.find(TRY(reader.text()));
  if (found == handles_.end()) return errno_error(EBADF, "SFTP handle");
  return &found->second;
}

SftpServer::Reply SftpServer::open(std::uint32_t id, SftpReader& reader) {
  const std::string path = TRY(reader.path());
  const std::uint32_t wanted = TRY(reader.u32());
  const SftpAttributes attributes = TRY(reader.attributes());
  if (handles_.size() >= kMaxHandles) return errno_error(EMFILE, "open " + path);
  // Looked at before it is opened: opening a device may already do something.
  if (const auto seen = open_in_root(root_, path, O_PATH); seen.ok()) {
    const struct stat facts = TRY(facts_of(*seen, path));
    if (S_ISDIR(facts.st_mode)) return errno_error(EISDIR, "open " + path);
    if (!S_ISREG(facts.st_mode)) return Error(ErrorKind::kUnsupported, "open " + path + ": not a regular file");
  }
  Handle handle;
  handle.fd = TRY(open_in_root(root_, path, open_flags(wanted), attributes.mode.value_or(0644) & 07777));
  if (!S_ISREG(TRY(facts_of(handle.fd, path)).st_mode))
    return Error(ErrorKind::kUnsupported, "open " + path + ": not a regular file");
  handle.path = path;
  return remember(id, std::move(handle));
}

SftpServer::Reply SftpServer::open_directory(std::uint32_t id, SftpReader& reader) {
  Handle handle;
  handle.path = TRY(reader.path());
  if (handles_.size() >= kMaxHandles) return errno_error(EMFILE, "open " + handle.path);
  handle.fd = TRY(open_in_root(root_, rooted(handle.path), O_RDONLY | O_DIRECTORY | O_NONBLOCK));
  handle.directory = true;
  return remember(id, std::move(handle));
}

SftpServer::Reply SftpServer::close(std::uint32_t id, SftpReader& reader) {
  const auto found = handles_.find(TRY(reader.text()));
  if (found == handles_.end()) return errno_error(EBADF, "SFTP handle");
  handles_.erase(found);
  return done(id);
}

SftpServer::Reply SftpServer::read(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  const std::uint64_t offset = TRY(reader.u64());
  const std::uint32_t length = std::min(TRY(reader.u32()), kMaxSftpBytes);
  if (handle->directory) return errno_error(EISDIR, "read " + handle->path);
  std::string bytes(length, '\0');
  ssize_t count = 0;
  do {
    count = ::pread(handle->fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno_error(errno, "read " + handle->path);
  if (count == 0 && length > 0) return status(id, SftpStatus::kEndOfFile, "end of file", "");
  return SftpWriter(SftpType::kBytes).u32(id).text({bytes.data(), static_cast<std::size_t>(count)}).take();
}

SftpServer::Reply SftpServer::write(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  std::uint64_t offset = TRY(reader.u64());
  std::string_view bytes = TRY(reader.text());
  if (handle->directory) return errno_error(EISDIR, "write " + handle->path);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(handle->fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "write " + handle->path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return done(id);
}

SftpServer::Reply SftpServer::read_directory(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  if (!handle->directory) return errno_error(ENOTDIR, "read directory " + handle->path);
  if (!handle->listed) handle->names = TRY(names_of(handle->fd, handle->path));
  handle->listed = true;
  std::vector<std::pair<std::string, struct stat>> entries;
  while (handle->sent < handle->names.size() && entries.size() < kNamesPerAnswer) {
    const std::string name = handle->names.c_str() + handle->sent;
    handle->sent += name.size() + 1;
    struct stat facts {};
    // Gone since it was listed: then it is not in the directory.
    if (::fstatat(handle->fd.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0) entries.emplace_back(name, facts);
  }
  if (entries.empty()) return status(id, SftpStatus::kEndOfFile, "end of directory", "");
  SftpWriter writer(SftpType::kName);
  writer.u32(id).u32(static_cast<std::uint32_t>(entries.size()));
  for (const auto& [name, facts] : entries)
    writer.text(name).text(long_name(facts, name)).attributes(attributes_of(facts));
  return std::move(writer).take();
}

SftpServer::Reply SftpServer::stat_path(std::uint32_t id, SftpReader& reader, int flags) {
  const std::string path = rooted(TRY(reader.path()));
  const Fd fd = TRY(open_in_root(root_, path, O_PATH | flags));
  return SftpWriter(SftpType::kAttributes).u32(id).attributes(attributes_of(TRY(facts_of(fd, path)))).take();
}

SftpServer::Reply SftpServer::stat_handle(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  const struct stat facts = TRY(facts_of(handle->fd, handle->path));
  return SftpWriter(SftpType::kAttributes).u32(id).attributes(attributes_of(facts)).take();
}

SftpServer::Reply SftpServer::set_path(std::uint32_t id, SftpReader& reader, int flags) {
  const std::string path = TRY(reader.path());
  TRY(set_attributes(root_, path, TRY(reader.attributes()), flags));
  return done(id);
}

SftpServer::Reply SftpServer::set_handle(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  TRY(set_attributes(handle->fd, handle->path, TRY(reader.attributes())));
  return done(id);
}

SftpServer::Reply SftpServer::remove(std::uint32_t id, SftpReader& reader, int flags) {
  const Place place = TRY(place_of(root_, TRY(reader.path())));
  if (::unlinkat(place.directory.get(), place.name.c_str(), flags) != 0)
    return errno_error(errno, "remove " + place.path);
  return done(id);
}

SftpServer::Reply SftpServer::make_directory(std::uint32_t id, SftpReader& reader) {
  const Place place = TRY(place_of(root_, TRY(reader.path())));
  const SftpAttributes attributes = TRY(reader.attributes());
  if (::mkdirat(place.directory.get(), place.name.c_str(), attributes.mode.value_or(0755) & 07777) != 0)
    return errno_error(errno, "make directory " + place.path);
  return done(id);
}

SftpServer::Reply SftpServer::real_path(std::uint32_t id, SftpReader& reader) {
  const std::string path = clean_path(TRY(reader.path()));
  return SftpWriter(SftpType::kName).u32(id).u32(1).text(path).text(path).attributes({}).take();
}

SftpServer::Reply SftpServer::rename(std::uint32_t id, SftpReader& reader, unsigned flags) {
  const Place from = TRY(place_of(root_, TRY(reader.path())));
  const Place to = TRY(place_of(root_, TRY(reader.path())));
  if (::renameat2(from.directory.get(), from.name.c_str(), to.directory.get(), to.name.c_str(), flags) != 0)
    return errno_error(errno, "rename " + from.path + " to " + to.path);
  return done(id);
}

SftpServer::Reply SftpServer::read_link(std::uint32_t id, SftpReader& reader) {
  const std::string path = rooted(TRY(reader.path()));
  const Fd fd = TRY(open_in_root(root_, path, O_PATH | O_NOFOLLOW));
  std::string target(PATH_MAX, '\0');
  const ssize_t count = ::readlinkat(fd.get(), "", target.data(), target.size());
  if (count < 0) return errno_error(errno == ENOENT ? EINVAL : errno, "read link " + path);
  target.resize(static_cast<std::size_t>(count));
  return SftpWriter(SftpType::kName).u32(id).u32(1).text(target).text(target).attributes({}).take();
}

// OpenSSH, and everybody after it, sends the target before the link's own path.
SftpServer::Reply SftpServer::make_link(std::uint32_t id, SftpReader& reader) {
  const std::string target = TRY(reader.path());
  const Place place = TRY(place_of(root_, TRY(reader.path())));
  if (::symlinkat(target.c_str(), place.directory.get(), place.name.c_str()) != 0)
    return errno_error(errno, "make link " + place.path);
  return done(id);
}

SftpServer::Reply SftpServer::extended(std::uint32_t id, SftpReader& reader) {
  const std::string_view name = TRY(reader.text());
  if (name == "posix-rename@openssh.com") return rename(id, reader, 0);
  if (name == "hardlink@openssh.com") return hard_link(id, reader);
  if (name == "fsync@openssh.com") return sync(id, reader);
  if (name == "lsetstat@openssh.com") return set_path(id, reader, O_NOFOLLOW);
  if (name == "statvfs@openssh.com") return statvfs(id, reader);
  return Error(ErrorKind::kUnsupported, "SFTP extension " + std::string(name.substr(0, 64)));
}

SftpServer::Reply SftpServer::hard_link(std::uint32_t id, SftpReader& reader) {
  const Place from = TRY(place_of(root_, TRY(reader.path())));
  const Place to = TRY(place_of(root_, TRY(reader.path())));
  if (::linkat(from.directory.get(), from.name.c_str(), to.directory.get(), to.name.c_str(), 0) != 0)
    return errno_error(errno, "link " + from.path + " to " + to.path);
  return done(id);
}

SftpServer::Reply SftpServer::sync(std::uint32_t id, SftpReader& reader) {
  Handle* const handle = TRY(find(reader));
  if (::fsync(handle->fd.get()) != 0) return errno_error(errno, "fsync " + handle->path);
  return done(id);
}

SftpServer::Reply SftpServer::statvfs(std::uint32_t id, SftpReader& reader) {
  const std::string path = rooted(TRY(reader.path()));
  const Fd fd = TRY(open_in_root(root_, path, O_PATH));
  struct statvfs facts {};
  if (::fstatvfs(fd.get(), &facts) != 0) return errno_error(errno, "statvfs " + path);
  SftpWriter writer(SftpType::kExtendedReply);
  writer.u32(id);
  for (const std::uint64_t value :
       {std::uint64_t{facts.f_bsize}, std::uint64_t{facts.f_frsize}, facts.f_blocks, facts.f_bfree, facts.f_bavail,
        facts.f_files, facts.f_ffree, facts.f_favail, std::uint64_t{facts.f_fsid}})
    writer.u64(value);
  writer.u64((facts.f_flag & ST_RDONLY ? 1u : 0u) | (facts.f_flag & ST_NOSUID ? 2u : 0u)).u64(facts.f_namemax);
  return std::move(writer).take();
}

}  // namespace cella::storage
