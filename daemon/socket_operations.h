// Operations of class websocket: which sockets they wait for, and the secrets that open them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/message.h"

namespace cella::daemon {

// What takes the sockets of one operation. attach() is called on the I/O thread, once per name.
class SocketOperation {
 public:
  virtual ~SocketOperation() = default;
  virtual void attach(const std::string& name, std::shared_ptr<WebSocketPeer> peer) = 0;
};

// Socket name ("0", "control") → its secret.
using SocketSecrets = std::map<std::string, std::string>;

// 64 hexadecimal digits of the kernel's random numbers for each name.
SocketSecrets make_secrets(const std::vector<std::string>& names);

// The operations that sockets may be opened for. Thread-safe.
class SocketOperations {
 public:
  void add(const std::string& operation, SocketSecrets secrets, std::weak_ptr<SocketOperation> target);
  void remove(const std::string& operation);

  struct Claim {
    std::string name;
    std::shared_ptr<SocketOperation> target;
  };
  // A secret opens its socket once. Errors: kNotFound for an unknown operation, kDenied for a wrong or used secret.
  Result<Claim> claim(const std::string& operation, std::string_view secret);

 private:
  struct Entry {
    SocketSecrets secrets;
    std::weak_ptr<SocketOperation> target;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace cella::daemon
