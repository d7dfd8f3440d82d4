// One HTTP/1.1 connection: reads a request, finds its handler, writes the reply, and again.
#include <sys/socket.h>

#include <spdlog/spdlog.h>

#include "api/client.h"
#include "daemon/http_state.h"

namespace cella::daemon {
namespace {

Peer peer_of(UnixSocket& socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return {};
  return {credentials.pid, credentials.uid, credentials.gid};
}

template <typename Message>
Result<Request> request_of(const Message& message, const Peer& peer) {
  Request request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = TRY(api::parse_query(target.substr(std::min(question + 1, target.size()))));
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.peer = peer;
  return request;
}

// There is one project and one member today.
Result<void> check_scope(const Request& request) {
  const std::string_view project = request.query_value("project");
  if (!project.empty() && project != "default") {
    return Error(ErrorKind::kNotFound, "Project \"" + std::string(project) + "\" not found");
  }
  const std::string_view target = request.query_value("target");
  if (!target.empty() && target != "none") {
    return invalid_value("target", target, "this server is not part of a cluster");
  }
  return kOk;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<HttpServer::State> state, UnixSocket socket)
      : state_(std::move(state)), socket_(std::move(socket)), peer_(peer_of(socket_)) {}

  void read_head() {
    head_.emplace();
    head_->header_limit(64u << 10);
    head_->body_limit(boost::none);
    http::async_read_header(
        socket_, buffer_, *head_,
        [self = shared_from_this()](boost::system::error_code error, std::size_t) { self->on_head(error); });
  }

 private:
  void on_head(boost::system::error_code error) {
    if (error == http::error::end_of_stream || error == asio::error::connection_reset ||
        error == asio::error::operation_aborted) {
      return;
    }
    if (error) return refuse(400, "bad HTTP request: " + error.message());
    keep_alive_ = head_->get().keep_alive();
    Result<Request> request = request_of(head_->get(), peer_);
    if (!request.ok()) return refuse(request.error());
    if (Result<void> scope = check_scope(*request); !scope.ok()) return refuse(scope.error());
    Result<Router::Match> match = state_->router.find(request->method, request->path);
    if (!match.ok()) {
      const bool no_method = match.error().kind() == ErrorKind::kUnsupported;
      return no_method ? refuse(405, match.error().what()) : refuse(match.error());
    }
    request_ = std::move(request).value();
    request_.parameters = std::move(match->parameters);
    if (head_->get()[http::field::expect] == "100-continue") continue_body();
    handler_ = match->handler;
    std::visit([this](const auto& handler) { begin(handler); }, *handler_);
  }

  void continue_body() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(kContinue.data(), kContinue.size()), ignored);
  }

  void begin(const Handler&) { read_body(); }
  void begin(const DeferredHandler&) { read_body(); }

  void begin(const WebSocketHandler& handler) {
    if (!beast::websocket::is_upgrade(head_->get())) {
      return refuse(400, "this address is a WebSocket: the request must ask for an upgrade");
    }
    asio::post(state_->workers, [self = shared_from_this(), &handler] {
      auto outcome = std::make_shared<Result<TakeWebSocket>>(handler(self->request_));
      asio::post(self->state_->io, [self, outcome] {
        if (!outcome->ok()) return self->refuse(outcome->error());
        accept_websocket(std::move(self->socket_), self->head_->release(), std::move(*outcome).value());
      });
    });
  }

  // The connection belongs to the transfer's thread until it posts back.
  void begin(const UploadHandler& handler) {
    const Result<void> started = state_->transfers.start([self = shared_from_this(), &handler] {
      const std::unique_ptr<BodyReader> reader =
          make_body_reader(self->socket_, self->buffer_, std::move(*self->head_));
      Result<Reply> reply = handler(self->request_, *reader);
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
    if (head_->content_length().value_or(0) > kMaxBody) {
      keep_alive_ = false;
      return write(error_reply(413, "body is too long"));
    }
    body_.emplace(std::move(*head_));
    body_->body_limit(kMaxBody);
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
    if (refusal_) return write(*std::exchange(refusal_, std::nullopt));
    asio::post(state_->workers, [self = shared_from_this()] {
      if (const Handler* handler = std::get_if<Handler>(self->handler_)) {
        Result<Reply> reply = (*handler)(self->request_);
        self->respond(reply.ok() ? std::move(reply).value() : error_reply(reply.error()));
      } else if (const DeferredHandler* deferred = std::get_if<DeferredHandler>(self->handler_)) {
        (*deferred)(self->request_, [self](Reply reply) { self->respond(std::move(reply)); });
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
    spdlog::debug("request method={} path={} status={} pid={} uid={}", request_.method, request_.path, reply.status,
                  peer_.pid, peer_.uid);
    if (!reply.pieces.empty()) return stream(std::move(reply));
    response_.emplace(head_of<http::string_body>(reply, keep_alive_));
    const bool no_body = request_.method == "HEAD";
    response_->body() = no_body ? std::string() : std::move(reply.body);
    response_->content_length(no_body ? reply.body.size() : response_->body().size());
    http::async_write(socket_, *response_, [self = shared_from_this()](boost::system::error_code error, std::size_t) {
      self->on_written(!error);
    });
  }

  void stream(Reply reply) {
    auto shared = std::make_shared<Reply>(std::move(reply));
    const Result<void> started = state_->transfers.start([self = shared_from_this(), shared] {
      const bool whole = write_streamed_reply(self->socket_, std::move(*shared), self->keep_alive_);
      asio::post(self->state_->io, [self, whole] { self->on_written(whole); });
    });
    if (!started.ok()) refuse(started.error());
  }

  void on_written(bool whole) {
    response_.reset();
    request_ = Request();
    if (!whole || !keep_alive_) {
      boost::system::error_code ignored;
      socket_.shutdown(UnixSocket::shutdown_both, ignored);
      return;
    }
    // An idle connection holds no buffer.
    if (buffer_.size() == 0) buffer_ = beast::flat_buffer();
    read_head();
  }

  std::shared_ptr<HttpServer::State> state_;
  UnixSocket socket_;
  const Peer peer_;
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

void start_session(std::shared_ptr<HttpServer::State> state, UnixSocket socket) {
  std::make_shared<Session>(std::move(state), std::move(socket))->read_head();
}

}  // namespace cella::daemon
