// Netlink messages as values: built attribute by attribute into one buffer, and read back without a kernel.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <linux/netlink.h>

#include "base/result.h"

namespace cella::netlink {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// One or more requests in one buffer, to be sent with one call. Each message asks for an ack and is numbered from 1.
// The label given to begin() is what an error names. Not thread-safe.
class Batch {
 public:
  // Starts the next message. flags: NLM_F_* beside NLM_F_REQUEST, which is added; NLM_F_ACK is added unless it is a dump.
  // label: operation and object, for example "add link veth1234".
  void begin(std::uint16_t type, std::uint16_t flags, std::string label);

  // The fixed part after the message's header (ifinfomsg, ifaddrmsg, …): exactly one per message, right after begin().
  template <typename T>
  void put_header(const T& header) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_raw(&header, sizeof header);
  }

  void put(std::uint16_t attribute, BytesView value);
  void put_u8(std::uint16_t attribute, std::uint8_t value) { put_value(attribute, value); }
  void put_u16(std::uint16_t attribute, std::uint16_t value) { put_value(attribute, value); }
  // Returns the offset of the four value bytes in bytes(), for a caller that patches them later.
  std::size_t put_u32(std::uint16_t attribute, std::uint32_t value);
  void put_u64(std::uint16_t attribute, std::uint64_t value) { put_value(attribute, value); }
  // The text with its terminating NUL.
  void put_string(std::uint16_t attribute, std::string_view text);
  void put_flag(std::uint16_t attribute) { put(attribute, {}); }
  template <typename T>
  void put_struct(std::uint16_t attribute, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(attribute, BytesView(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
  }

  // Opens a nested attribute; everything put until close_nest(mark) is inside. flags: NLA_F_NESTED where the kernel asks.
  std::size_t open_nest(std::uint16_t attribute);
  void close_nest(std::size_t mark);

  // Copies one fixed structure inside a nest (the ifinfomsg of a veth peer).
  template <typename T>
  void put_inner_header(const T& header) {
    put_header(header);
  }

  // Adds the other batch's messages after these, renumbered. Offsets into other move by the returned number of bytes.
  std::size_t append(const Batch& other);

  bool empty() const { return labels_.empty(); }
  std::size_t message_count() const { return labels_.size(); }
  const Bytes& bytes() const { return bytes_; }
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  template <typename T>
  void put_value(std::uint16_t attribute, T value) {
    put(attribute, BytesView(reinterpret_cast<const std::uint8_t*>(&value), sizeof value));
  }
  void put_raw(const void* data, std::size_t size);
  void finish_length();

  Bytes bytes_;
  std::vector<std::string> labels_;
  std::size_t start_ = 0;  // of the message being built
};

// One message inside a buffer that outlives this view. payload: everything after the nlmsghdr.
struct MessageView {
  nlmsghdr header{};
  BytesView payload;

  // The fixed part; a zeroed T when the message is too short.
  template <typename T>
  T fixed() const {
    T value{};
    if (payload.size() >= sizeof value) std::memcpy(&value, payload.data(), sizeof value);
    return value;
  }
  // The attributes after a fixed part of this size.
  BytesView attributes(std::size_t fixed_size) const;
};

// Cuts a buffer into messages. Errors: kInvalid on a length that does not fit.
Result<std::vector<MessageView>> split_messages(BytesView buffer);

// One attribute inside a buffer that outlives this view. type: without the NESTED and BYTEORDER bits.
struct AttributeView {
  std::uint16_t type = 0;
  BytesView value;

  std::uint8_t u8() const { return number<std::uint8_t>(); }
  std::uint16_t u16() const { return number<std::uint16_t>(); }
  std::uint32_t u32() const { return number<std::uint32_t>(); }
  std::uint64_t u64() const { return number<std::uint64_t>(); }
  std::string text() const;

  template <typename T>
  T number() const {
    T result{};
    std::memcpy(&result, value.data(), value.size() < sizeof result ? value.size() : sizeof result);
    return result;
  }
};

// Cuts attributes; a malformed tail ends the list (the kernel's own rule for trailing bytes).
std::vector<AttributeView> split_attributes(BytesView attributes);

// The first attribute of a type; nullptr when absent.
const AttributeView* find_attribute(const std::vector<AttributeView>& attributes, std::uint16_t type);

}  // namespace cella::netlink
