// The HTTP server and the API's client against each other, over a socket in a temporary directory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "api/beast.h"
#include "api/client.h"
#include "daemon/http_server.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kBig = 5u << 20;

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  return out;
}

class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    char name[] = "/tmp/cella-http-XXXXXX";
    directory_ = mkdtemp(name);
    path_ = directory_ + "/unix.socket";
    add_routes();
    server_ = std::make_unique<HttpServer>(io_, router_, 2);
    Result<Fd> listener = listen_on_unix_socket(path_, std::nullopt);
    EXPECT_TRUE(listener.ok());
    server_->serve(std::move(listener).value());
    thread_ = std::thread([this] { io_.run(); });
  }

  ~HttpTest() override {
    boost::asio::post(io_, [this] {
      server_->close();
      io_.stop();
    });
    thread_.join();
    server_.reset();
    unlink(path_.c_str());
    unlink((directory_ + "/file").c_str());
    rmdir(directory_.c_str());
  }

  void add_routes() {
    router_.add("GET", "/1.0", [](const Request&) -> Result<Reply> { return sync_reply("{\"a\":1}"); });
    router_.add("POST", "/1.0/echo", [](const Request& request) -> Result<Reply> { return sync_reply(request.body); });
    router_.add("GET", "/1.0/fails",
                [](const Request&) -> Result<Reply> { return Error(ErrorKind::kExists, "instance c1 exists"); });
    router_.add("GET", "/1.0/throws", [](const Request&) -> Result<Reply> { throw std::bad_alloc(); });
    router_.add("GET", "/1.0/file", [this](const Request&) -> Result<Reply> {
      Reply reply;
      reply.content_type = "application/octet-stream";
      BodyPiece head, file;
      head.text = "head:";
      file.file = TRY(open_path(directory_ + "/file", O_RDONLY));
      file.size = kBig;
      reply.pieces.push_back(std::move(head));
      reply.pieces.push_back(std::move(file));
      return reply;
    });
    router_.add_deferred("GET", "/1.0/later", [this](const Request&, Respond respond) {
      boost::asio::post(io_, [respond] { respond(sync_reply("\"later\"")); });
    });
    router_.add_upload("POST", "/1.0/sum", [this](const Request&, BodyReader& body) -> Result<Reply> {
      Result<std::string> all = read_all(body, 64u << 20);
      if (!all.ok()) {
        cut_short_ = true;
        return std::move(all).error();
      }
      return sync_reply(*all == pattern(kBig) ? "true" : "false");
    });
    router_.add_upload("POST", "/1.0/refuses", [](const Request&, BodyReader&) -> Result<Reply> {
      return Error(ErrorKind::kInvalid, "no such thing");
    });
    router_.add_websocket("/1.0/socket", [](const Request& request) -> Result<TakeWebSocket> {
      if (request.query_value("secret") != "s") return Error(ErrorKind::kDenied, "wrong secret");
      return TakeWebSocket([](std::shared_ptr<WebSocketPeer> peer) { echo(std::move(peer)); });
    });
  }

  // Sends every message back; an empty text ends the connection.
  static void echo(std::shared_ptr<WebSocketPeer> peer) {
    WebSocketPeer* raw = peer.get();
    raw->read([peer](FrameKind kind, std::string_view data, WebSocketPeer::Ending) {
      if (kind == FrameKind::kClosed) return;
      if (kind == FrameKind::kText && data.empty()) return peer->close();
      auto kept = std::make_shared<std::string>(data);
      peer->write(kind, *kept, [peer, kept](bool sent) {
        if (sent) echo(peer);
      });
    });
  }

  api::Client connect() {
    Result<api::Client> client = api::Client::connect_unix(path_);
    EXPECT_TRUE(client.ok());
    return std::move(client).value();
  }

  static api::Upload upload_of(const std::string& data, bool sized) {
    auto at = std::make_shared<std::size_t>(0);
    api::Upload upload;
    upload.source = [&data, at](char* buffer, std::size_t capacity) -> Result<std::size_t> {
      const std::size_t count = std::min(capacity, data.size() - *at);
      data.copy(buffer, count, *at);
      *at += count;
      return count;
    };
    if (sized) upload.size = data.size();
    return upload;
  }

  boost::asio::io_context io_{1};
  Router router_;
  std::string directory_, path_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<bool> cut_short_{false};
};

TEST_F(HttpTest, ServesManyRequestsOnOneConnection) {
  api::Client client = connect();
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.call({.method = "GET", .target = "/1.0?recursion=1"});
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->response.metadata.text, "{\"a\":1}");
  }
}

TEST_F(HttpTest, MapsErrors) {
  api::Client client = connect();
  EXPECT_EQ(client.call({.method = "GET", .target = "/1.0/fails"}).error().kind(), ErrorKind::kExists);
  EXPECT_EQ(client.call({.method = "GET", .target = "/1.0/fails"}).error().message(), "instance c1 exists");
  EXPECT_EQ(client.call({.method = "GET", .target = "/2.0"}).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(client.raw({.method = "DELETE", .target = "/1.0"})->status, 405);
  EXPECT_EQ(client.call({.method = "GET", .target = "/1.0?project=other"}).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(client.call({.method = "GET", .target = "/1.0/%zz"}).error().kind(), ErrorKind::kInvalid);
  EXPECT_TRUE(client.call({.method = "GET", .target = "/1.0?project=default"}).ok());
}

TEST_F(HttpTest, AnExceptionOfALibraryIsAnAnswer) {
  api::Client client = connect();
  EXPECT_EQ(client.raw({.method = "GET", .target = "/1.0/throws"})->status, 500);
  EXPECT_TRUE(client.call({.method = "GET", .target = "/1.0"}).ok());
}

TEST_F(HttpTest, KeepsTheConnectionAfterRefusingARequestWithABody) {
  api::Client client = connect();
  EXPECT_FALSE(client.call({.method = "POST", .target = "/nowhere", .body = std::string(300000, ' ') + "1"}).ok());
  EXPECT_TRUE(client.call({.method = "GET", .target = "/1.0"}).ok());
}

TEST_F(HttpTest, CarriesLargeBodies) {
  api::Client client = connect();
  const std::string body = "\"" + std::string(kBig, 'x') + "\"";
  const auto answer = client.call({.method = "POST", .target = "/1.0/echo", .body = body});
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->response.metadata.text.size(), body.size());
  EXPECT_EQ(client.raw({.method = "POST", .target = "/1.0/echo", .body = std::string(17u << 20, '1')})->status, 413);
}

TEST_F(HttpTest, StreamsUploadsWithAndWithoutLength) {
  const std::string data = pattern(kBig);
  api::Client client = connect();
  for (const bool sized : {true, false}) {
    const auto answer = client.upload({.method = "POST", .target = "/1.0/sum"}, upload_of(data, sized));
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    EXPECT_EQ(answer->response.metadata.text, "true");
  }
  EXPECT_TRUE(client.call({.method = "GET", .target = "/1.0"}).ok());
}

TEST_F(HttpTest, TellsWhyAnUploadWasRefused) {
  const std::string data = pattern(kBig);
  api::Client client = connect();
  const auto answer = client.upload({.method = "POST", .target = "/1.0/refuses"}, upload_of(data, true));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().message(), "no such thing");
}

TEST_F(HttpTest, NoticesAClientThatVanishesInTheMiddle) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  // SAFETY: sockaddr_un stands behind sockaddr for AF_UNIX.
  ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::string head = "POST /1.0/sum HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this";
  ASSERT_EQ(write(fd, head.data(), head.size()), static_cast<ssize_t>(head.size()));
  shutdown(fd, SHUT_WR);
  char answer[4096];
  const ssize_t count = read(fd, answer, sizeof answer);  // waits for the server's reaction
  close(fd);
  EXPECT_GT(count, 0);
  EXPECT_TRUE(cut_short_.load());
}

TEST_F(HttpTest, StreamsFiles) {
  const std::string data = pattern(kBig);
  std::ofstream(directory_ + "/file", std::ios::binary) << data;
  api::Client client = connect();
  std::string got;
  std::uint64_t last = 0;
  const auto answer = client.download(
      {.method = "GET", .target = "/1.0/file"},
      [&](std::string_view piece) -> Result<void> {
        got += piece;
        return kOk;
      },
      [&](std::uint64_t done, std::uint64_t total) {
        last = done;
        return total == kBig + 5;
      });
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_TRUE(got == "head:" + data);
  EXPECT_EQ(last, kBig + 5);
  EXPECT_TRUE(client.call({.method = "GET", .target = "/1.0"}).ok());
}

TEST_F(HttpTest, AnswersLater) {
  api::Client client = connect();
  EXPECT_EQ(client.call({.method = "GET", .target = "/1.0/later"})->response.metadata.text, "\"later\"");
}

TEST_F(HttpTest, EchoesOverAWebSocket) {
  api::Client client = connect();
  Result<api::WebSocket> socket = client.open_websocket("/1.0/socket?secret=s");
  ASSERT_TRUE(socket.ok()) << socket.error().message();
  ASSERT_TRUE(socket->send_text("hello").ok());
  const auto text = socket->receive();
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->kind, api::FrameKind::kText);
  EXPECT_EQ(text->data, "hello");
  const std::string data = pattern(1u << 20);
  std::thread sender([&] { EXPECT_TRUE(socket->send_binary(data).ok()); });
  std::string back;
  while (back.size() < data.size()) {
    const auto frame = socket->receive();
    ASSERT_TRUE(frame.ok());
    ASSERT_EQ(frame->kind, api::FrameKind::kBinary);
    back += frame->data;
  }
  sender.join();
  EXPECT_TRUE(back == data);
  ASSERT_TRUE(socket->send_text("").ok());
  const auto end = socket->receive();
  ASSERT_TRUE(end.ok()) << end.error().message();
  EXPECT_EQ(end->kind, api::FrameKind::kClosed);
}

TEST_F(HttpTest, TellsWhyAWebSocketWasRefused) {
  api::Client client = connect();
  const auto refused = client.open_websocket("/1.0/socket?secret=x");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(client.open_websocket("/1.0/none").error().kind(), ErrorKind::kNotFound);
}

TEST_F(HttpTest, ReleasesAWaitingReceive) {
  api::Client client = connect();
  Result<api::WebSocket> socket = client.open_websocket("/1.0/socket?secret=s");
  ASSERT_TRUE(socket.ok());
  std::thread receiver([&] { EXPECT_EQ(socket->receive()->kind, api::FrameKind::kClosed); });
  socket->abort();
  receiver.join();
}

}  // namespace
}  // namespace cella::daemon
