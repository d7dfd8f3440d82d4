#include "api/tunnel.h"

#include <array>

namespace cella::api {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

class Tunnel {
 public:
  Tunnel(Stream& outside, UnixSocket inside, std::string early)
      : outside_(outside), inside_(std::move(inside)), early_(std::move(early)) {}

  void start() {
    send(inside_, early_.data(), early_.size(), [this] { pass(outside_, inside_, inward_); });
    pass(inside_, outside_, outward_);
  }

 private:
  using Piece = std::array<char, kPieceBytes>;

  template <typename From, typename To>
  void pass(From& from, To& to, Piece& piece) {
    from.async_read_some(asio::buffer(piece), [&, this](boost::system::error_code error, std::size_t count) {
      if (error) return end();
      send(to, piece.data(), count, [&, this] { pass(from, to, piece); });
    });
  }
  template <typename To, typename Then>
  void send(To& to, const char* data, std::size_t count, Then then) {
    asio::async_write(to, asio::buffer(data, count),
                      [this, then = std::move(then)](boost::system::error_code error, std::size_t) {
                        if (error) return end();
                        then();
                      });
  }
  void end() {
    outside_.end();
    boost::system::error_code ignored;
    inside_.close(ignored);
  }

  Stream& outside_;
  UnixSocket inside_;
  std::string early_;
  Piece inward_;
  Piece outward_;
};

}  // namespace

Result<void> run_tunnel(asio::io_context& context, Stream& outside, std::string early, Fd inside) {
  UnixSocket socket(context);
  boost::system::error_code error;
  socket.assign(asio::local::stream_protocol(), inside.get(), error);
  if (error) return Error(ErrorKind::kIo, "tunnel: " + error.message());
  static_cast<void>(inside.release());
  const auto tunnel = std::make_unique<Tunnel>(outside, std::move(socket), std::move(early));
  tunnel->start();
  context.restart();
  context.run();
  outside.close();
  return kOk;
}

}  // namespace cella::api
