// The daemon's side of the keeper: starts it, connects to it, and gives it orders.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "runtime/dev_filesystem.h"
#include "runtime/exec_plan.h"
#include "runtime/plan.h"

namespace cella::runtime {

// Names a process for good, also across keepers and daemons: a pid alone can be used again.
struct ProcessIdentity {
  pid_t pid = 0;                 // in the host's PID namespace
  std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat
  bool operator==(const ProcessIdentity&) const = default;
};

struct LaunchedContainer {
  ProcessIdentity init;
  PidFd pidfd;
  Fd console;          // a duplicate of the console's pty master, invalid without a console. Keep it, never read it (below)
  std::string handle;  // pidfs file handle of init, for adopt(); empty before Linux 6.14
  LaunchTimings timings;
};

// A container's init has ended. wait_status: waitpid(2) format; nullopt when nobody could learn it (init was adopted
// and the kernel is older than 6.15).
struct ContainerExit {
  std::string name;
  ProcessIdentity init;
  std::optional<int> wait_status;
};

// Chosen by the client library; unique for the life of a keeper.
struct ExecId {
  std::uint64_t value = 0;
  auto operator<=>(const ExecId&) const = default;
};

struct ExecExit {
  ExecId id;
  std::string container;
  std::optional<int> wait_status;
};

// Standard streams of an exec'ed process. All three are borrowed for the call. With ExecPlan::terminal set they are not
// used: the process gets a new pty of the container and its master comes back.
struct ExecStreams {
  int standard_input = -1;
  int standard_output = -1;
  int standard_error = -1;
};

struct ExecSession {
  ExecId id;
  ProcessIdentity process;
  PidFd pidfd;
  Fd terminal;  // pty master; invalid for plain streams
};

// What the keeper knows about one container. exited: init has ended and the exit is not acknowledged yet.
struct ContainerStatus {
  std::string name;
  ProcessIdentity init;
  std::string cgroup;  // path below the v2 root of init's cgroup, empty once it exited
  bool exited = false;
  std::optional<int> wait_status;
  bool has_console = false;
  bool adopted = false;
  std::uint32_t sessions = 0;  // exec'ed processes that still run
};

// Descriptors of a running container, duplicates that belong to the caller.
struct ContainerHandles {
  PidFd pidfd;
  Fd network_namespace;
  Fd console;  // pty master; see LaunchedContainer::console
  ProcessIdentity init;
};

// What the daemon recorded about a container that an earlier keeper launched.
struct AdoptRequest {
  std::string name;
  ProcessIdentity init;
  std::string cgroup;  // path below the v2 root given to the container, for example "/lxc.payload.c1"
  std::string handle;  // LaunchedContainer::handle; empty: pid + start time + cgroup decide
  int console = -1;    // the kept pty master, borrowed; -1: the console is lost
  int pidfd = -1;      // a kept pidfd, borrowed; -1: opened by pid. With it no other proof is needed
};

enum class Adoption : std::uint8_t {
  kAdopted,       // it runs and is watched again; its exit will be reported
  kAlreadyKnown,  // this keeper has it
  kGone,          // init has ended, or the pid is another process now. No exit will be reported for it
};

enum class MountPoint : std::uint8_t { kMustExist, kMakeDirectory, kMakeFile };

struct ConsoleSize {
  std::uint16_t columns = 80;
  std::uint16_t rows = 24;
};

enum class Replay : std::uint8_t { kNothing, kBacklog };

enum class Shutdown : std::uint8_t {
  kWhenEmpty,  // refuses with kBusy while it has a running container or session, or an exit not acknowledged
  kAlways,     // containers go on; the next keeper adopts them
};

// Called on the client's reader thread, one at a time, never while the client holds a lock: they may call the client, and
// may destroy it. Not called any more once the client is destroyed.
struct KeeperEvents {
  // Comes again after every reconnect until acknowledge_exit(). Must be harmless when repeated.
  std::function<void(const ContainerExit&)> container_exited;
  // Sessions that this client did not start (an earlier daemon did). Delivered at least once.
  std::function<void(const ExecExit&)> session_exited;
  // The keeper died or another daemon took its place. Every later call fails with kIo. Open a new client, then adopt().
  std::function<void(const Error&)> lost;
};

struct KeeperOptions {
  std::string cella_dir;       // holds keeper.socket and keeper/
  std::string runtime_binary;  // the cella-runtime executable, copied into a sealed memfd when a keeper is started
  int cgroup = -1;             // directory of the cgroup a new keeper is born in, borrowed; -1: the caller's own
};

// A connection to the keeper. Thread-safe: calls from many threads are served one after the other; none waits for
// another's container (exec and changes inside a container wait outside of that order).
// Errors of every call: kIo when the keeper is gone, kNotFound for an unknown or ended container.
//
// Consoles: the keeper always reads every console's pty itself, into a bounded ring (128 KiB), and hands output on to
// attached streams at their own pace. So neither a killed daemon nor a reader that stops can block a container; a reader
// that falls more than the ring behind loses the oldest output. Whoever else reads the master steals output.
class KeeperClient {
 public:
  // Connects to $cella_dir/keeper.socket, or starts a keeper that outlives the caller and connects to it. A daemon
  // that is connected already is cut off. Pending exits are delivered to events at once, possibly before open() returns.
  // Errors: kUnsupported when a running keeper speaks another protocol version; kIo with the keeper's last words.
  static Result<std::unique_ptr<KeeperClient>> open(const KeeperOptions& options, KeeperEvents events);
  ~KeeperClient();
  KeeperClient(const KeeperClient&) = delete;
  KeeperClient& operator=(const KeeperClient&) = delete;

  pid_t keeper_pid() const;

  // Starts a container. name: 1 to 200 bytes without '/' or control characters, unique among running containers.
  // descriptors: what the plan's indexes refer to, borrowed, at most 253. failure: filled when a step of the launch failed.
  // Errors: kExists when a container of that name runs; kInvalid for a malformed plan.
  Result<LaunchedContainer> launch(const std::string& name, const LaunchPlan& plan, std::span<const int> descriptors,
                                   LaunchFailure* failure = nullptr);

  // Runs a process in a running container. cgroup: directory of the leaf cgroup it is born in, borrowed.
  // exited: called once on the reader thread, possibly before exec() returns, never after a failed exec(). It comes even
  // when the keeper dies, and then also after this client was destroyed: it must own what it touches.
  // Errors: kNotFound when there is no such command (failure: kExecute, ENOENT → LXD's status 127), kDenied when it
  // cannot be executed (126), kTimeout when the program did not start within 30 s.
  Result<ExecSession> exec(const std::string& name, const ExecPlan& plan, int cgroup, const ExecStreams& streams,
                           std::function<void(const ExecExit&)> exited, ExecFailure* failure = nullptr);

  // Sends a signal to the container's init, or to an exec'ed process.
  Result<void> signal(const std::string& name, int number);
  Result<void> signal_session(ExecId id, int number);

  // Forgets an exit that is recorded durably elsewhere. Unknown exits are success.
  Result<void> acknowledge_exit(const std::string& name, const ProcessIdentity& init);

  Result<std::vector<ContainerStatus>> list();
  Result<ContainerHandles> handles(const std::string& name);

  // A stream socket joined to the console: reading gives output (from the backlog on, if asked), writing is input.
  // Several may be attached at once. It ends (read gives 0) when the container ends.
  Result<Fd> attach_console(const std::string& name, Replay replay);
  // The output still held in the ring, oldest first; works until the exit is acknowledged.
  Result<std::string> console_backlog(const std::string& name);
  Result<void> clear_console_backlog(const std::string& name);
  Result<void> resize_console(const std::string& name, ConsoleSize size);

  // Takes over a container of a dead keeper. Errors: kExists when another container of that name runs.
  Result<Adoption> adopt(const AdoptRequest& request);

  // Hot-plug. Paths are absolute inside the container and resolved there, with the container's own privileges
  // (mounts) or below its /dev only (nodes). mount: a detached mount (open_tree, fsmount), borrowed.
  // Errors: kTimeout after 10 s (a FUSE path that does not answer); kNotFound, kExists, kDenied as the kernel says.
  Result<void> attach_mount(const std::string& name, int mount, const std::string& path, MountPoint point);
  Result<void> detach_mount(const std::string& name, const std::string& path);
  Result<void> create_device(const std::string& name, const DeviceNode& node);
  Result<void> remove_device(const std::string& name, const std::string& path);

  // A NETLINK_ROUTE socket bound to the container's network namespace for as long as it is open.
  Result<Fd> netlink_socket(const std::string& name);

  Result<void> shutdown(Shutdown how);

 private:
  class Connection;
  explicit KeeperClient(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> connection_;
};

}  // namespace cella::runtime
