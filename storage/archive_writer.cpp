#include "storage/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <map>
#include <vector>

#include "base/files.h"

namespace cella::storage {
namespace {

constexpr std::size_t kBuffer = 256u << 10;

struct Method {
  std::string_view name;
  CompressionMethod method;
  int (*add_filter)(archive*);
};
constexpr Method kMethods[] = {{"none", CompressionMethod::kNone, ::archive_write_add_filter_none},
                               {"gzip", CompressionMethod::kGzip, ::archive_write_add_filter_gzip},
                               {"pigz", CompressionMethod::kGzip, ::archive_write_add_filter_gzip},
                               {"zstd", CompressionMethod::kZstd, ::archive_write_add_filter_zstd},
                               {"xz", CompressionMethod::kXz, ::archive_write_add_filter_xz},
                               {"lzma", CompressionMethod::kLzma, ::archive_write_add_filter_lzma},
                               {"bzip2", CompressionMethod::kBzip2, ::archive_write_add_filter_bzip2}};

struct EntryFree {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, EntryFree>;

Entry make_entry(const std::string& name, const struct stat& status) {
  Entry entry(::archive_entry_new());
  ::archive_entry_set_pathname(entry.get(), name.c_str());
  ::archive_entry_set_filetype(entry.get(), status.st_mode & S_IFMT);
  ::archive_entry_set_perm(entry.get(), status.st_mode & 07777);
  ::archive_entry_set_uid(entry.get(), status.st_uid);
  ::archive_entry_set_gid(entry.get(), status.st_gid);
  ::archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (S_ISREG(status.st_mode)) ::archive_entry_set_size(entry.get(), status.st_size);
  return entry;
}

int archive_tag(unsigned tag) {
  switch (tag) {
    case 0x01:
      return ARCHIVE_ENTRY_ACL_USER_OBJ;
    case 0x02:
      return ARCHIVE_ENTRY_ACL_USER;
    case 0x04:
      return ARCHIVE_ENTRY_ACL_GROUP_OBJ;
    case 0x08:
      return ARCHIVE_ENTRY_ACL_GROUP;
    case 0x10:
      return ARCHIVE_ENTRY_ACL_MASK;
    default:
      return ARCHIVE_ENTRY_ACL_OTHER;
  }
}

// Of the form that encode_acl() makes: a version word, then entries of tag, permissions, id.
void add_acl(archive_entry* entry, int type, const std::string& value) {
  const auto number = [&](std::size_t at, std::size_t bytes) {
    unsigned result = 0;
    for (std::size_t i = bytes; i > 0; --i) result = result << 8 | static_cast<unsigned char>(value[at + i - 1]);
    return result;
  };
  for (std::size_t at = 4; at + 8 <= value.size(); at += 8) {
    const unsigned tag = number(at, 2);
    const bool named = tag == 0x02 || tag == 0x08;
    ::archive_entry_acl_add_entry(entry, type, static_cast<int>(number(at + 2, 2)), archive_tag(tag),
                                  named ? static_cast<int>(number(at + 4, 4)) : -1, nullptr);
  }
}

// By its place in /proc: `file` may be an O_PATH descriptor of any type of file.
Result<void> add_attributes(archive_entry* entry, const Fd& file) {
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  std::string names(64u << 10, '\0');
  const ssize_t length = ::listxattr(path.c_str(), names.data(), names.size());
  if (length < 0 && errno == EOPNOTSUPP) return kOk;
  if (length < 0) return errno_error(errno, "list attributes");
  std::string value(64u << 10, '\0');
  for (const char* name = names.data(); name < names.data() + length; name += std::strlen(name) + 1) {
    const std::string_view text(name);
    if (text.starts_with("trusted.") || text == "security.selinux" || text == "security.apparmor") continue;
    const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
    if (size < 0 && (errno == ENODATA || errno == EOPNOTSUPP)) continue;
    if (size < 0) return errno_error(errno, std::string("read attribute ") + name);
    const std::string content = value.substr(0, static_cast<std::size_t>(size));
    if (text == "system.posix_acl_access") {
      add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, content);
    } else if (text == "system.posix_acl_default") {
      add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, content);
    } else {
      ::archive_entry_xattr_add_entry(entry, name, content.data(), content.size());
    }
  }
  return kOk;
}

void add_holes(archive_entry* entry, const Fd& file, const struct stat& status) {
  if (status.st_blocks * 512 >= status.st_size) return;
  off_t at = 0;
  while (at < status.st_size) {
    const off_t data = ::lseek(file.get(), at, SEEK_DATA);
    if (data < 0) break;
    off_t hole = ::lseek(file.get(), data, SEEK_HOLE);
    if (hole < 0) hole = status.st_size;
    ::archive_entry_sparse_add_entry(entry, data, hole - data);
    at = hole;
  }
  // A file that is one hole: an empty stretch at its end says so.
  if (::archive_entry_sparse_count(entry) == 0) ::archive_entry_sparse_add_entry(entry, status.st_size, 0);
}

}  // namespace

Result<Compression> parse_compression(std::string_view key, std::string_view text) {
  const auto space = text.find(' ');
  const auto name = text.substr(0, space);
  Compression compression;
  bool known = false;
  for (const Method& method : kMethods) {
    if (method.name != name) continue;
    compression.method = method.method;
    known = true;
  }
  if (name == "squashfs") return Error(ErrorKind::kUnsupported, std::string(key) + ": squashfs is not written here");
  if (!known) return invalid_value(key, text, "expected none, gzip, zstd, xz, lzma or bzip2");
  std::string_view rest = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  while (!rest.empty()) {
    const auto end = rest.find(' ');
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (word.empty() || word.starts_with("-T")) continue;
    int level = -1;
    const auto digits = word.substr(1);
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), level);
    const int highest = compression.method == CompressionMethod::kZstd ? 19 : 9;
    if (word.front() != '-' || error != std::errc() || last != digits.data() + digits.size() || level < 0 ||
        level > highest || compression.method == CompressionMethod::kNone) {
      return invalid_value(key, text, "the only option is a level, -1 to -" + std::to_string(highest));
    }
    compression.level = level;
  }
  return compression;
}

struct ArchiveWriter::State {
  archive* handle = nullptr;
  std::map<std::pair<dev_t, ino_t>, std::string> links;  // first names of files that have several
  std::uint64_t bytes = 0;
  std::vector<char> buffer = std::vector<char>(kBuffer);
  ~State() {
    if (handle != nullptr) ::archive_write_free(handle);
  }

  Error failure(const std::string& what) const {
    const char* text = ::archive_error_string(handle);
    const int number = ::archive_errno(handle);
    const auto kind = number == ENOSPC || number == EDQUOT ? ErrorKind::kNoSpace : ErrorKind::kIo;
    return Error(kind, number, "write archive: " + what + (text == nullptr ? "" : std::string(": ") + text));
  }

  Result<void> head(archive_entry* entry, const std::string& name) {
    const int status = ::archive_write_header(handle, entry);
    if (status == ARCHIVE_OK || status == ARCHIVE_WARN) return kOk;
    return failure(name);
  }

  Result<void> data(const char* from, std::size_t size, const std::string& name) {
    while (size > 0) {
      const la_ssize_t count = ::archive_write_data(handle, from, size);
      if (count < 0) return failure(name);
      if (count == 0) return kOk;  // more than the head said: the rest is left out
      from += count;
      size -= static_cast<std::size_t>(count);
    }
    return kOk;
  }

  Result<void> notify(const Watch& watch) const {
    if (watch.cancelled && watch.cancelled()) return Error(ErrorKind::kCancelled, "write archive");
    if (watch.progress) watch.progress(bytes, 0);
    return kOk;
  }

  Result<void> file(const Fd& parent, const std::string& leaf, const std::string& name, const struct stat& status,
                    const Watch& watch) {
    auto entry = make_entry(name, status);
    if (status.st_nlink > 1) {
      const auto [first, fresh] = links.try_emplace({status.st_dev, status.st_ino}, name);
      if (!fresh) {
        ::archive_entry_set_size(entry.get(), 0);
        ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
        return head(entry.get(), name);
      }
    }
    const Fd source = TRY(open_at(parent, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    TRY(add_attributes(entry.get(), source));
    add_holes(entry.get(), source, status);
    TRY(head(entry.get(), name));
    off_t at = 0;
    for (;;) {
      const ssize_t count = ::pread(source.get(), buffer.data(), buffer.size(), at);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno_error(errno, "read");
      if (count == 0) return kOk;
      TRY(data(buffer.data(), static_cast<std::size_t>(count), name));
      at += count;
      bytes += static_cast<std::uint64_t>(count);
      TRY(notify(watch));
    }
  }

  Result<void> link(const Fd& source, const std::string& name, const struct stat& status) {
    std::string text(4097, '\0');
    const ssize_t count = ::readlinkat(source.get(), "", text.data(), text.size());
    if (count < 0) return errno_error(errno, "readlink");
    text.resize(static_cast<std::size_t>(count));
    auto entry = make_entry(name, status);
    ::archive_entry_set_symlink(entry.get(), text.c_str());
    return head(entry.get(), name);
  }

  Result<void> member(const Fd& parent, const std::string& leaf, const std::string& name, const Watch& watch) {
    const Fd source = TRY(open_at(parent, leaf, O_PATH | O_NOFOLLOW));
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) return errno_error(errno, "stat");
    switch (status.st_mode & S_IFMT) {
      case S_IFDIR:
        return tree(TRY(open_at(parent, leaf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)), name, watch);
      case S_IFREG:
        return file(parent, leaf, name, status, watch);
      case S_IFLNK:
        return link(source, name, status);
      case S_IFIFO:
        return head(make_entry(name, status).get(), name);
      default:
        return kOk;
    }
  }

  Result<void> tree(const Fd& directory, const std::string& name, const Watch& watch) {
    struct stat status {};
    if (::fstat(directory.get(), &status) != 0) return errno_error(errno, "stat " + name);
    auto entry = make_entry(name + "/", status);
    TRY_CONTEXT(name, add_attributes(entry.get(), directory));
    TRY(head(entry.get(), name));
    TRY(notify(watch));
    for (const std::string& leaf : TRY(list_names(directory))) {
      const std::string path = name + "/" + leaf;
      TRY_CONTEXT(path, member(directory, leaf, path, watch));
    }
    return kOk;
  }
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::open(const Fd& file, const Compression& compression) {
  auto state = std::make_unique<State>();
  state->handle = ::archive_write_new();
  if (state->handle == nullptr) return Error(ErrorKind::kNoSpace, "archive_write_new");
  archive* handle = state->handle;
  ::archive_write_set_format_pax(handle);
  // The names that tar and LXD read; libarchive's own form would come beside it.
  ::archive_write_set_format_option(handle, "pax", "xattrheader", "SCHILY");
  for (const Method& method : kMethods) {
    if (method.method != compression.method) continue;
    if (method.add_filter(handle) != ARCHIVE_OK) return state->failure(std::string(method.name));
    if (compression.level) {
      const std::string level = std::to_string(*compression.level);
      if (::archive_write_set_filter_option(handle, nullptr, "compression-level", level.c_str()) != ARCHIVE_OK) {
        return state->failure("compression level " + level);
      }
    }
    break;
  }
  // Into a pipe it would else be padded with zeros behind its end, which no decompressor takes.
  if (::archive_write_set_bytes_in_last_block(handle, 1) != ARCHIVE_OK) return state->failure("open");
  if (::archive_write_open_fd(handle, file.get()) != ARCHIVE_OK) return state->failure("open");
  return ArchiveWriter(std::move(state));
}

Result<void> ArchiveWriter::add_text(const std::string& name, std::string_view text) {
  struct stat status {};
  status.st_mode = S_IFREG | 0644;
  status.st_size = static_cast<off_t>(text.size());
  status.st_mtim.tv_sec = ::time(nullptr);
  TRY(state_->head(make_entry(name, status).get(), name));
  return state_->data(text.data(), text.size(), name);
}

Result<void> ArchiveWriter::add_directory(const std::string& name) {
  struct stat status {};
  status.st_mode = S_IFDIR | 0755;
  status.st_mtim.tv_sec = ::time(nullptr);
  return state_->head(make_entry(name + "/", status).get(), name);
}

Result<void> ArchiveWriter::add_tree(const std::string& name, const Fd& directory, const Watch& watch) {
  return state_->tree(directory, name, watch);
}

Result<void> ArchiveWriter::add_member(const std::string& name, const Fd& directory, const std::string& leaf,
                                       const Watch& watch) {
  TRY_CONTEXT(name, state_->member(directory, leaf, name, watch));
  return kOk;
}

Result<void> ArchiveWriter::finish() {
  if (::archive_write_close(state_->handle) != ARCHIVE_OK) return state_->failure("close");
  return kOk;
}

}  // namespace cella::storage
