#include "manager/file_session.h"

#include <sys/stat.h>

#include "storage/sftp_client.h"

namespace cella::manager {

using storage::SftpAttributes;
using storage::SftpClient;

struct FileSession::Parts {
  // Before the client: it goes last.
  std::shared_ptr<void> keep;
  SftpClient client;
};

struct OpenedFile::State {
  FileSession session;
  SftpClient::Handle handle;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
  SftpClient& client() { return session.parts_->client; }
};

namespace {

constexpr std::size_t kPieceBytes = 256u << 10;
constexpr std::uint32_t kPermissions = 07777;

FileKind kind_of(std::uint32_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return S_ISLNK(mode) ? FileKind::kSymlink : FileKind::kOther;
}

FileFacts facts_of(const SftpAttributes& attributes) {
  FileFacts facts;
  const std::uint32_t mode = attributes.mode.value_or(0);
  facts.kind = kind_of(mode);
  facts.mode = mode & kPermissions;
  facts.size = attributes.size.value_or(0);
  if (attributes.owner) facts.user = attributes.owner->user;
  if (attributes.owner) facts.group = attributes.owner->group;
  if (attributes.times) facts.modified = Timestamp(std::chrono::seconds(attributes.times->modified));
  return facts;
}

// What has to be set so that a file with `present` gets the wanted ownership.
SftpAttributes changes(const FileOwnership& wanted, const SftpAttributes& present) {
  SftpAttributes change;
  change.mode = wanted.mode;
  if (wanted.user || wanted.group) {
    const storage::SftpOwner owner = present.owner.value_or(storage::SftpOwner{});
    change.owner = storage::SftpOwner{wanted.user.value_or(owner.user), wanted.group.value_or(owner.group)};
    // A change of owner drops setuid: the mode is then set again.
    if (!change.mode && present.mode) change.mode = *present.mode & kPermissions;
  }
  return change;
}

}  // namespace

Result<FileSession> FileSession::open(Fd socket, std::shared_ptr<void> keep) {
  auto client = TRY(SftpClient::open(std::move(socket)));
  return FileSession(std::unique_ptr<Parts>(new Parts{std::move(keep), std::move(client)}));
}

FileSession::FileSession(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
FileSession::FileSession(FileSession&&) noexcept = default;
FileSession& FileSession::operator=(FileSession&&) noexcept = default;
FileSession::~FileSession() = default;

Result<FileFacts> FileSession::facts(const std::string& path) { return facts_of(TRY(parts_->client.lstat(path))); }
Result<std::vector<std::string>> FileSession::list(const std::string& path) { return parts_->client.list(path); }
Result<std::string> FileSession::read_link(const std::string& path) { return parts_->client.read_link(path); }

Result<OpenedFile> FileSession::read(FileSession session, const std::string& path) {
  SftpClient& client = session.parts_->client;
  auto handle = TRY(client.open_file(path, storage::kSftpRead, 0));
  const SftpAttributes attributes = TRY(client.stat(handle, path));
  return OpenedFile(std::shared_ptr<OpenedFile::State>(
      new OpenedFile::State{std::move(session), std::move(handle), attributes.size.value_or(0), 0}));
}

Result<void> FileSession::write(const std::string& path, FileWrite how, const FileOwnership& ownership,
                                const ByteSource& source) {
  SftpClient& client = parts_->client;
  const std::uint32_t flags = storage::kSftpWrite | storage::kSftpCreate |
                              (how == FileWrite::kAppend ? storage::kSftpAppend : storage::kSftpTruncate);
  const auto handle = TRY(client.open_file(path, flags, ownership.mode.value_or(0644)));
  const SftpAttributes present = TRY(client.stat(handle, path));
  std::uint64_t offset = how == FileWrite::kAppend ? present.size.value_or(0) : 0;
  std::vector<char> buffer(kPieceBytes);
  for (;;) {
    const std::size_t count = TRY(source(buffer.data(), buffer.size()));
    if (count == 0) break;
    TRY_CONTEXT(path, client.write(handle, offset, {buffer.data(), count}));
    offset += count;
  }
  const SftpAttributes change = changes(ownership, present);
  if (change.owner || change.mode) TRY(client.set(handle, change, path));
  return client.close(handle);
}

Result<void> FileSession::make_directory(const std::string& path, const FileOwnership& ownership) {
  SftpClient& client = parts_->client;
  const auto present = client.stat(path);
  if (present.ok() && kind_of(present->mode.value_or(0)) == FileKind::kDirectory) return kOk;
  TRY(client.make_directory(path, ownership.mode.value_or(0755)));
  if (!ownership.user && !ownership.group) return kOk;
  return client.set_path(path, changes(ownership, TRY(client.lstat(path))));
}

Result<void> FileSession::make_parents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (path[slash - 1] != '/') TRY(make_directory(path.substr(0, slash), {}));
  }
  return kOk;
}

Result<void> FileSession::make_link(const std::string& path, const std::string& target,
                                    const FileOwnership& ownership) {
  SftpClient& client = parts_->client;
  const auto present = client.read_link(path);
  if (!present.ok() || *present != target) TRY(client.make_link(target, path));
  if (!ownership.user && !ownership.group) return kOk;
  SftpAttributes change = changes(ownership, TRY(client.lstat(path)));
  change.mode.reset();
  return client.set_link(path, change);
}

Result<void> FileSession::remove(const std::string& path) {
  const FileFacts present = TRY(facts(path));
  if (present.kind == FileKind::kDirectory) return parts_->client.remove_directory(path);
  return parts_->client.remove_file(path);
}

OpenedFile::OpenedFile(std::shared_ptr<State> state) : state_(std::move(state)) {}
std::uint64_t OpenedFile::size() const { return state_->size; }

Result<std::size_t> OpenedFile::read(char* into, std::size_t capacity) {
  const std::size_t count = TRY(state_->client().read(state_->handle, state_->offset, into, capacity));
  state_->offset += count;
  return count;
}

}  // namespace cella::manager
