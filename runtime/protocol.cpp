#include "runtime/protocol.h"

namespace cella::runtime::protocol {

void encode_header(std::string& out, const Header& header) {
  Writer writer(out);
  writer(kMagic, header.version, static_cast<std::uint16_t>(header.kind), header.id);
}

Result<Header> decode_header(std::string_view message) {
  if (message.size() < kHeaderSize) return Error(ErrorKind::kInvalid, "keeper message: shorter than its header");
  Reader reader(message.substr(0, kHeaderSize));
  std::uint32_t magic = 0;
  std::uint16_t kind = 0;
  Header header;
  reader(magic, header.version, kind, header.id);
  if (magic != kMagic) return Error(ErrorKind::kInvalid, "keeper message: wrong magic number");
  header.kind = static_cast<Kind>(kind);
  return header;
}

Error malformed(Kind kind) {
  return Error(ErrorKind::kInvalid,
               "keeper message: malformed body of kind " + std::to_string(static_cast<unsigned>(kind)));
}

}  // namespace cella::runtime::protocol
