#include "daemon/etag.h"

#include <openssl/evp.h>

namespace cella::daemon {
namespace {

std::string_view unquoted(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string etag_of(std::string_view representation) {
  static constexpr char kHex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_Digest(representation.data(), representation.size(), digest, &length, EVP_sha256(), nullptr);
  std::string out = "\"";
  for (unsigned i = 0; i < length; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 15];
  }
  return out + "\"";
}

std::optional<Reply> check_if_match(const Request& request, std::string_view representation) {
  const std::string_view wanted = unquoted(request.header("If-Match"));
  if (wanted.empty() || wanted == "*") return std::nullopt;
  const std::string present = etag_of(representation);
  if (wanted == unquoted(present)) return std::nullopt;
  return error_reply(412, "ETag doesn't match: " + std::string(wanted) + " vs " + std::string(unquoted(present)));
}

Reply sync_reply_with_etag(std::string_view metadata, std::string_view representation) {
  Reply reply = sync_reply(metadata);
  reply.headers.emplace_back("ETag", etag_of(representation));
  return reply;
}

}  // namespace cella::daemon
