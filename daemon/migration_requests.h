// What clients ask for when an instance is to go from one server to another.
#pragma once

#include <memory>
#include <string>

#include "api/beast.h"
#include "api/instance.h"
#include "base/result.h"
#include "daemon/migration_link.h"
#include "daemon/socket_operations.h"
#include "manager/instance_migration.h"
#include "manager/server.h"

namespace cella::daemon {

// Thread-safe. What it is given outlives it and the operations it starts.
class MigrationRequests {
 public:
  using Caller = std::optional<manager::Requestor>;
  MigrationRequests(manager::Server& server, SocketOperations& sockets, boost::asio::io_context& io)
      : server_(server), sockets_(sockets), io_(io) {}

  // POST /1.0/instances/NAME with migration and no pool. Without a target this server waits for the other one on
  // sockets, whose secrets are the operation's metadata. snapshot: of the instance, sent as one; empty: itself.
  // Errors: kInvalid, kUnsupported naming the member; kNotFound, kBusy.
  Result<manager::OperationId> send(const std::string& instance, const std::string& snapshot,
                                    const api::InstancePost& body, const Caller& caller);

  // POST /1.0/instances with source.type "migration": pull from the source's operation, or push, for which this server
  // waits. create: the request without its source.
  Result<manager::OperationId> receive(manager::InstanceCreate create, const api::InstanceSource& source,
                                       const Caller& caller);

 private:
  template <typename Start>
  Result<manager::OperationId> start_waiting(const Start& start);

  manager::Server& server_;
  SocketOperations& sockets_;
  boost::asio::io_context& io_;
};

}  // namespace cella::daemon
