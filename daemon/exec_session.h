// One exec with its WebSockets: waits for them, starts the process, relays, reports its status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/beast.h"
#include "daemon/handlers.h"
#include "daemon/relay.h"
#include "daemon/socket_operations.h"
#include "manager/operations.h"

namespace cella::daemon {

// What an exit status in waitpid(2) format is to LXD's clients: the code, or 128 + the signal.
int return_code_of(int wait_status);

// How an exec that could not start is told: 127 when there is no such program, 126 when it cannot be run; nullopt for
// other failures.
std::optional<int> return_code_of(const Error& error);

class ExecSession : public SocketOperation, public std::enable_shared_from_this<ExecSession> {
 public:
  struct Wiring {
    boost::asio::io_context& io;
    manager::Instances& instances;
    SocketOperations& sockets;
    RunOnWorker run;
  };
  // Names of the sockets a client may open; the process starts when all but "control" are there.
  static std::vector<std::string> socket_names(bool interactive);

  ExecSession(Wiring wiring, std::string instance, manager::ExecRequest request, manager::OperationHandle operation);

  // Fails the operation when the sockets have not come in time. The session keeps itself alive until it is over.
  void start();
  void attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) override;

 private:
  struct Pipes;
  void launch();
  void launched(Result<manager::ExecProcess> process, std::shared_ptr<Pipes> pipes);
  Result<void> relay_terminal();
  Result<void> relay_pipes(Pipes& pipes);
  void relay_output(const std::string& name, Descriptor from);
  void relay_input(Descriptor to);
  void read_control();
  void on_control(std::string_view text);
  void send_signal(int signal);
  void exited(int wait_status);
  void output_ended();
  void finish_if_over();
  void fail(const Error& error);
  void finish(Result<void> outcome);

  Wiring wiring_;
  const std::string instance_;
  const manager::ExecRequest request_;
  const manager::OperationHandle operation_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<ExecSession> self_;  // until finish()
  std::map<std::string, std::shared_ptr<WebSocketPeer>> peers_;
  manager::ExecProcess process_;
  Descriptor terminal_;
  std::vector<std::shared_ptr<OutputRelay>> outputs_;
  std::shared_ptr<InputRelay> input_;
  std::size_t outputs_open_ = 0;
  std::vector<std::string> early_messages_;  // of the control socket, before the process runs
  std::optional<int> wait_status_;
  bool launched_ = false;
  bool control_lost_ = false;
};

}  // namespace cella::daemon
