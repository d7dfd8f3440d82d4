#include "daemon/console_session.h"

#include <climits>

#include <spdlog/spdlog.h>

#include "api/codec.h"
#include "api/exec.h"
#include "base/units.h"

namespace cella::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kConnectTimeout{30};

}  // namespace

ConsoleSession::ConsoleSession(asio::io_context& io, manager::Instances& instances, SocketOperations& sockets,
                               RunOnWorker run, std::string instance, manager::OperationHandle operation)
    : io_(io),
      instances_(instances),
      sockets_(sockets),
      run_(std::move(run)),
      instance_(std::move(instance)),
      operation_(std::move(operation)),
      timer_(io) {}

void ConsoleSession::start() {
  self_ = shared_from_this();
  timer_.expires_after(kConnectTimeout);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->finish(Error(ErrorKind::kTimeout, "the client did not open the console's socket"));
  });
}

void ConsoleSession::attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) {
  if (!self_) return;
  peers_[name] = std::move(peer);
  if (name == "control") return read_control();
  open_console();
}

void ConsoleSession::open_console() {
  timer_.cancel();
  run_([self = shared_from_this()] {
    auto console = std::make_shared<Result<manager::ConsoleSession>>(self->instances_.console(self->instance_));
    asio::post(self->io_, [self, console] { self->opened(std::move(*console)); });
  });
}

void ConsoleSession::opened(Result<manager::ConsoleSession> console) {
  if (!console.ok()) return finish(console.error());
  Result<Descriptor> stream = make_descriptor(io_, std::move(console->stream));
  if (!stream.ok()) return finish(stream.error());
  if (!self_) return;  // detached meanwhile
  output_ = std::make_shared<OutputRelay>(*stream, peers_["0"], [self = shared_from_this()] { self->finish(kOk); });
  input_ =
      std::make_shared<InputRelay>(peers_["0"], *stream, [self = shared_from_this()](WebSocketPeer::Ending ending) {
        if (ending != WebSocketPeer::Ending::kNone) self->finish(kOk);
      });
  output_->start();
  input_->start();
}

void ConsoleSession::read_control() {
  peers_["control"]->read([self = shared_from_this()](FrameKind kind, std::string_view data, WebSocketPeer::Ending) {
    if (kind == FrameKind::kClosed) return self->finish(kOk);
    self->on_control(data);
    if (self->self_) self->read_control();
  });
}

void ConsoleSession::on_control(std::string_view text) {
  const Result<api::ControlMessage> message = api::decode<api::ControlMessage>(text);
  if (!message.ok() || message->command != "window-resize") return;
  const auto value = [&](const std::string& name) {
    const auto found = message->args.find(name);
    const Result<std::uint64_t> number = parse_unsigned(name, found == message->args.end() ? "" : found->second);
    return number.ok() && *number <= USHRT_MAX ? static_cast<int>(*number) : 0;
  };
  const int columns = value("width");
  const int rows = value("height");
  if (columns == 0 || rows == 0) return;
  run_([self = shared_from_this(), columns, rows] {
    const Result<void> resized = self->instances_.resize_console(self->instance_, columns, rows);
    if (!resized.ok()) {
      spdlog::warn("console resize failed instance={} error=\"{}\"", self->instance_, resized.error().message());
    }
  });
}

void ConsoleSession::finish(Result<void> outcome) {
  if (!self_) return;
  timer_.cancel();
  sockets_.remove(operation_.id());
  operation_.finish(std::move(outcome));
  if (input_) input_->stop_writing();
  if (output_) output_->finish_when_empty();
  for (const auto& [name, peer] : peers_) peer->close();
  const std::shared_ptr<ConsoleSession> last = std::move(self_);
  peers_.clear();
}

}  // namespace cella::daemon
