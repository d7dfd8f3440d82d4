#include "storage/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <cerrno>

#include "storage/acl_attribute.h"

namespace cella::storage {

struct ArchiveReader::State {
  archive* handle = nullptr;
  archive_entry* entry = nullptr;
  ~State() {
    if (handle != nullptr) ::archive_read_free(handle);
  }
};

namespace {

Error damaged(archive* handle, std::string_view where) {
  const char* text = ::archive_error_string(handle);
  std::string what = "archive damaged";
  if (!where.empty()) what += " at \"" + std::string(where.substr(0, 300)) + "\"";
  if (text != nullptr) what += std::string(": ") + text;
  if (::archive_errno(handle) == ENOMEM) return Error(ErrorKind::kNoSpace, ENOMEM, what);
  return Error(ErrorKind::kInvalid, what);
}

Result<MemberType> type_of(archive_entry* entry, const std::string& name) {
  if (::archive_entry_hardlink(entry) != nullptr) return MemberType::kHardLink;
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return MemberType::kFile;
    case AE_IFDIR:
      return MemberType::kDirectory;
    case AE_IFLNK:
      return MemberType::kSymlink;
    case AE_IFIFO:
      return MemberType::kFifo;
    case AE_IFCHR:
    case AE_IFBLK:
      return MemberType::kDevice;
    case AE_IFSOCK:
      return MemberType::kSocket;
    default:
      return invalid_value("archive member", name, "of an unknown type");
  }
}

std::uint16_t acl_tag(int tag) {
  switch (tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
      return 0x01;
    case ARCHIVE_ENTRY_ACL_USER:
      return 0x02;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
      return 0x04;
    case ARCHIVE_ENTRY_ACL_GROUP:
      return 0x08;
    case ARCHIVE_ENTRY_ACL_MASK:
      return 0x10;
    case ARCHIVE_ENTRY_ACL_OTHER:
      return 0x20;
    default:
      return 0;
  }
}

std::vector<AclEntry> acl_entries(archive_entry* entry, int wanted) {
  std::vector<AclEntry> entries;
  ::archive_entry_acl_reset(entry, wanted);
  int type = 0, permissions = 0, tag = 0, id = 0;
  const char* name = nullptr;
  while (::archive_entry_acl_next(entry, wanted, &type, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
    const std::uint16_t code = acl_tag(tag);
    if (code == 0 || entries.size() > 1024) continue;
    const bool named = code == 0x02 || code == 0x08;
    entries.push_back(AclEntry{code, static_cast<std::uint16_t>(permissions & 7),
                               named ? static_cast<std::uint32_t>(id) : 0xffffffffu});
  }
  return entries;
}

void read_attributes(archive_entry* entry, ArchiveMember& member) {
  ::archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
    if (name != nullptr) member.attributes.emplace_back(name, std::string(static_cast<const char*>(value), size));
  for (const auto& [wanted, attribute] : {std::pair{ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access"},
                                          std::pair{ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default"}}) {
    // The three plain entries alone say no more than the mode.
    if (::archive_entry_acl_count(entry, wanted) == 0) continue;
    std::vector<AclEntry> entries = acl_entries(entry, wanted);
    if (entries.size() >= 3) member.attributes.emplace_back(attribute, encode_acl(std::move(entries)));
  }
}

}  // namespace

ArchiveReader::ArchiveReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(const Fd& file) {
  auto state = std::make_unique<State>();
  state->handle = ::archive_read_new();
  if (state->handle == nullptr) return Error(ErrorKind::kNoSpace, "archive_read_new");
  archive* handle = state->handle;
  ::archive_read_support_format_tar(handle);
  ::archive_read_support_filter_gzip(handle);
  ::archive_read_support_filter_xz(handle);
  ::archive_read_support_filter_lzma(handle);
  ::archive_read_support_filter_zstd(handle);
  ::archive_read_support_filter_bzip2(handle);
  if (::archive_read_open_fd(handle, file.get(), 256 * 1024) != ARCHIVE_OK) return damaged(handle, "");
  return ArchiveReader(std::move(state));
}

Result<bool> ArchiveReader::next(ArchiveMember& member) {
  archive* handle = state_->handle;
  const std::string before = std::move(member.name);
  member = ArchiveMember{};
  const int status = ::archive_read_next_header(handle, &state_->entry);
  if (status == ARCHIVE_EOF) return false;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return damaged(handle, before.empty() ? "" : "after " + before);
  archive_entry* entry = state_->entry;
  const char* name = ::archive_entry_pathname(entry);
  if (name == nullptr)
    return Error(ErrorKind::kInvalid, "archive member after \"" + before + "\": name cannot be read");
  member.name = name;
  member.type = TRY(type_of(entry, member.name));
  if (const char* link =
          member.type == MemberType::kHardLink ? ::archive_entry_hardlink(entry) : ::archive_entry_symlink(entry))
    member.link = link;
  member.mode = static_cast<std::uint32_t>(::archive_entry_perm(entry)) & 07777;
  member.uid = ::archive_entry_uid(entry);
  member.gid = ::archive_entry_gid(entry);
  const std::int64_t size = ::archive_entry_size(entry);
  if (size < 0) return invalid_value("archive member", member.name, "negative size");
  member.size = static_cast<std::uint64_t>(size);
  member.modified = {::archive_entry_mtime(entry), ::archive_entry_mtime_nsec(entry)};
  read_attributes(entry, member);
  return true;
}

Result<bool> ArchiveReader::next_block(DataBlock& block) {
  const int status = ::archive_read_data_block(state_->handle, &block.data, &block.size, &block.offset);
  if (status == ARCHIVE_EOF) return false;
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
    const char* name = ::archive_entry_pathname(state_->entry);
    return damaged(state_->handle, name == nullptr ? "" : name);
  }
  return true;
}

std::uint64_t ArchiveReader::consumed() const {
  const std::int64_t bytes = ::archive_filter_bytes(state_->handle, -1);
  return bytes < 0 ? 0 : static_cast<std::uint64_t>(bytes);
}

bool ArchiveReader::plain() const { return ::archive_filter_code(state_->handle, 0) == ARCHIVE_FILTER_NONE; }

}  // namespace cella::storage
