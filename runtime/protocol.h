// The bytes between daemon and keeper: the frame of a message, and how values become bytes and back.
//
// One SEQPACKET message is one frame: a 16-byte header (magic, version, kind, id), then the body. Numbers are little
// endian of fixed width, strings and lists carry a 32-bit count. Descriptors travel beside the bytes and are named by
// position. Both ends speak exactly one version; a keeper that outlived an upgrade is replaced and its containers adopted.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace cella::runtime::protocol {

inline constexpr std::uint32_t kMagic = 0x4b4c4543;  // "CELK"
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kHeaderSize = 16;
// Fits the default socket buffer of every kernel since 2.6 (212992 bytes, half of it bookkeeping is not counted twice).
inline constexpr std::size_t kMaxMessage = 160 * 1024;

enum class Kind : std::uint16_t {
  kHello = 1,
  kLaunch,
  kExec,
  kHoldTerminal,
  kSignal,
  kSignalSession,
  kAcknowledgeExit,
  kAcknowledgeSession,
  kList,
  kHandles,
  kAttachConsole,
  kConsoleBacklog,
  kClearBacklog,
  kResizeConsole,
  kAdopt,
  kAttachMount,
  kDetachMount,
  kCreateDevice,
  kRemoveDevice,
  kNetlinkSocket,
  kShutdown,
  // Answers, same id as the request.
  kDone = 0x100,
  kFailed,
  // Sent by the keeper on the event socket.
  kContainerExited = 0x200,
  kSessionExited,
};

struct Header {
  std::uint16_t version = kVersion;
  Kind kind = Kind::kHello;
  std::uint64_t id = 0;
};

static_assert(std::endian::native == std::endian::little, "numbers are copied to the wire as they lie in memory");

template <typename T>
concept WireNumber = std::integral<T> && !std::same_as<T, bool>;

// Appends values to a string. `describe(archive, record)` lists a record's members once for Writer and Reader alike.
class Writer {
 public:
  static constexpr bool kReads = false;

  explicit Writer(std::string& out) : out_(out) {}

  template <WireNumber T>
  void operator()(const T& value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void operator()(const bool& value) { out_.push_back(value ? '\1' : '\0'); }
  void operator()(const std::string& text) {
    (*this)(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  template <typename T>
  void operator()(const std::vector<T>& list) {
    (*this)(static_cast<std::uint32_t>(list.size()));
    for (const T& item : list) (*this)(item);
  }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(const T& record) {
    // describe() takes a mutable record because Reader fills it; Writer only looks.
    describe(*this, const_cast<T&>(record));
  }
  // An enumeration with values 0 to last.
  template <typename E>
  void choice(const E& value, E) {
    (*this)(static_cast<std::underlying_type_t<E>>(value));
  }
  template <typename A, typename... More>
    requires(sizeof...(More) > 0)
  void operator()(const A& first, const More&... more) {
    (*this)(first);
    ((*this)(more), ...);
  }

 private:
  std::string& out_;
};

// Takes values from bytes that nobody vouches for. After the first fault every read gives nothing and done() is false.
class Reader {
 public:
  static constexpr bool kReads = true;

  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <WireNumber T>
  void operator()(T& value) {
    const std::string_view bytes = take(sizeof(T));
    if (bytes.empty()) return;
    std::memcpy(&value, bytes.data(), sizeof value);
  }
  void operator()(bool& value) {
    std::uint8_t byte = 0;
    (*this)(byte);
    if (byte > 1) fail();
    value = byte == 1;
  }
  void operator()(std::string& text) {
    std::uint32_t size = 0;
    (*this)(size);
    if (size > rest_.size()) fail();
    if (ok_) text.assign(rest_.substr(0, size));
    if (ok_) rest_.remove_prefix(size);
  }
  template <typename T>
  void operator()(std::vector<T>& list) {
    std::uint32_t count = 0;
    (*this)(count);
    // Every item takes at least one byte, so a count beyond that is a lie and must not reserve memory.
    if (count > rest_.size()) fail();
    list.clear();
    for (std::uint32_t i = 0; ok_ && i < count; ++i) {
      T item{};
      (*this)(item);
      if (ok_) list.push_back(std::move(item));
    }
  }
  template <typename T>
  void operator()(std::optional<T>& value) {
    bool present = false;
    (*this)(present);
    value.reset();
    if (ok_ && present) (*this)(value.emplace());
  }
  template <typename T>
    requires std::is_class_v<T>
  void operator()(T& record) {
    describe(*this, record);
  }
  template <typename E>
  void choice(E& value, E last) {
    std::underlying_type_t<E> number{};
    (*this)(number);
    if (number < 0 || number > static_cast<std::underlying_type_t<E>>(last)) return fail();
    value = static_cast<E>(number);
  }
  template <typename A, typename... More>
    requires(sizeof...(More) > 0)
  void operator()(A& first, More&... more) {
    (*this)(first);
    ((*this)(more), ...);
  }

  void fail() {
    ok_ = false;
    rest_ = {};
  }
  bool ok() const { return ok_; }
  // Everything was read and nothing is left over.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (!ok_ || size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// A whole message: header and body.
template <typename Body>
std::string encode(Kind kind, std::uint64_t id, const Body& body);

// Reads the header. Errors: kInvalid when the bytes are no frame. The version is not judged here.
Result<Header> decode_header(std::string_view message);

// The error of a body that does not decode.
Error malformed(Kind kind);

// Reads the body behind a header.
// Errors: kInvalid when it is cut short, too long, or holds a value out of range.
template <typename Body>
Result<Body> decode_body(Kind kind, std::string_view message) {
  Body body{};
  Reader reader(message.size() < kHeaderSize ? std::string_view() : message.substr(kHeaderSize));
  reader(body);
  if (!reader.done()) return malformed(kind);
  return body;
}

// Appends the 16 header bytes.
void encode_header(std::string& out, const Header& header);

template <typename Body>
std::string encode(Kind kind, std::uint64_t id, const Body& body) {
  std::string out;
  encode_header(out, Header{.kind = kind, .id = id});
  Writer writer(out);
  writer(body);
  return out;
}

}  // namespace cella::runtime::protocol
