#include "storage/sftp_packet.h"

namespace cella::storage {
namespace {

constexpr std::uint32_t kHasSize = 1, kHasOwner = 2, kHasMode = 4, kHasTimes = 8, kHasExtended = 0x80000000u;
constexpr std::uint32_t kMaxExtended = 64;

}  // namespace

SftpWriter::SftpWriter(SftpType type) : bytes_(4, '\0') { bytes_ += static_cast<char>(type); }

SftpWriter& SftpWriter::u32(std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift & 0xff);
  return *this;
}

SftpWriter& SftpWriter::u64(std::uint64_t value) {
  return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

SftpWriter& SftpWriter::text(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  bytes_ += value;
  return *this;
}

SftpWriter& SftpWriter::attributes(const SftpAttributes& value) {
  u32((value.size ? kHasSize : 0) | (value.owner ? kHasOwner : 0) | (value.mode ? kHasMode : 0) |
      (value.times ? kHasTimes : 0));
  if (value.size) u64(*value.size);
  if (value.owner) u32(value.owner->user).u32(value.owner->group);
  if (value.mode) u32(*value.mode);
  if (value.times) u32(value.times->accessed).u32(value.times->modified);
  return *this;
}

std::string SftpWriter::take() {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - 4);
  for (int i = 0; i < 4; ++i) bytes_[static_cast<std::size_t>(i)] = static_cast<char>(length >> (24 - 8 * i) & 0xff);
  return std::move(bytes_);
}

Result<std::string_view> SftpReader::take(std::size_t count) {
  if (count > rest_.size()) return Error(ErrorKind::kInvalid, "SFTP packet is cut short");
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

Result<std::uint8_t> SftpReader::u8() { return static_cast<std::uint8_t>(TRY(take(1))[0]); }

Result<std::uint32_t> SftpReader::u32() {
  std::uint32_t value = 0;
  for (const char byte : TRY(take(4))) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

Result<std::uint64_t> SftpReader::u64() {
  const std::uint64_t high = TRY(u32());
  return high << 32 | TRY(u32());
}

Result<std::string_view> SftpReader::text() { return take(TRY(u32())); }

Result<std::string> SftpReader::path() {
  const std::string_view value = TRY(text());
  if (value.find('\0') != std::string_view::npos) return Error(ErrorKind::kInvalid, "SFTP path holds a zero byte");
  return std::string(value);
}

Result<SftpAttributes> SftpReader::attributes() {
  SftpAttributes value;
  const std::uint32_t flags = TRY(u32());
  if ((flags & kHasSize) != 0) value.size = TRY(u64());
  if ((flags & kHasOwner) != 0) {
    const std::uint32_t user = TRY(u32());
    value.owner = SftpOwner{user, TRY(u32())};
  }
  if ((flags & kHasMode) != 0) value.mode = TRY(u32());
  if ((flags & kHasTimes) != 0) {
    const std::uint32_t accessed = TRY(u32());
    value.times = SftpTimes{accessed, TRY(u32())};
  }
  if ((flags & kHasExtended) == 0) return value;
  const std::uint32_t count = TRY(u32());
  if (count > kMaxExtended) return Error(ErrorKind::kInvalid, "SFTP attributes: too many extensions");
  for (std::uint32_t i = 0; i < count; ++i) {
    TRY(text());
    TRY(text());
  }
  return value;
}

}  // namespace cella::storage
