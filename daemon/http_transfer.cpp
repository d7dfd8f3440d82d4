// Bodies that do not fit into memory: read and written blocking, on a thread of their own.
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

class SocketBody : public BodyReader {
 public:
  SocketBody(Stream& stream, beast::flat_buffer& buffer, http::request_parser<http::empty_body>&& head)
      : stream_(stream), buffer_(buffer), parser_(std::move(head)) {
    parser_.body_limit(boost::none);
  }

  Result<std::size_t> read(char* into, std::size_t capacity) override {
    while (!parser_.is_done()) {
      parser_.get().body().data = into;
      parser_.get().body().size = capacity;
      boost::system::error_code error;
      http::read_some(stream_, buffer_, parser_, error);
      if (error == http::error::need_buffer) error = {};
      if (error) return Error(ErrorKind::kIo, "read the request's body: " + error.message());
      const std::size_t count = capacity - parser_.get().body().size;
      if (count > 0) return count;
    }
    return std::size_t{0};
  }

 private:
  Stream& stream_;
  beast::flat_buffer& buffer_;
  http::request_parser<http::buffer_body> parser_;
};

bool write_file(Stream& stream, const BodyPiece& piece, std::vector<char>& buffer) {
  std::uint64_t left = piece.size;
  off_t offset = 0;
  while (left > 0) {
    const ssize_t count = pread(piece.file.get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), left), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;  // the length is promised already: all that is left is to break the connection
    boost::system::error_code error;
    asio::write(stream, asio::buffer(buffer.data(), static_cast<std::size_t>(count)), error);
    if (error) return false;
    offset += count;
    left -= static_cast<std::uint64_t>(count);
  }
  return true;
}

bool write_source(Stream& stream, const BodyPiece& piece, std::vector<char>& buffer) {
  std::uint64_t left = piece.size;
  while (left > 0) {
    const Result<std::size_t> count = piece.source(buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
    if (!count.ok() || *count == 0) return false;  // as above
    boost::system::error_code error;
    asio::write(stream, asio::buffer(buffer.data(), *count), error);
    if (error) return false;
    left -= *count;
  }
  return true;
}

}  // namespace

std::unique_ptr<BodyReader> make_body_reader(Stream& stream, beast::flat_buffer& buffer,
                                             http::request_parser<http::empty_body>&& head) {
  return std::make_unique<SocketBody>(stream, buffer, std::move(head));
}

bool write_streamed_reply(Stream& stream, Reply reply, bool keep_alive) {
  auto message = head_of<http::empty_body>(reply, keep_alive);
  std::uint64_t total = 0;
  for (const BodyPiece& piece : reply.pieces) total += piece.length();
  message.content_length(total);
  http::response_serializer<http::empty_body> serializer(message);
  boost::system::error_code error;
  http::write_header(stream, serializer, error);
  if (error) return false;
  std::vector<char> buffer(kPieceBytes);
  for (const BodyPiece& piece : reply.pieces) {
    if (piece.file) {
      if (!write_file(stream, piece, buffer)) return false;
    } else if (piece.source) {
      if (!write_source(stream, piece, buffer)) return false;
    } else {
      asio::write(stream, asio::buffer(piece.text), error);
      if (error) return false;
    }
  }
  return true;
}

}  // namespace cella::daemon
