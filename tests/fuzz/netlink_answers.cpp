// What comes back on a netlink socket.
#include "netlink/dump.h"
#include "netlink/message.h"
#include "tests/fuzz/target.h"

namespace cella::netlink {

FUZZ_TARGET(netlink_answers) {
  const BytesView bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const auto messages = split_messages(bytes);
  if (!messages.ok()) return;
  for (const MessageView& message : *messages) {
    const Link link = decode_link(message);
    fuzz::require(link.name.find('\0') == std::string::npos, "a name ends at its first zero byte");
    (void)decode_address(message);
    (void)decode_route(message);
    for (const AttributeView& attribute : split_attributes(message.attributes(0))) {
      (void)attribute.u8();
      (void)attribute.u64();
      (void)attribute.text();
      (void)split_attributes(attribute.value);
    }
  }
}

}  // namespace cella::netlink
