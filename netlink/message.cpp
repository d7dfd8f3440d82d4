#include "netlink/message.h"

#include <algorithm>
#include <cstddef>

namespace cella::netlink {
namespace {

constexpr std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace

void Batch::begin(std::uint16_t type, std::uint16_t flags, std::string label) {
  start_ = bytes_.size();
  labels_.push_back(std::move(label));
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
  if ((flags & NLM_F_DUMP) != NLM_F_DUMP) header.nlmsg_flags |= NLM_F_ACK;
  header.nlmsg_seq = static_cast<std::uint32_t>(labels_.size());
  put_raw(&header, sizeof header);
}

void Batch::put_raw(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
  bytes_.resize(aligned(bytes_.size()));
  finish_length();
}

// nlmsg_len is kept right after every step, so that a batch is always whole.
void Batch::finish_length() {
  const auto length = static_cast<std::uint32_t>(bytes_.size() - start_);
  std::memcpy(bytes_.data() + start_, &length, sizeof length);
}

void Batch::put(std::uint16_t attribute, BytesView value) {
  nlattr header{};
  header.nla_len = static_cast<std::uint16_t>(sizeof header + value.size());
  header.nla_type = attribute;
  const auto* first = reinterpret_cast<const std::uint8_t*>(&header);
  bytes_.insert(bytes_.end(), first, first + sizeof header);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  bytes_.resize(aligned(bytes_.size()));
  finish_length();
}

std::size_t Batch::put_u32(std::uint16_t attribute, std::uint32_t value) {
  put_value(attribute, value);
  return bytes_.size() - sizeof value;
}

void Batch::put_string(std::uint16_t attribute, std::string_view text) {
  const std::string terminated(text);
  put(attribute, BytesView(reinterpret_cast<const std::uint8_t*>(terminated.c_str()), terminated.size() + 1));
}

std::size_t Batch::open_nest(std::uint16_t attribute) {
  const std::size_t mark = bytes_.size();
  put(attribute, {});
  return mark;
}

void Batch::close_nest(std::size_t mark) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - mark);
  std::memcpy(bytes_.data() + mark, &length, sizeof length);
}

std::size_t Batch::append(const Batch& other) {
  const std::size_t moved = bytes_.size();
  bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
  std::size_t offset = moved;
  for (const std::string& label : other.labels_) {
    labels_.push_back(label);
    const auto sequence = static_cast<std::uint32_t>(labels_.size());
    std::memcpy(bytes_.data() + offset + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
    start_ = offset;
    std::uint32_t length = 0;
    std::memcpy(&length, bytes_.data() + offset, sizeof length);
    offset += aligned(length);
  }
  return moved;
}

BytesView MessageView::attributes(std::size_t fixed_size) const {
  const std::size_t skip = aligned(fixed_size);
  return skip < payload.size() ? payload.subspan(skip) : BytesView{};
}

Result<std::vector<MessageView>> split_messages(BytesView buffer) {
  std::vector<MessageView> messages;
  while (!buffer.empty()) {
    MessageView message;
    if (buffer.size() < sizeof message.header) return Error(ErrorKind::kInvalid, "netlink message: truncated header");
    std::memcpy(&message.header, buffer.data(), sizeof message.header);
    const std::size_t length = message.header.nlmsg_len;
    if (length < sizeof message.header || length > buffer.size()) {
      return Error(ErrorKind::kInvalid, "netlink message: length " + std::to_string(length) + " does not fit");
    }
    message.payload = buffer.subspan(sizeof message.header, length - sizeof message.header);
    messages.push_back(message);
    buffer = buffer.subspan(std::min(aligned(length), buffer.size()));
  }
  return messages;
}

std::string AttributeView::text() const {
  std::string result(value.begin(), value.end());
  return result.substr(0, result.find('\0'));
}

std::vector<AttributeView> split_attributes(BytesView attributes) {
  std::vector<AttributeView> list;
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, attributes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > attributes.size()) break;
    list.push_back({static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                    attributes.subspan(sizeof header, header.nla_len - sizeof header)});
    attributes = attributes.subspan(std::min(aligned(header.nla_len), attributes.size()));
  }
  return list;
}

const AttributeView* find_attribute(const std::vector<AttributeView>& attributes, std::uint16_t type) {
  for (const AttributeView& attribute : attributes) {
    if (attribute.type == type) return &attribute;
  }
  return nullptr;
}

}  // namespace cella::netlink
