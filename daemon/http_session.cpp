// One HTTP/1.1 connection: reads a request, finds its handler, writes the reply, and again.
#include <sys/socket.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "api/client.h"
#include "daemon/access.h"
#include "daemon/guest_listeners.h"
#include "daemon/http_state.h"
#include "daemon/tcp_progress.h"

namespace cella::daemon {
namespace {

// One of the two doors at which exceptions of libraries and of the standard library stop (the other: operations).
template <typename Call>
auto guarded(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return Error(ErrorKind::kInternal, std::string("unexpected exception: ") + exception.what());
  }
}

// How long a client over TLS may take: a stranger to say what it wants, one that is trusted to ask again, both to send
// the rest and to take the answer.
constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::chrono::seconds kStrangerTime{20};
constexpr std::chrono::seconds kIdleTime{600};
constexpr std::chrono::seconds kBodyTime{120};
constexpr std::chrono::seconds kReplyTime{300};
// What a stranger may send, and the least it must take of a file in each minute.
constexpr std::size_t kMaxStrangerBody = 64u << 10;
constexpr std::chrono::seconds kRateInterval{60};
constexpr std::uint64_t kMinBytesPerInterval = 1u << 20;

Peer unix_peer(Stream& stream) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(stream.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return {};
  return {credentials.pid, credentials.uid, credentials.gid};
}

template <typename Message>
Result<Request> request_of(const Message& message, const Peer& peer) {
  Request request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = TRY(canonical_path(target.substr(0, question)));
  request.query = TRY(api::parse_query(target.substr(std::min(question + 1, target.size()))));
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.peer = peer;
  return request;
}

Result<void> check_target(const Request& request) {
  const std::string_view target = request.query_value("target");
  if (!target.empty() && target != "none") {
    return invalid_value("target", target, "this server is not part of a cluster");
  }
  return kOk;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<HttpServer::State> state, Stream stream, std::shared_ptr<TlsSession> tls,
          std::shared_ptr<GuestSession> guest)
      : state_(std::move(state)), tls_(std::move(tls)), guest_(std::move(guest)), socket_(std::move(stream)) {}

  void start() {
    if (!tls_) {
      peer_ = unix_peer(socket_);
      return read_head();
    }
    limit(kHandshakeTime);
    socket_.tls()->async_handshake(api::ssl::stream_base::server,
                                   [self = shared_from_this()](boost::system::error_code error) {
                                     if (error) return;  // whoever knocks here may be anybody
                                     self->peer_.transport = Transport::kTls;
                                     self->peer_.address = self->tls_->address;
                                     self->peer_.certificate = api::peer_certificate(self->socket_);
                                     self->read_head();
                                   });
  }

 private:
  // Neither may hold on to what others need.
  bool stranger() const { return guest_ != nullptr || (tls_ != nullptr && tls_->place != nullptr); }

  asio::steady_timer* deadline() {
    if (guest_) return &guest_->deadline;
    return tls_ ? &tls_->deadline : nullptr;
  }

  std::uint64_t progress() { return guest_ ? guest_->sent.load() : bytes_acknowledged(socket_.native_handle()); }

  // Ends the connection unless unlimit() or another limit() comes in time. The host's own clients have all the time they
  // want.
  void limit(std::chrono::seconds time) {
    asio::steady_timer* const timer = deadline();
    if (timer == nullptr) return;
    timer->expires_after(time);
    timer->async_wait([weak = weak_from_this(), number = ++limit_number_](boost::system::error_code error) {
      const auto self = weak.lock();
      if (!error && self && self->limit_number_ == number) self->socket_.end();
    });
  }
  void unlimit() {
    ++limit_number_;
    if (asio::steady_timer* const timer = deadline()) timer->cancel();
  }

  // A stranger that takes a file too slowly holds a thread: it is cut off.
  void limit_slowness(std::uint64_t moved_before) {
    deadline()->expires_after(kRateInterval);
    deadline()->async_wait(
        [weak = weak_from_this(), number = ++limit_number_, moved_before](boost::system::error_code error) {
          const auto self = weak.lock();
          if (error || !self || self->limit_number_ != number) return;
          const std::uint64_t moved = self->progress();
          if (moved < moved_before + kMinBytesPerInterval) return self->socket_.end();
          self->limit_slowness(moved);
        });
  }

  void read_head() {
    limit(stranger() ? kStrangerTime : kIdleTime);
    head_.emplace();
    head_->header_limit(64u << 10);
    head_->body_limit(boost::none);
    http::async_read_header(
        socket_, buffer_, *head_,
        [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->on_head(error); });
  }

  void on_head(boost::system::error_code error) {
    if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
        error == asio::error::operation_aborted || error == api::ssl::error::stream_truncated) {
      return unlimit();
    }
    if (error) return refuse(400, "bad HTTP request: " + error.message());
    keep_alive_ = head_->get().keep_alive();
    Result<Request> request = request_of(head_->get(), peer_);
    if (!request.ok()) return refuse(request.error());
    if (Result<void> allowed = authorize(*request); !allowed.ok()) return refuse(allowed.error());
    if (Result<void> target = check_target(*request); !target.ok()) return refuse(target.error());
    Result<Router::Match> match = state_->router.find(request->method, request->path);
    if (!match.ok()) {
      const bool no_method = match.error().kind() == ErrorKind::kUnsupported;
      return no_method ? refuse(405, match.error().what()) : refuse(match.error());
    }
    request->parameters = std::move(match->parameters);
    if (Result<void> scope = find_project(*request); !scope.ok()) return refuse(scope.error());
    request_ = std::move(request).value();
    handler_ = match->handler;
    if (head_->get()[http::field::expect] == "100-continue") return continue_body();
    begin();
  }

  // Before anything is looked up: who is not trusted must not learn what is there.
  Result<void> authorize(Request& request) {
    if (guest_) {
      request.guest = guest_->id.value;
      return kOk;
    }
    if (!tls_) {
      request.access.level = Access::Level::kFull;
      return kOk;
    }
    if (!state_->authorize) return Error(ErrorKind::kDenied, "not authorized");
    TRY(state_->authorize(request));
    if (request.access.trusted()) tls_->place.reset();
    return kOk;
  }

  Result<void> find_project(Request& request) {
    if (state_->scope) return state_->scope(request);
    const std::string_view project = request.query_value("project");
    if (project.empty() || project == "default") return kOk;
    return Error(ErrorKind::kNotFound, "Project \"" + std::string(project) + "\" not found");
  }

  void continue_body() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        if (!error) self->begin();
                      });
  }

  void begin() {
    std::visit([this](const auto& handler) { begin(handler); }, *handler_);
  }

  void begin(const Handler&) { read_body(); }
  void begin(const DeferredHandler&) { read_body(); }

  void begin(const WebSocketHandler& handler) {
    if (!beast::websocket::is_upgrade(head_->get())) {
      return refuse(400, "this address is a WebSocket: the request must ask for an upgrade");
    }
    asio::post(state_->workers, [self = shared_from_this(), &handler] {
      auto outcome = std::make_shared<Result<TakeWebSocket>>(guarded([&] { return handler(self->request_); }));
      asio::post(self->state_->io, [self, outcome] {
        if (!outcome->ok()) return self->refuse(outcome->error());
        self->unlimit();
        accept_websocket(std::move(self->socket_), self->kept(), self->head_->release(), std::move(*outcome).value());
      });
    });
  }

  // A body that its handler begins to read is wanted: its sender has all the time from then on.
  class WantedBody : public BodyReader {
   public:
    WantedBody(BodyReader& body, std::shared_ptr<Session> session) : body_(body), session_(std::move(session)) {}
    Result<std::size_t> read(char* buffer, std::size_t capacity) override {
      if (const auto session = std::exchange(session_, nullptr)) {
        asio::post(session->state_->io, [session] { session->unlimit(); });
      }
      return body_.read(buffer, capacity);
    }

   private:
    BodyReader& body_;
    std::shared_ptr<Session> session_;
  };

  // The connection belongs to the transfer's thread until it posts back. A stranger whose body nobody wants has little
  // time to send the rest of it: it holds the thread meanwhile.
  void begin(const UploadHandler& handler) {
    if (stranger()) {
      limit(kStrangerTime);
    } else {
      unlimit();
    }
    const Result<void> started = state_->transfers.start([self = shared_from_this(), &handler] {
      const std::unique_ptr<BodyReader> reader =
          make_body_reader(self->socket_, self->buffer_, std::move(*self->head_));
      WantedBody wanted(*reader, self);
      Result<Reply> reply = guarded([&] { return handler(self->request_, wanted); });
      self->keep_alive_ = drain(*reader) && self->keep_alive_;
      self->respond(reply.ok() ? std::move(reply).value() : error_reply(reply.error()));
    });
    if (!started.ok()) refuse(started.error());
  }

  // What a handler left unread would be taken for the next request, and a client that is still sending might not look
  // for the reply. false: the connection broke.
  static bool drain(BodyReader& reader) {
    std::vector<char> rest(64u << 10);
    for (;;) {
      const Result<std::size_t> count = reader.read(rest.data(), rest.size());
      if (!count.ok() || *count == 0) return count.ok();
    }
  }

  void read_body() {
    if (head_->is_done()) return dispatch();
    // The parser compares a known length with its limit before it is set here.
    limit(stranger() ? kStrangerTime : kBodyTime);
    const std::size_t most = stranger() ? kMaxStrangerBody : kMaxBody;
    if (head_->content_length().value_or(0) > most) {
      keep_alive_ = false;
      return write(error_reply(413, "body is too long"));
    }
    body_.emplace(std::move(*head_));
    body_->body_limit(most);
    http::async_read(socket_, buffer_, *body_,
                     [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                       if (error == http::error::body_limit) {
                         self->keep_alive_ = false;
                         return self->write(error_reply(413, "body is too long"));
                       }
                       if (error) return;
                       self->request_.body = std::move(self->body_->get().body());
                       self->body_.reset();
                       self->dispatch();
                     });
  }

  void dispatch() {
    unlimit();
    if (refusal_) return write(*std::exchange(refusal_, std::nullopt));
    asio::post(state_->workers, [self = shared_from_this()] {
      const Result<void> allowed = guarded([&] { return check_body(self->request_, self->request_.body); });
      if (!allowed.ok()) return self->respond(error_reply(allowed.error()));
      if (const Handler* handler = std::get_if<Handler>(self->handler_)) {
        Result<Reply> reply = guarded([&] { return (*handler)(self->request_); });
        self->respond(reply.ok() ? std::move(reply).value() : error_reply(reply.error()));
      } else if (const DeferredHandler* deferred = std::get_if<DeferredHandler>(self->handler_)) {
        Result<void> begun = guarded([&]() -> Result<void> {
          (*deferred)(self->request_, [self](Reply reply) { self->respond(std::move(reply)); });
          return kOk;
        });
        if (!begun.ok()) self->respond(error_reply(begun.error()));
      }
    });
  }

  // From any thread.
  void respond(Reply reply) {
    auto shared = std::make_shared<Reply>(std::move(reply));
    asio::post(state_->io, [self = shared_from_this(), shared] { self->write(std::move(*shared)); });
  }

  void refuse(const Error& error) { refuse(error_reply(error)); }
  void refuse(int status, std::string_view text) { refuse(error_reply(status, text)); }

  // Answers after the body has come: a client that is still sending might not look for the reply.
  void refuse(Reply reply) {
    if (!head_->is_header_done() || head_->is_done() || body_) {
      keep_alive_ = keep_alive_ && head_->is_done();
      return write(std::move(reply));
    }
    refusal_ = std::move(reply);
    read_body();
  }

  void write(Reply reply) {
    spdlog::debug("request method={} path={} status={} pid={} uid={} address={}", request_.method, request_.path,
                  reply.status, peer_.pid, peer_.uid, peer_.address);
    if (reply.status == 101) {
      const auto early = buffer_.cdata();
      return start_tunnel(std::move(socket_), tls_, std::move(reply),
                          std::string(static_cast<const char*>(early.data()), early.size()));
    }
    const bool no_body = request_.method == "HEAD";
    if (!reply.pieces.empty() && !no_body) return stream(std::move(reply));
    std::uint64_t length = reply.body.size();
    for (const BodyPiece& piece : reply.pieces) length += piece.length();
    limit(stranger() ? kStrangerTime : kReplyTime);
    response_.emplace(head_of<http::string_body>(reply, keep_alive_));
    response_->body() = no_body ? std::string() : std::move(reply.body);
    response_->content_length(length);
    http::async_write(socket_, *response_, [self = shared_from_this()](boost::system::error_code error, std::size_t) {
      self->on_written(!error);
    });
  }

  // What a connection needs beside its stream for as long as it is open.
  std::shared_ptr<void> kept() const {
    if (guest_) return guest_;
    return tls_;
  }

  // Unix sockets do not tell how much the other end has taken: what is asked for next does.
  void count_pieces(Reply& reply) {
    for (BodyPiece& piece : reply.pieces) {
      if (!piece.file) continue;
      auto file = std::make_shared<Fd>(std::move(piece.file));
      piece.source = [guest = guest_, file, at = off_t{0}](char* into, std::size_t capacity) mutable -> Result<std::size_t> {
        const ssize_t count = pread(file->get(), into, capacity, at);
        if (count < 0) return errno_error(errno, "read file of a reply");
        at += count;
        guest->sent += static_cast<std::uint64_t>(count);
        return static_cast<std::size_t>(count);
      };
    }
  }

  void stream(Reply reply) {
    if (guest_) count_pieces(reply);
    if (stranger()) limit_slowness(progress());
    auto shared = std::make_shared<Reply>(std::move(reply));
    const Result<void> started = state_->transfers.start([self = shared_from_this(), shared] {
      const bool whole = write_streamed_reply(self->socket_, std::move(*shared), self->keep_alive_);
      asio::post(self->state_->io, [self, whole] { self->on_written(whole); });
    });
    if (!started.ok()) refuse(started.error());
  }

  void on_written(bool whole) {
    unlimit();
    response_.reset();
    request_ = Request();
    if (!whole || !keep_alive_) {
      return end();
    }
    // An idle connection holds no buffer.
    if (buffer_.size() == 0) buffer_ = beast::flat_buffer();
    read_head();
  }

  // Over TLS the end is announced first: clients tell it from a connection that was cut.
  void end() {
    if (!tls_) return socket_.end();
    limit(kHandshakeTime);
    socket_.tls()->async_shutdown([self = shared_from_this()](boost::system::error_code) {
      self->unlimit();
      self->socket_.end();
    });
  }

  std::shared_ptr<HttpServer::State> state_;
  std::shared_ptr<TlsSession> tls_;      // of a client over TLS; outlives the stream
  std::shared_ptr<GuestSession> guest_;  // of a client inside an instance
  Stream socket_;
  Peer peer_;
  unsigned limit_number_ = 0;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> head_;
  std::optional<http::request_parser<http::string_body>> body_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<Reply> refusal_;
  Request request_;
  const AnyHandler* handler_ = nullptr;
  bool keep_alive_ = false;
};

}  // namespace

void start_session(std::shared_ptr<HttpServer::State> state, Stream stream, std::shared_ptr<TlsSession> tls) {
  std::make_shared<Session>(std::move(state), std::move(stream), std::move(tls), nullptr)->start();
}

void start_guest_session(std::shared_ptr<HttpServer::State> state, Stream stream, std::shared_ptr<GuestSession> guest) {
  std::make_shared<Session>(std::move(state), std::move(stream), nullptr, std::move(guest))->start();
}

}  // namespace cella::daemon
