// One attached console: relays between an instance's console and a WebSocket until either side ends.
#pragma once

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

class ConsoleSession : public SocketOperation, public std::enable_shared_from_this<ConsoleSession> {
 public:
  ConsoleSession(boost::asio::io_context& io, manager::Instances& instances, SocketOperations& sockets, RunOnWorker run,
                 std::string instance, manager::OperationHandle operation);

  // Fails the operation when the sockets have not come in time. The session keeps itself alive until it is over.
  void start();
  void attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) override;

 private:
  void open_console();
  void opened(Result<manager::ConsoleSession> console);
  void read_control();
  void on_control(std::string_view text);
  void finish(Result<void> outcome);

  boost::asio::io_context& io_;
  manager::Instances& instances_;
  SocketOperations& sockets_;
  RunOnWorker run_;
  const std::string instance_;
  const manager::OperationHandle operation_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<ConsoleSession> self_;  // until finish()
  std::map<std::string, std::shared_ptr<WebSocketPeer>> peers_;
  std::shared_ptr<OutputRelay> output_;
  std::shared_ptr<InputRelay> input_;
};

}  // namespace cella::daemon
