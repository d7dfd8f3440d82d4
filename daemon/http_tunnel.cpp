// A connection that stopped speaking HTTP (status 101): bytes go both ways between it and a socket.
#include <array>
#include <string>

#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

// Everything happens on the I/O thread. Lives as long as one direction does; the end of either ends both.
class Tunnel : public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(Stream outside, std::shared_ptr<void> kept, BodyPiece piece, std::string early)
      : kept_(std::move(kept)),
        keep_(std::move(piece.source)),
        outside_(std::move(outside)),
        inside_(outside_.get_executor(), asio::local::stream_protocol(), piece.file.release()),
        early_(std::move(early)) {}

  void start(const std::string& protocol) {
    greeting_ = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol + "\r\nConnection: Upgrade\r\n\r\n";
    asio::async_write(outside_, asio::buffer(greeting_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error) return self->end();
                        self->write_inside(self->early_.size(), self->early_.data());
                        self->read_inside();
                      });
  }

 private:
  void read_outside() {
    outside_.async_read_some(asio::buffer(inward_),
                             [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
                               if (error) return self->end();
                               self->write_inside(count, self->inward_.data());
                             });
  }
  void write_inside(std::size_t count, const char* data) {
    asio::async_write(inside_, asio::buffer(data, count),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (error) return self->end();
                        self->early_.clear();
                        self->read_outside();
                      });
  }
  void read_inside() {
    inside_.async_read_some(asio::buffer(outward_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
                              if (error) return self->end();
                              asio::async_write(self->outside_, asio::buffer(self->outward_.data(), count),
                                                [self](boost::system::error_code failed, std::size_t) {
                                                  if (failed) return self->end();
                                                  self->read_inside();
                                                });
                            });
  }
  void end() {
    outside_.end();
    boost::system::error_code ignored;
    inside_.close(ignored);
  }

  std::shared_ptr<void> kept_;  // outlives the stream
  decltype(BodyPiece::source) keep_;
  Stream outside_;
  UnixSocket inside_;
  std::string greeting_;
  std::string early_;
  std::array<char, kPieceBytes> inward_;
  std::array<char, kPieceBytes> outward_;
};

}  // namespace

void start_tunnel(Stream stream, std::shared_ptr<void> kept, Reply reply, std::string early) {
  std::string protocol;
  for (const auto& [name, value] : reply.headers) {
    if (name == "Upgrade") protocol = value;
  }
  std::make_shared<Tunnel>(std::move(stream), std::move(kept), std::move(reply.pieces.front()), std::move(early))
      ->start(protocol);
}

}  // namespace cella::daemon
