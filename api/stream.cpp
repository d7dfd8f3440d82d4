#include "api/stream.h"

#include <sys/socket.h>

namespace cella::api {

void Stream::end() { ::shutdown(native_handle(), SHUT_RDWR); }

std::string peer_certificate(Stream& stream) {
  if (stream.tls() == nullptr) return {};
  X509* certificate = SSL_get1_peer_certificate(stream.tls()->native_handle());
  unsigned char* bytes = nullptr;
  const int length = certificate == nullptr ? -1 : i2d_X509(certificate, &bytes);
  X509_free(certificate);
  if (length < 0) return {};
  // SAFETY: DER is bytes; char may alias them.
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  return der;
}

void beast_close_socket(Stream& stream) { stream.close(); }

void teardown(beast::role_type role, Stream& stream, boost::system::error_code& error) {
  if (stream.tls() != nullptr) {
    beast::websocket::teardown(role, stream.tls()->next_layer(), error);
  } else {
    beast::websocket::teardown(role, *stream.unix_socket(), error);
  }
}

}  // namespace cella::api
