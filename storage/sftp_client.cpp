#include "storage/sftp_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace cella::storage {
namespace {

constexpr timeval kPatience{60, 0};
constexpr std::size_t kMaxNames = 1'000'000;

Error broken(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return Error(ErrorKind::kTimeout, "file worker does not answer");
  if (error == 0) return Error(ErrorKind::kIo, "file worker has ended");
  return errno_error(error, "file worker");
}

Result<void> receive_all(const Fd& socket, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::recv(socket.get(), into, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return broken(count < 0 ? errno : 0);
    into += count;
    size -= static_cast<std::size_t>(count);
  }
  return kOk;
}

Result<void> send_all(const Fd& socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::send(socket.get(), data.data(), data.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return broken(errno == EPIPE ? 0 : errno);
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return kOk;
}

// "open /x: No such file or directory" → "open /x": Error adds the errno's text itself.
std::string without_errno_text(std::string_view text, int number) {
  const std::string ending = std::string(": ") + ::strerror(number);
  if (number != 0 && text.ends_with(ending)) text.remove_suffix(ending.size());
  return std::string(text);
}

Error error_of(SftpReader& reader) {
  const auto code = reader.u32();
  const auto text = reader.text();
  const auto tag = reader.text();
  if (!code.ok() || !text.ok() || !tag.ok()) return Error(ErrorKind::kIo, "file worker: malformed status");
  constexpr std::string_view kPrefix = "x-errno-";
  int number = 0;
  if (tag->starts_with(kPrefix)) {
    const std::string_view digits = tag->substr(kPrefix.size());
    static_cast<void>(std::from_chars(digits.data(), digits.data() + digits.size(), number));
  }
  if (number > 0 && number < 4096) return errno_error(number, without_errno_text(*text, number));
  const bool unsupported = *code == static_cast<std::uint32_t>(SftpStatus::kUnsupported);
  return Error(unsupported ? ErrorKind::kUnsupported : ErrorKind::kInvalid, std::string(*text));
}

}  // namespace

Result<SftpClient> SftpClient::open(Fd socket) {
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (::setsockopt(socket.get(), SOL_SOCKET, option, &kPatience, sizeof kPatience) != 0)
      return errno_error(errno, "setsockopt file worker");
  }
  SftpClient client(std::move(socket));
  const std::string answer = TRY(client.exchange(std::move(SftpWriter(SftpType::kInit).u32(3))));
  if (answer.empty() || static_cast<SftpType>(answer[0]) != SftpType::kVersion)
    return Error(ErrorKind::kIo, "file worker: malformed greeting");
  return client;
}

SftpWriter SftpClient::request(SftpType type) { return std::move(SftpWriter(type).u32(++id_)); }

Result<std::string> SftpClient::exchange(SftpWriter request) {
  TRY(send_all(socket_, std::move(request).take()));
  unsigned char head[4];
  TRY(receive_all(socket_, reinterpret_cast<char*>(head), sizeof head));  // SAFETY: bytes either way
  std::uint32_t length = 0;
  for (const unsigned char byte : head) length = length << 8 | byte;
  if (length == 0 || length > kMaxSftpPacket) return Error(ErrorKind::kIo, "file worker: malformed answer");
  std::string answer(length, '\0');
  TRY(receive_all(socket_, answer.data(), answer.size()));
  return answer;
}

Result<std::string> SftpClient::ask(SftpWriter request, SftpType expected, bool* end) {
  std::string answer = TRY(exchange(std::move(request)));
  SftpReader reader(answer);
  const auto type = static_cast<SftpType>(TRY(reader.u8()));
  if (TRY(reader.u32()) != id_) return Error(ErrorKind::kIo, "file worker: answer to another question");
  if (type == expected) return answer.substr(5);
  if (type != SftpType::kStatus) return Error(ErrorKind::kIo, "file worker: unexpected answer");
  SftpReader peek = reader;
  const auto code = static_cast<SftpStatus>(TRY(peek.u32()));
  if (end != nullptr && code == SftpStatus::kEndOfFile) {
    *end = true;
    return std::string();
  }
  return error_of(reader);
}

Result<void> SftpClient::order(SftpWriter request) {
  const std::string answer = TRY(ask(std::move(request), SftpType::kStatus));
  SftpReader reader(answer);
  SftpReader peek = reader;
  if (TRY(peek.u32()) == static_cast<std::uint32_t>(SftpStatus::kOk)) return kOk;
  return error_of(reader);
}

Result<SftpAttributes> SftpClient::ask_attributes(SftpWriter request) {
  const std::string answer = TRY(ask(std::move(request), SftpType::kAttributes));
  return SftpReader(answer).attributes();
}

Result<SftpAttributes> SftpClient::stat(const std::string& path) {
  return ask_attributes(std::move(request(SftpType::kStat).text(path)));
}
Result<SftpAttributes> SftpClient::lstat(const std::string& path) {
  return ask_attributes(std::move(request(SftpType::kLstat).text(path)));
}
Result<SftpAttributes> SftpClient::stat(const Handle& handle, std::string_view what) {
  return TRY_CONTEXT(what, ask_attributes(std::move(request(SftpType::kFstat).text(handle))));
}

Result<SftpClient::Handle> SftpClient::open_file(const std::string& path, std::uint32_t flags, std::uint32_t mode) {
  SftpAttributes attributes;
  attributes.mode = mode;
  const std::string answer =
      TRY(ask(std::move(request(SftpType::kOpen).text(path).u32(flags).attributes(attributes)), SftpType::kHandle));
  return std::string(TRY(SftpReader(answer).text()));
}

Result<bool> SftpClient::add_names(const Handle& handle, std::vector<std::string>& names) {
  bool end = false;
  const std::string answer = TRY(ask(std::move(request(SftpType::kReaddir).text(handle)), SftpType::kName, &end));
  if (end) return false;
  SftpReader reader(answer);
  const std::uint32_t count = TRY(reader.u32());
  for (std::uint32_t i = 0; i < count; ++i) {
    names.emplace_back(TRY(reader.path()));
    TRY(reader.text());
    TRY(reader.attributes());
  }
  if (names.size() > kMaxNames) return Error(ErrorKind::kNoSpace, "directory with more than a million names");
  return count > 0;
}

Result<std::vector<std::string>> SftpClient::list(const std::string& path) {
  const std::string answer = TRY(ask(std::move(request(SftpType::kOpendir).text(path)), SftpType::kHandle));
  const Handle handle(TRY(SftpReader(answer).text()));
  std::vector<std::string> names;
  while (TRY(add_names(handle, names))) {
  }
  TRY(close(handle));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> SftpClient::read_link(const std::string& path) {
  const std::string answer = TRY(ask(std::move(request(SftpType::kReadlink).text(path)), SftpType::kName));
  SftpReader reader(answer);
  TRY(reader.u32());
  return reader.path();
}

Result<std::size_t> SftpClient::read(const Handle& handle, std::uint64_t offset, char* into, std::size_t capacity) {
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(capacity, kMaxSftpBytes));
  bool end = false;
  const std::string answer =
      TRY(ask(std::move(request(SftpType::kRead).text(handle).u64(offset).u32(wanted)), SftpType::kBytes, &end));
  if (end) return std::size_t{0};
  const std::string_view bytes = TRY(SftpReader(answer).text());
  if (bytes.size() > wanted) return Error(ErrorKind::kIo, "file worker: more bytes than asked for");
  std::memcpy(into, bytes.data(), bytes.size());
  return bytes.size();
}

Result<void> SftpClient::write(const Handle& handle, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kMaxSftpBytes);
    TRY(order(std::move(request(SftpType::kWrite).text(handle).u64(offset).text(piece))));
    bytes.remove_prefix(piece.size());
    offset += piece.size();
  }
  return kOk;
}

Result<void> SftpClient::set(const Handle& handle, const SftpAttributes& wanted, std::string_view what) {
  return TRY_CONTEXT(what, order(std::move(request(SftpType::kFsetstat).text(handle).attributes(wanted)))), kOk;
}
Result<void> SftpClient::close(const Handle& handle) {
  return order(std::move(request(SftpType::kClose).text(handle)));
}
Result<void> SftpClient::set_path(const std::string& path, const SftpAttributes& wanted) {
  return order(std::move(request(SftpType::kSetstat).text(path).attributes(wanted)));
}
Result<void> SftpClient::set_link(const std::string& path, const SftpAttributes& wanted) {
  return order(std::move(request(SftpType::kExtended).text("lsetstat@openssh.com").text(path).attributes(wanted)));
}
Result<void> SftpClient::make_directory(const std::string& path, std::uint32_t mode) {
  SftpAttributes attributes;
  attributes.mode = mode;
  return order(std::move(request(SftpType::kMkdir).text(path).attributes(attributes)));
}
Result<void> SftpClient::make_link(const std::string& target, const std::string& path) {
  return order(std::move(request(SftpType::kSymlink).text(target).text(path)));
}
Result<void> SftpClient::remove_file(const std::string& path) {
  return order(std::move(request(SftpType::kRemove).text(path)));
}
Result<void> SftpClient::remove_directory(const std::string& path) {
  return order(std::move(request(SftpType::kRmdir).text(path)));
}

}  // namespace cella::storage
