// The manager as one object: opens the state, wires the nouns, recovers what was running.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "manager/config.h"
#include "manager/operation.h"

namespace cella::manager {

class Database;
class Events;
class Images;
class Instances;
class Networks;
class Operations;
class Pools;
class Profiles;

struct ServerOptions {
  std::string state_dir;        // absolute; made when missing (0711)
  std::string runtime_program;  // absolute path of cella-runtime; empty: $CELLA_RUNTIME, else beside this executable
};

// Owns everything below the API. Include the noun's header to use it. The caller has put this process into a mount
// namespace of its own (ARCHITECTURE) before it opens the server.
class Server {
 public:
  // Opens or creates the state, starts or finds the keeper, brings pools and networks up, finds running instances and
  // finishes or undoes what a killed daemon left half-done. Errors name the piece that failed.
  static Result<std::unique_ptr<Server>> open(const ServerOptions& options);
  // Containers go on.
  virtual ~Server() = default;

  virtual Operations& operations() = 0;
  virtual Events& events() = 0;
  virtual Instances& instances() = 0;
  virtual Profiles& profiles() = 0;
  virtual Images& images() = 0;
  virtual Pools& pools() = 0;
  virtual Networks& networks() = 0;
  virtual const std::string& state_dir() const = 0;

  // Server configuration (the "config" of GET /1.0): user.* and what has an effect here.
  virtual Config config() const = 0;
  // PUT replaces, PATCH sets the keys given; an empty value unsets. Errors: kInvalid naming key and value.
  virtual Result<void> set_config(const Config& config) = 0;
  virtual Result<void> patch_config(const Config& config) = 0;

  // Starts what boot.autostart and volatile.last_state.power ask for, by boot.autostart.priority; an operation's end is
  // not waited for. Call once, when the API listens.
  virtual void start_instances() = 0;
};

}  // namespace cella::manager
