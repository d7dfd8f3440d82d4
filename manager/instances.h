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

struct InstanceParts;
class InstanceFiles;
class InstanceMetadata;
class InstanceMigration;

// A process started by exec().
struct ExecProcess {
  pid_t pid = -1;  // as the host sees it
  PidFd pidfd;     // for signals
  Fd terminal;     // the pty's master when a terminal was asked for; resize it with TIOCSWINSZ
};

struct ConsoleSession {
  Fd stream;  // a socket: reading gives output (the backlog first), writing is input; end of file when the container ends
};

// Thread-safe; operations on one instance exclude each other (kBusy), different instances run at the same time.
// `name` is everywhere the qualified one (names.h).
// Calls that validate do so before they return; what takes long is then an operation.
class Instances {
 public:
  explicit Instances(std::unique_ptr<InstanceParts> parts);  // for the wiring in server.cpp
  ~Instances();
  Instances(const Instances&) = delete;
  Instances& operator=(const Instances&) = delete;
  using Caller = std::optional<Requestor>;

  std::vector<Instance> list() const;                       // by name
  Result<Instance> find(const std::string& name) const;     // kNotFound

  // Errors: kInvalid (name, key, value, device, unknown profile), kExists (name), kNotFound (image, pool). The
  // operation's resources name the instance ("instances" → name) also when the name was made up.
  // fetch: instead of request.fingerprint; its errors end the operation, and nothing is there then.
  Result<OperationId> create(const InstanceCreate& request, const Caller& caller, const FetchImage& fetch = {});
  // PUT. volatile.* keys in the request are ignored except volatile.DEVICE.hwaddr of a stopped instance.
  Result<OperationId> update(const std::string& name, const InstancePut& put, const Caller& caller);
  // PATCH, done when it returns.
  Result<void> patch(const std::string& name, const InstancePatch& patch, const Caller& caller);
  // Moves it to another pool on this host, and gives it another name where `to` is one. Errors: kInvalid when it runs.
  Result<OperationId> move(const std::string& name, const std::string& to, const std::string& pool,
                           const Caller& caller);
  // Errors: kInvalid when it runs.
  Result<OperationId> rename(const std::string& name, const std::string& to, const Caller& caller);
  // Errors: kInvalid when it runs or is protected (security.protection.delete).
  Result<OperationId> remove(const std::string& name, const Caller& caller);
  // Errors: kInvalid when the state forbids it ("The instance is already running" …), kBusy.
  Result<OperationId> change_state(const std::string& name, const StateChange& change,
                                           const Caller& caller);

  Result<InstanceState> state(const std::string& name) const;

  // Starts a process in the running instance. stdio: descriptors for 0, 1, 2, borrowed, without a terminal. on_exit:
  // called once, on another thread, with the status in waitpid(2) format.
  // Errors: kInvalid (not running, empty command), kNotFound (no such program), kIo.
  Result<ExecProcess> exec(const std::string& name, const ExecRequest& request, const int (&stdio)[3],
                                   std::function<void(int wait_status)> on_exit);
  // Errors: kInvalid when it is not running.
  Result<ConsoleSession> console(const std::string& name);
  Result<void> resize_console(const std::string& name, int columns, int rows);
  // What the console printed lately, or before the instance stopped; and forgetting it.
  Result<std::string> console_log(const std::string& name) const;
  Result<void> clear_console_log(const std::string& name);

  // To and from other servers.
  InstanceMigration& migration();

  // The files inside, running or stopped. Errors: see InstanceFiles.
  InstanceFiles& files();
  // metadata.yaml and the templates it came with.
  InstanceMetadata& metadata();

  // Errors: kNotFound when it was not started since the daemon started.
  Result<LaunchTrace> launch_trace(const std::string& name) const;

 private:
  std::unique_ptr<InstanceParts> parts_;
};

}  // namespace cella::manager
