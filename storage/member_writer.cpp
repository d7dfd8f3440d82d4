#include "storage/member_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cerrno>

#include "base/files.h"
#include "base/rooted.h"

namespace cella::storage {
namespace {

Result<void> pwrite_all(const Fd& file, const DataBlock& block) {
  const char* data = static_cast<const char*>(block.data);
  std::size_t left = block.size;
  off_t offset = block.offset;
  while (left > 0) {
    const ssize_t count = ::pwrite(file.get(), data, left, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error(errno, "write");
    data += count;
    left -= static_cast<std::size_t>(count);
    offset += count;
  }
  return kOk;
}

bool wanted_attribute(std::string_view name) {
  return name.starts_with("user.") || name == "security.capability" || name.starts_with("system.posix_acl_");
}

// A capability attribute of revision 3 names the root of the user namespace it was written in; here everything is
// 0-based, so it becomes revision 2. Source: struct vfs_ns_cap_data, linux/capability.h.
std::string plain_capability(std::string value) {
  if (value.size() == 24 && value[3] == 3) {
    value[3] = 2;
    value.resize(20);
  }
  return value;
}

}  // namespace

Result<void> MemberWriter::make_parents(const std::string& directory) {
  for (std::size_t slash = directory.find('/');; slash = directory.find('/', slash + 1)) {
    const std::string part = directory.substr(0, slash);
    if (!open_beneath(root_, part, O_PATH | O_DIRECTORY).ok()) {
      const std::size_t last = part.rfind('/');
      const Fd parent =
          TRY(open_beneath(root_, last == std::string::npos ? "." : part.substr(0, last), O_PATH | O_DIRECTORY));
      const std::string name = last == std::string::npos ? part : part.substr(last + 1);
      if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) return errno_error(errno, "mkdir " + part);
    }
    if (slash == std::string::npos) return kOk;
  }
}

Result<MemberWriter::Parent> MemberWriter::open_parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (!parent_.valid() || directory != parent_path_) {
    Result<Fd> opened = open_beneath(root_, directory, O_PATH | O_DIRECTORY);
    if (!opened.ok() && opened.error().kind() == ErrorKind::kNotFound) {
      TRY(make_parents(directory));
      opened = open_beneath(root_, directory, O_PATH | O_DIRECTORY);
    }
    parent_ = TRY(std::move(opened));
    parent_path_ = directory;
  }
  return Parent{parent_, name};
}

Result<void> MemberWriter::write(const MemberPath& path, const ArchiveMember& member, MemberAction action,
                                 ArchiveReader& reader) {
  const Parent parent = TRY(open_parent(path.path));
  if (action == MemberAction::kReplace && ::unlinkat(parent.fd.get(), parent.name.c_str(), 0) != 0)
    return errno_error(errno, "remove the earlier member");
  switch (member.type) {
    case MemberType::kFile:
      return write_file(parent, member, reader);
    case MemberType::kDirectory:
      return write_directory(parent, path, member);
    case MemberType::kSymlink:
    case MemberType::kFifo:
      return write_other(parent, member);
    case MemberType::kDevice:
    case MemberType::kSocket:
    case MemberType::kHardLink:
      break;
  }
  return Error(ErrorKind::kInternal, "member of a type that is not written");
}

Result<void> MemberWriter::write_file(const Parent& parent, const ArchiveMember& member, ArchiveReader& reader) {
  const Fd file = TRY(open_at(parent.fd, parent.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  DataBlock block;
  while (TRY(reader.next_block(block))) TRY(pwrite_all(file, block));
  if (::ftruncate(file.get(), static_cast<off_t>(member.size)) != 0) return errno_error(errno, "ftruncate");
  // Owner, then mode (chown clears setuid), then attributes (chown clears capabilities), times last.
  if (::fchown(file.get(), static_cast<uid_t>(member.uid), static_cast<gid_t>(member.gid)) != 0)
    return errno_error(errno, "chown");
  if (::fchmod(file.get(), member.mode) != 0) return errno_error(errno, "chmod");
  TRY(set_attributes(file, member));
  const timespec times[2] = {member.modified, member.modified};
  if (::futimens(file.get(), times) != 0) return errno_error(errno, "set times");
  return kOk;
}

Result<void> MemberWriter::write_directory(const Parent& parent, const MemberPath& path, const ArchiveMember& member) {
  if (::mkdirat(parent.fd.get(), parent.name.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, "mkdir");
  const Fd directory = TRY(open_at(parent.fd, parent.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::fchown(directory.get(), static_cast<uid_t>(member.uid), static_cast<gid_t>(member.gid)) != 0)
    return errno_error(errno, "chown");
  if (::fchmod(directory.get(), member.mode) != 0) return errno_error(errno, "chmod");
  TRY(set_attributes(directory, member));
  times_.push_back({path.path, member.modified});
  return kOk;
}

Result<void> MemberWriter::write_other(const Parent& parent, const ArchiveMember& member) {
  if (member.type == MemberType::kSymlink) {
    if (::symlinkat(member.link.c_str(), parent.fd.get(), parent.name.c_str()) != 0)
      return errno_error(errno, "symlink");
  } else if (::mknodat(parent.fd.get(), parent.name.c_str(), S_IFIFO | 0600, 0) != 0) {
    return errno_error(errno, "mkfifo");
  }
  if (::fchownat(parent.fd.get(), parent.name.c_str(), static_cast<uid_t>(member.uid), static_cast<gid_t>(member.gid),
                 AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error(errno, "chown");
  // Nobody else writes here, so the name still means the fifo just made.
  if (member.type == MemberType::kFifo && ::fchmodat(parent.fd.get(), parent.name.c_str(), member.mode, 0) != 0)
    return errno_error(errno, "chmod");
  const timespec times[2] = {member.modified, member.modified};
  if (::utimensat(parent.fd.get(), parent.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error(errno, "set times");
  return kOk;
}

Result<void> MemberWriter::set_attributes(const Fd& file, const ArchiveMember& member) {
  for (const auto& [name, value] : member.attributes) {
    if (!wanted_attribute(name)) {
      ++skipped_attributes_;
      continue;
    }
    const std::string stored = name == "security.capability" ? plain_capability(value) : value;
    if (::fsetxattr(file.get(), name.c_str(), stored.data(), stored.size(), 0) != 0)
      return errno_error(errno, "setxattr " + name);
  }
  return kOk;
}

Result<void> MemberWriter::link(const MemberPath& path, const MemberPath& target, MemberAction action) {
  const std::size_t slash = target.path.rfind('/');
  const Fd source =
      TRY(open_beneath(root_, slash == std::string::npos ? "." : target.path.substr(0, slash), O_PATH | O_DIRECTORY));
  const std::string source_name = slash == std::string::npos ? target.path : target.path.substr(slash + 1);
  const Parent parent = TRY(open_parent(path.path));
  if (action == MemberAction::kReplace && ::unlinkat(parent.fd.get(), parent.name.c_str(), 0) != 0)
    return errno_error(errno, "remove the earlier member");
  if (::linkat(source.get(), source_name.c_str(), parent.fd.get(), parent.name.c_str(), 0) != 0)
    return errno_error(errno, "link to " + target.path);
  return kOk;
}

Result<void> MemberWriter::finish() {
  for (const DirectoryTime& entry : times_) {
    const Fd directory = TRY(open_beneath(root_, entry.path, O_RDONLY | O_DIRECTORY));
    const timespec times[2] = {entry.modified, entry.modified};
    if (::futimens(directory.get(), times) != 0) return errno_error(errno, "set times of " + entry.path);
  }
  times_.clear();
  return kOk;
}

}  // namespace cella::storage
