// Instances: their records, and everything that can be done to them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "manager/instance.h"
#include "manager/profiles.h"

namespace cella::manager {

// A process started by exec().
struct ExecProcess {
  pid_t pid = -1;  // as the host sees it
  PidFd pidfd;     // for signals
  Fd terminal;     // the pty's master when a terminal was asked for; resize it with TIOCSWINSZ
};

struct ConsoleSession {
  Fd terminal;          // a duplicate of the console's master; resize it with TIOCSWINSZ
  std::string backlog;  // what the console printed lately
};

// Thread-safe; operations on one instance exclude each other (kBusy), different instances run at the same time.
// Calls that validate do so before they return; what takes long is then an operation.
class Instances {
 public:
  virtual ~Instances() = default;
  using Caller = std::optional<Requestor>;

  virtual std::vector<Instance> list() const = 0;                       // by name
  virtual Result<Instance> find(const std::string& name) const = 0;     // kNotFound

  // Errors: kInvalid (name, key, value, device, unknown profile), kExists (name), kNotFound (image, pool). The
  // operation's resources name the instance ("instances" → name) also when the name was made up.
  virtual Result<OperationId> create(const InstanceCreate& request, const Caller& caller) = 0;
  // PUT. volatile.* keys in the request are ignored except volatile.DEVICE.hwaddr of a stopped instance.
  virtual Result<OperationId> update(const std::string& name, const InstancePut& put, const Caller& caller) = 0;
  // PATCH, done when it returns.
  virtual Result<void> patch(const std::string& name, const InstancePatch& patch, const Caller& caller) = 0;
  // Errors: kInvalid when it runs.
  virtual Result<OperationId> rename(const std::string& name, const std::string& to, const Caller& caller) = 0;
  // Errors: kInvalid when it runs or is protected (security.protection.delete).
  virtual Result<OperationId> remove(const std::string& name, const Caller& caller) = 0;
  // Errors: kInvalid when the state forbids it ("The instance is already running" …), kBusy.
  virtual Result<OperationId> change_state(const std::string& name, const StateChange& change,
                                           const Caller& caller) = 0;

  virtual Result<InstanceState> state(const std::string& name) const = 0;

  // Starts a process in the running instance. stdio: descriptors for 0, 1, 2, borrowed, without a terminal. on_exit:
  // called once, on another thread, with the status in waitpid(2) format.
  // Errors: kInvalid (not running, empty command), kNotFound (no such program), kIo.
  virtual Result<ExecProcess> exec(const std::string& name, const ExecRequest& request, const int (&stdio)[3],
                                   std::function<void(int wait_status)> on_exit) = 0;
  // Errors: kInvalid when it is not running.
  virtual Result<ConsoleSession> console(const std::string& name) = 0;
  // What the console printed lately. Errors: kInvalid when it is not running.
  virtual Result<std::string> console_log(const std::string& name) const = 0;

  // Errors: kNotFound when it was not started since the daemon started.
  virtual Result<LaunchTrace> launch_trace(const std::string& name) const = 0;
};

}  // namespace cella::manager
