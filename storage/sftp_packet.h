// SFTP version 3 on the wire: numbers, attributes, and reading and writing one packet's fields.
// Source: draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL for the extensions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cella::storage {

enum class SftpType : std::uint8_t {
  kInit = 1,
  kVersion = 2,
  kOpen = 3,
  kClose = 4,
  kRead = 5,
  kWrite = 6,
  kLstat = 7,
  kFstat = 8,
  kSetstat = 9,
  kFsetstat = 10,
  kOpendir = 11,
  kReaddir = 12,
  kRemove = 13,
  kMkdir = 14,
  kRmdir = 15,
  kRealpath = 16,
  kStat = 17,
  kRename = 18,
  kReadlink = 19,
  kSymlink = 20,
  kStatus = 101,
  kHandle = 102,
  kBytes = 103,
  kName = 104,
  kAttributes = 105,
  kExtended = 200,
  kExtendedReply = 201,
};

enum class SftpStatus : std::uint32_t {
  kOk = 0,
  kEndOfFile = 1,
  kNoSuchFile = 2,
  kPermissionDenied = 3,
  kFailure = 4,
  kBadMessage = 5,
  kUnsupported = 8,
};

// pflags of OPEN.
inline constexpr std::uint32_t kSftpRead = 1, kSftpWrite = 2, kSftpAppend = 4, kSftpCreate = 8, kSftpTruncate = 16,
                               kSftpExclusive = 32;

// The most one packet may measure, its length field aside, and the most one READ gives or WRITE takes.
inline constexpr std::uint32_t kMaxSftpPacket = 512u << 10;
inline constexpr std::uint32_t kMaxSftpBytes = 256u << 10;

struct SftpOwner {
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};
struct SftpTimes {
  std::uint32_t accessed = 0;  // seconds since the epoch
  std::uint32_t modified = 0;
};
struct SftpAttributes {
  std::optional<std::uint64_t> size;
  std::optional<SftpOwner> owner;
  std::optional<std::uint32_t> mode;  // st_mode: type and permissions
  std::optional<SftpTimes> times;
};

// Builds one packet; text() is the packet with its length before it.
class SftpWriter {
 public:
  explicit SftpWriter(SftpType type);
  SftpWriter& u32(std::uint32_t value);
  SftpWriter& u64(std::uint64_t value);
  SftpWriter& text(std::string_view value);
  SftpWriter& attributes(const SftpAttributes& value);
  std::string take();

 private:
  std::string bytes_;
};

// Reads one packet's fields in order (the length field is gone already). Errors: kInvalid when it is too short.
class SftpReader {
 public:
  explicit SftpReader(std::string_view packet) : rest_(packet) {}
  Result<std::uint8_t> u8();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  // Valid as long as the packet.
  Result<std::string_view> text();
  // As text(), and without a zero byte inside.
  Result<std::string> path();
  Result<SftpAttributes> attributes();

 private:
  Result<std::string_view> take(std::size_t count);
  std::string_view rest_;
};

}  // namespace cella::storage
