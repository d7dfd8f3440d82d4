// What the keeper remembers: containers, and the sessions that run in them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fd.h"
#include "runtime/client.h"
#include "runtime/keeper_console.h"
#include "runtime/keeper_process.h"

namespace cella::runtime {

// A container that runs, or one that ended and whose exit nobody has acknowledged yet.
struct ContainerRecord {
  std::string name;
  ProcessIdentity init;
  bool adopted = false;
  bool exited = false;
  std::optional<int> wait_status;          // once exited
  std::unique_ptr<ProcessWatch> watch;     // while it runs
  std::unique_ptr<Console> console;        // may be null; outlives the exit so that its backlog can be read
};

// The same for an exec'ed process.
struct SessionRecord {
  ExecId id;
  std::string container;
  ProcessIdentity process;
  bool exited = false;
  std::optional<int> wait_status;
  std::unique_ptr<ProcessWatch> watch;
  Fd terminal;  // duplicate of the pty master, so that the daemon's death does not hang the session up
};

// Records have stable addresses until they are removed. A name belongs to at most one running container; ended ones of
// the same name are told apart by their init. Not thread-safe.
class Registry {
 public:
  // Errors: kExists when a container of that name runs.
  Result<ContainerRecord*> add(std::unique_ptr<ContainerRecord> record);
  ContainerRecord* find_running(const std::string& name);
  // The running one, else the one that ended last.
  ContainerRecord* find_latest(const std::string& name);
  ContainerRecord* find(const std::string& name, const ProcessIdentity& init);
  void remove(const ContainerRecord& record);

  // Records in (name, start time, pid) order behind the given one, at most `count`. An empty name: from the first.
  std::vector<const ContainerRecord*> after(const std::string& name, const ProcessIdentity& init, std::size_t count) const;

  // Errors: kExists.
  Result<SessionRecord*> add_session(std::unique_ptr<SessionRecord> record);
  SessionRecord* find_session(ExecId id);
  void remove_session(ExecId id);
  std::uint32_t running_sessions(const std::string& container) const;

  const auto& containers() const { return containers_; }
  const auto& sessions() const { return sessions_; }
  // Nothing runs and nothing waits to be acknowledged.
  bool empty() const { return containers_.empty() && sessions_.empty(); }

 private:
  using Key = std::tuple<std::string, std::uint64_t, pid_t>;
  static Key key_of(const std::string& name, const ProcessIdentity& init) { return {name, init.start_time, init.pid}; }
  auto first_of(const std::string& name) { return containers_.lower_bound({name, 0, 0}); }
  std::map<Key, std::unique_ptr<ContainerRecord>> containers_;
  std::map<std::uint64_t, std::unique_ptr<SessionRecord>> sessions_;
};

// Errors: kInvalid unless 1 to 200 bytes without '/' or control characters, and not "." or "..".
Result<void> check_container_name(const std::string& name);

}  // namespace cella::runtime
