// Client: plain requests. WebSockets are in websocket.cpp.
#include "api/client.h"

#include <algorithm>

#include "api/codec.h"
#include "api/connection.h"
#include "api/tunnel.h"
#include "api/websocket_state.h"

namespace cella::api {
namespace {

constexpr std::size_t kPieceBytes = 256u << 10;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

template <typename Fields>
Headers headers_of(const Fields& fields) {
  Headers out;
  for (const auto& field : fields) out.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return out;
}

// What a peer that went away while idle looks like: nothing of the request was handled.
bool is_stale(const boost::system::error_code& error) {
  return error == http::error::end_of_stream || error == asio::error::eof || error == asio::error::broken_pipe ||
         error == asio::error::connection_reset || error == ssl::error::stream_truncated;
}

Result<Response> envelope_of(const HttpAnswer& answer) {
  Result<Response> response = decode<Response>(answer.body);
  if (!response.ok()) {
    return Error(ErrorKind::kIo, "answer with HTTP status " + std::to_string(answer.status) +
                                     " is no API answer: " + response.error().what());
  }
  return response;
}

Error error_of(const HttpAnswer& answer) {
  const Result<Response> response = envelope_of(answer);
  if (!response.ok()) return Error(error_kind_of(answer.status), response.error().what());
  return Error(error_kind_of(answer.status), response->error);
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

class Client::Impl {
 public:
  explicit Impl(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  Result<void> connect() {
    buffer_.clear();
    socket_.emplace(TRY(endpoint_.connect(context_)));
    fresh_ = true;
    return kOk;
  }

  std::string with_project(std::string target) const {
    if (project_.empty() || project_ == "default" || target.find("project=") != std::string::npos ||
        target.find("all-projects=") != std::string::npos) {
      return target;
    }
    target += target.find('?') == std::string::npos ? '?' : '&';
    return target + "project=" + percent_encode(project_);
  }

  template <typename Body>
  http::request<Body> head_of(const Request& request) const {
    http::request<Body> out;
    out.method_string(request.method);
    out.target(with_project(request.target));
    out.version(11);
    out.set(http::field::host, endpoint_.host());
    out.set(http::field::user_agent, "cella");
    for (const auto& [name, value] : request.headers) out.set(name, value);
    return out;
  }

  // Sends the request and reads the head of the answer; once more on a new connection when the kept one was stale.
  template <typename Parser>
  Result<void> exchange(const Request& request, std::optional<Parser>& parser) {
    for (;;) {
      if (!socket_ || !socket_->is_open()) TRY(connect());
      const bool fresh = std::exchange(fresh_, false);
      auto message = head_of<http::string_body>(request);
      if (!request.body.empty()) {
        if (message.find(http::field::content_type) == message.end()) {
          message.set(http::field::content_type, "application/json");
        }
        message.body() = request.body;
        message.prepare_payload();
      }
      boost::system::error_code error;
      http::write(*socket_, message, error);
      // A server that refuses a long body closes early: its answer is worth more than EPIPE.
      if (!error || (fresh && is_stale(error))) {
        if (const auto read_error = read_head(request, parser); !error || !read_error) error = read_error;
      }
      if (!error) return kOk;
      socket_->close();
      if (fresh || !is_stale(error)) return transport_error(error, request.method + " " + request.target);
    }
  }

  template <typename Parser>
  boost::system::error_code read_head(const Request& request, std::optional<Parser>& parser) {
    parser.emplace();
    parser->body_limit(boost::none);
    parser->header_limit(64u << 10);
    if (request.method == "HEAD") parser->skip(true);
    boost::system::error_code error;
    http::read_header(*socket_, buffer_, *parser, error);
    return error;
  }

  // Reads what is left of the body, piece by piece.
  Result<void> read_body(http::response_parser<http::buffer_body>& parser, const BodySink& sink,
                         const TransferProgress& progress) {
    const std::uint64_t total = parser.content_length().value_or(0);
    std::vector<char> piece(kPieceBytes);
    std::uint64_t done = 0;
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      boost::system::error_code error;
      http::read_some(*socket_, buffer_, parser, error);
      if (error == http::error::need_buffer) error = {};
      if (error) return broken(transport_error(error, "read the answer's body"));
      const std::size_t count = piece.size() - parser.get().body().size;
      if (count == 0) continue;
      if (Result<void> taken = sink({piece.data(), count}); !taken.ok()) return broken(std::move(taken).error());
      done += count;
      if (progress && !progress(done, total)) return broken(Error(ErrorKind::kCancelled, "download"));
    }
    finish(parser.get().keep_alive());
    return kOk;
  }

  Result<HttpAnswer> answer_of(http::response_parser<http::buffer_body>& parser) {
    HttpAnswer answer{static_cast<int>(parser.get().result_int()), headers_of(parser.get()), {}};
    TRY(read_body(parser,
                  [&](std::string_view piece) -> Result<void> {
                    if (answer.body.size() + piece.size() > kMaxJsonBytes)
                      return Error(ErrorKind::kIo, "answer is too long");
                    answer.body += piece;
                    return kOk;
                  },
                  {}));
    return answer;
  }

  Result<void> send_upload(const Request& request, const Upload& upload) {
    auto message = head_of<http::buffer_body>(request);
    message.set(http::field::content_type, upload.content_type);
    if (upload.size) {
      message.content_length(*upload.size);
    } else {
      message.chunked(true);
    }
    message.body().data = nullptr;
    message.body().more = true;
    http::request_serializer<http::buffer_body> serializer(message);
    boost::system::error_code error;
    http::write_header(*socket_, serializer, error);
    if (error) return transport_error(error, request.method + " " + request.target);
    return send_pieces(message, serializer, upload);
  }

  template <typename Message, typename Serializer>
  Result<void> send_pieces(Message& message, Serializer& serializer, const Upload& upload) {
    std::vector<char> piece(kPieceBytes);
    std::uint64_t done = 0;
    for (bool more = true; more;) {
      const std::size_t count = TRY(upload.source(piece.data(), piece.size()));
      more = count > 0;
      message.body().data = more ? piece.data() : nullptr;
      message.body().size = count;
      message.body().more = more;
      boost::system::error_code error;
      http::write(*socket_, serializer, error);
      if (error == http::error::need_buffer) error = {};
      // A server that refuses answers before it has read everything: its answer is worth more than EPIPE.
      if (is_stale(error)) return kOk;
      if (error) return transport_error(error, "send the request's body");
      done += count;
      if (upload.progress && !upload.progress(done, upload.size.value_or(0))) {
        return Error(ErrorKind::kCancelled, "upload");
      }
    }
    return kOk;
  }

  Result<HttpAnswer> upload(const Request& request, const Upload& body) {
    TRY(connect());
    if (Result<void> sent = send_upload(request, body); !sent.ok()) return broken(std::move(sent).error());
    std::optional<http::response_parser<http::buffer_body>> parser;
    if (const auto error = read_head(request, parser)) {
      return broken(transport_error(error, request.method + " " + request.target));
    }
    Result<HttpAnswer> answer = answer_of(*parser);
    finish(answer.ok() && answer->status < 400 && parser->get().keep_alive());
    return answer;
  }

  Result<void> tunnel(const std::string& target, const std::string& protocol, Fd inside) {
    TRY(connect());
    const Request request{.method = "GET", .target = target, .body = {}, .headers = {}};
    auto message = head_of<http::empty_body>(request);
    message.set(http::field::upgrade, protocol);
    message.set(http::field::connection, "Upgrade");
    boost::system::error_code error;
    http::write(*socket_, message, error);
    std::optional<http::response_parser<http::buffer_body>> parser;
    if (!error) error = read_head(request, parser);
    if (error) return broken(transport_error(error, "GET " + target));
    if (parser->get().result() != http::status::switching_protocols) return broken(error_of(TRY(answer_of(*parser))));
    const auto read = buffer_.data();
    const std::string early(static_cast<const char*>(read.data()), read.size());
    buffer_.clear();
    return run_tunnel(context_, *socket_, early, std::move(inside));
  }

  Error broken(Error error) {
    finish(false);
    return error;
  }
  void finish(bool keep) {
    if (!keep && socket_) socket_->close();
  }

  Endpoint endpoint_;
  std::string project_;
  asio::io_context context_{1};
  std::optional<Stream> socket_;
  bool fresh_ = false;  // no request was sent on the socket yet
  beast::flat_buffer buffer_;
  std::weak_ptr<WebSocketLoop> loop_;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect_unix(const std::string& path) {
  auto impl = std::make_unique<Impl>(Endpoint(path));
  TRY(impl->connect());
  return Client(std::move(impl));
}

Result<Client> Client::connect_tls(TlsServer server) {
  auto impl = std::make_unique<Impl>(TRY(Endpoint::open(std::move(server))));
  TRY(impl->connect());
  return Client(std::move(impl));
}

void Client::set_project(std::string project) { impl_->project_ = std::move(project); }

namespace {

Result<Answer> read_answer(const HttpAnswer& raw) {
  if (raw.status >= 400) return error_of(raw);
  Answer answer;
  answer.response = TRY(envelope_of(raw));
  answer.http_status = raw.status;
  answer.etag = raw.header("ETag");
  answer.location = raw.header("Location");
  return answer;
}

}  // namespace

Result<Answer> Client::call(const Request& request) { return read_answer(TRY(raw(request))); }

Result<Answer> Client::upload(const Request& request, const Upload& body) {
  return read_answer(TRY(impl_->upload(request, body)));
}

Result<HttpAnswer> Client::raw(const Request& request) {
  std::optional<http::response_parser<http::buffer_body>> parser;
  TRY(impl_->exchange(request, parser));
  return impl_->answer_of(*parser);
}

Result<HttpAnswer> Client::download(const Request& request, const BodySink& sink, const TransferProgress& progress,
                                    const std::function<Result<void>(const HttpAnswer&)>& headers_seen) {
  std::optional<http::response_parser<http::buffer_body>> parser;
  TRY(impl_->exchange(request, parser));
  if (parser->get().result_int() >= 400) return error_of(TRY(impl_->answer_of(*parser)));
  HttpAnswer answer{static_cast<int>(parser->get().result_int()), headers_of(parser->get()), {}};
  if (headers_seen) {
    if (Result<void> seen = headers_seen(answer); !seen.ok()) return impl_->broken(std::move(seen).error());
  }
  TRY(impl_->read_body(*parser, sink, progress));
  return answer;
}

Result<void> Client::tunnel(const std::string& target, const std::string& protocol, Fd inside) {
  return impl_->tunnel(target, protocol, std::move(inside));
}

Result<WebSocket> Client::open_websocket(const std::string& target) {
  std::shared_ptr<WebSocketLoop> loop = impl_->loop_.lock();
  if (!loop) impl_->loop_ = loop = std::make_shared<WebSocketLoop>();
  const std::string full = impl_->with_project(target);
  Result<std::shared_ptr<WebSocket::State>> state = WebSocket::State::open(loop, impl_->endpoint_, full);
  if (state.ok()) return WebSocket(std::move(state).value());
  // Beast drops the body of a refused upgrade: ask again without upgrading to learn the server's reason.
  TRY(call({.method = "GET", .target = target, .body = {}, .headers = {}}));
  return std::move(state).error();
}

}  // namespace cella::api
