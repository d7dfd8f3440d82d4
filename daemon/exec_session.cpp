#include "daemon/exec_session.h"

#include <sys/ioctl.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include <spdlog/spdlog.h>

#include "api/codec.h"
#include "api/exec.h"
#include "base/syscalls.h"
#include "base/units.h"

namespace cella::daemon {
namespace {

namespace asio = boost::asio;

// Control messages kept until the process runs.
constexpr std::size_t kMaxEarlyMessages = 16;
// How long a client may take to open its sockets.
constexpr std::chrono::seconds kConnectTimeout{30};

Result<unsigned short> dimension(const api::ControlMessage& message, const std::string& name) {
  const auto found = message.args.find(name);
  const std::uint64_t value = TRY(parse_unsigned(name, found == message.args.end() ? "" : found->second));
  if (value > USHRT_MAX) return invalid_value(name, found->second, "is too large");
  return static_cast<unsigned short>(value);
}

}  // namespace

int return_code_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return 128 + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

std::optional<int> return_code_of(const Error& error) {
  if (error.kind() == ErrorKind::kNotFound) return 127;
  if (error.kind() == ErrorKind::kDenied) return 126;
  return std::nullopt;
}

struct ExecSession::Pipes {
  Pipe input, output, errors;
};

std::vector<std::string> ExecSession::socket_names(bool interactive) {
  if (interactive) return {"0", "control"};
  return {"0", "1", "2", "control"};
}

ExecSession::ExecSession(Wiring wiring, std::string instance, manager::ExecRequest request,
                         manager::OperationHandle operation)
    : wiring_(std::move(wiring)),
      instance_(std::move(instance)),
      request_(std::move(request)),
      operation_(std::move(operation)),
      timer_(wiring_.io) {}

void ExecSession::start() {
  self_ = shared_from_this();
  timer_.expires_after(kConnectTimeout);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->fail(Error(ErrorKind::kTimeout, "the client did not open all of the command's sockets"));
  });
}

void ExecSession::attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) {
  if (!self_) return;
  peers_[name] = std::move(peer);
  if (name == "control") return read_control();
  if (name == "0") {
    input_ = std::make_shared<InputRelay>(peers_[name], [](WebSocketPeer::Ending) {});
    input_->start();
  }
  // Some clients (pylxd) never open the control socket; all others open it first.
  const std::size_t needed = socket_names(request_.terminal).size() - 1;
  if (peers_.size() - peers_.count("control") == needed) launch();
}

// On a worker: starting a process waits for the keeper.
void ExecSession::launch() {
  timer_.cancel();
  wiring_.run([self = shared_from_this()] {
    auto pipes = std::make_shared<Pipes>();
    const auto start = [&]() -> Result<manager::ExecProcess> {
      if (!self->request_.terminal) {
        pipes->input = TRY(make_pipe());
        pipes->output = TRY(make_pipe());
        pipes->errors = TRY(make_pipe());
      }
      const int stdio[3] = {pipes->input.read_end.get(), pipes->output.write_end.get(), pipes->errors.write_end.get()};
      return self->wiring_.instances.exec(self->instance_, self->request_, stdio, [self](int status) {
        asio::post(self->wiring_.io, [self, status] { self->exited(status); });
      });
    };
    auto process = std::make_shared<Result<manager::ExecProcess>>(start());
    asio::post(self->wiring_.io, [self, process, pipes] { self->launched(std::move(*process), pipes); });
  });
}

void ExecSession::launched(Result<manager::ExecProcess> process, std::shared_ptr<Pipes> pipes) {
  if (!process.ok()) return fail(process.error());
  process_ = std::move(process).value();
  launched_ = true;
  const Result<void> relayed = request_.terminal ? relay_terminal() : relay_pipes(*pipes);
  if (!relayed.ok()) {
    send_signal(SIGKILL);
    return fail(relayed.error());
  }
  for (const std::string& message : std::exchange(early_messages_, {})) on_control(message);
  if (control_lost_) send_signal(SIGKILL);
  if (wait_status_) exited(*wait_status_);
}

Result<void> ExecSession::relay_terminal() {
  terminal_ = TRY(make_descriptor(wiring_.io, std::move(process_.terminal)));
  relay_output("0", terminal_);
  relay_input(terminal_);
  return kOk;
}

Result<void> ExecSession::relay_pipes(Pipes& pipes) {
  relay_input(TRY(make_descriptor(wiring_.io, std::move(pipes.input.write_end))));
  relay_output("1", TRY(make_descriptor(wiring_.io, std::move(pipes.output.read_end))));
  relay_output("2", TRY(make_descriptor(wiring_.io, std::move(pipes.errors.read_end))));
  // Our copies of the process's ends would keep the streams open. (The vanished client's end closes with its relay.)
  pipes = Pipes();
  return kOk;
}

void ExecSession::relay_output(const std::string& name, Descriptor from) {
  ++outputs_open_;
  outputs_.push_back(std::make_shared<OutputRelay>(std::move(from), peers_[name],
                                                   [self = shared_from_this()] { self->output_ended(); }));
  outputs_.back()->start();
}

void ExecSession::relay_input(Descriptor to) {
  input_->connect(std::move(to));
}

void ExecSession::read_control() {
  peers_["control"]->read(
      [self = shared_from_this()](FrameKind kind, std::string_view data, WebSocketPeer::Ending ending) {
        if (kind == FrameKind::kClosed) {
          // A client that is gone without a word leaves nobody who could end the process.
          self->control_lost_ = ending == WebSocketPeer::Ending::kVanished;
          if (self->control_lost_ && self->launched_) self->send_signal(SIGKILL);
          return;
        }
        if (self->launched_) {
          self->on_control(data);
        } else if (self->early_messages_.size() < kMaxEarlyMessages) {
          self->early_messages_.emplace_back(data);
        }
        if (self->self_) self->read_control();
      });
}

void ExecSession::on_control(std::string_view text) {
  const Result<api::ControlMessage> message = api::decode<api::ControlMessage>(text);
  if (!message.ok()) {
    spdlog::warn("bad control message instance={} operation={} error=\"{}\"", instance_, operation_.id(),
                 message.error().message());
    return;
  }
  if (message->command == "signal") {
    send_signal(message->signal);
  } else if (message->command == "window-resize" && terminal_) {
    const Result<unsigned short> width = dimension(*message, "width");
    const Result<unsigned short> height = dimension(*message, "height");
    if (!width.ok() || !height.ok()) return;
    winsize size{};
    size.ws_col = *width;
    size.ws_row = *height;
    if (ioctl(terminal_->native_handle(), TIOCSWINSZ, &size) != 0) {
      spdlog::warn("resize failed instance={} operation={} errno={}", instance_, operation_.id(), errno);
    }
  }
}

void ExecSession::send_signal(int signal) {
  if (!process_.pidfd || signal < 1 || signal > 64) return;
  // The process may have ended just now; its exit is on the way then.
  if (sys_pidfd_send_signal(process_.pidfd.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    spdlog::warn("signal failed instance={} operation={} signal={} errno={}", instance_, operation_.id(), signal,
                 errno);
  }
}

void ExecSession::exited(int wait_status) {
  wait_status_ = wait_status;
  if (!launched_) return;  // launched() comes back here
  for (const auto& output : outputs_) output->finish_when_empty();
  finish_if_over();
}

void ExecSession::output_ended() {
  --outputs_open_;
  finish_if_over();
}

// The client takes the operation's end for the end of the command, and then waits for the ends of its streams only.
void ExecSession::finish_if_over() {
  if (!wait_status_ || !launched_ || outputs_open_ > 0) return;
  operation_.set_metadata("return", return_code_of(*wait_status_));
  finish(kOk);
}

void ExecSession::fail(const Error& error) {
  if (!self_) return;
  for (const auto& [name, peer] : peers_) {
    const bool output = name == "1" || name == "2" || (name == "0" && request_.terminal);
    if (output) peer->write(FrameKind::kText, "", [keep = peer](bool) {});
  }
  const std::optional<int> code = return_code_of(error);
  if (code) operation_.set_metadata("return", *code);
  if (code == 127) return finish(Error(ErrorKind::kNotFound, "Command not found"));
  if (code == 126) return finish(Error(ErrorKind::kDenied, "Command not executable"));
  finish(error);
}

void ExecSession::finish(Result<void> outcome) {
  if (!self_) return;
  timer_.cancel();
  wiring_.sockets.remove(operation_.id());
  operation_.finish(std::move(outcome));
  if (input_) input_->stop_writing();
  terminal_.reset();
  outputs_.clear();
  // The relays and reads that still wait hold what they need; closing ends them.
  for (const auto& [name, peer] : peers_) peer->close();
  self_.reset();
}

}  // namespace cella::daemon
