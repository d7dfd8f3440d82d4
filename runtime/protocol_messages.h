// The body of every message between daemon and keeper, with its members in wire order.
//
// Descriptors beside a message are named in the comment of its struct, in order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/client.h"
#include "runtime/protocol.h"

namespace cella::runtime {

// Records of client.h that cross the wire as they are. The last enumerator bounds what a decoder accepts.
template <typename Archive>
void describe(Archive& archive, ProcessIdentity& identity) {
  archive(identity.pid, identity.start_time);
}
template <typename Archive>
void describe(Archive& archive, ExecId& id) {
  archive(id.value);
}
template <typename Archive>
void describe(Archive& archive, ContainerExit& exit) {
  archive(exit.name, exit.init, exit.wait_status);
}
template <typename Archive>
void describe(Archive& archive, ExecExit& exit) {
  archive(exit.id, exit.container, exit.wait_status);
}
template <typename Archive>
void describe(Archive& archive, ContainerStatus& status) {
  archive(status.name, status.init, status.cgroup, status.exited, status.wait_status, status.has_console,
          status.adopted, status.sessions);
}
template <typename Archive>
void describe(Archive& archive, DeviceNode& node) {
  archive(node.path, node.is_block, node.major, node.minor, node.mode, node.user.value, node.group.value);
}
template <typename Archive>
void describe(Archive& archive, ConsoleSize& size) {
  archive(size.columns, size.rows);
}

namespace protocol {

struct Nothing {};
template <typename Archive>
void describe(Archive&, Nothing&) {}

// kDone of kHello. Descriptor: the event socket.
struct Welcome {
  std::uint16_t version = kVersion;
  std::int32_t keeper_pid = 0;
};
template <typename Archive>
void describe(Archive& archive, Welcome& welcome) {
  archive(welcome.version, welcome.keeper_pid);
}

struct Failed {
  ErrorKind kind = ErrorKind::kInternal;
  std::int32_t errno_value = 0;
  bool in_step = false;  // step and index say where a launch or exec failed, errno_value why
  std::uint32_t step = 0;
  std::uint32_t index = 0;
  std::string text;
};
template <typename Archive>
void describe(Archive& archive, Failed& failed) {
  archive.choice(failed.kind, ErrorKind::kInternal);
  archive(failed.errno_value, failed.in_step, failed.step, failed.index, failed.text);
}

// kClearBacklog, kConsoleBacklog (answer's descriptor: a memfd), kHandles, kNetlinkSocket (answer's: the socket).
struct Named {
  std::string name;
};
template <typename Archive>
void describe(Archive& archive, Named& named) {
  archive(named.name);
}

// kDone of kLaunch. Descriptors: pidfd, then the console's master when has_console.
struct LaunchAnswer {
  ProcessIdentity init;
  bool has_console = false;
  std::string handle;
  LaunchTimings timings;
};
template <typename Archive>
void describe(Archive& archive, LaunchTimings& timings) {
  for (std::uint64_t& step : timings.step_ns) archive(step);
  archive(timings.total_ns);
}
template <typename Archive>
void describe(Archive& archive, LaunchAnswer& answer) {
  archive(answer.init, answer.has_console, answer.handle, answer.timings);
}

// kDone of kExec. Descriptor: pidfd.
struct ExecAnswer {
  ProcessIdentity process;
};
template <typename Archive>
void describe(Archive& archive, ExecAnswer& answer) {
  archive(answer.process);
}

// kAcknowledgeSession; kHoldTerminal. Descriptor of kHoldTerminal: the pty master, kept so that the daemon's death does
// not hang up the session.
struct Session {
  ExecId id;
};
template <typename Archive>
void describe(Archive& archive, Session& session) {
  archive(session.id);
}

struct SignalContainer {
  std::string name;
  std::int32_t number = 0;
};
template <typename Archive>
void describe(Archive& archive, SignalContainer& signal) {
  archive(signal.name, signal.number);
}

struct SignalSession {
  ExecId id;
  std::int32_t number = 0;
};
template <typename Archive>
void describe(Archive& archive, SignalSession& signal) {
  archive(signal.id, signal.number);
}

struct Acknowledge {
  std::string name;
  ProcessIdentity init;
};
template <typename Archive>
void describe(Archive& archive, Acknowledge& acknowledge) {
  archive(acknowledge.name, acknowledge.init);
}

// Asks for the containers behind this one in (name, start time, pid) order; an empty name: from the first.
struct ListAfter {
  std::string name;
  ProcessIdentity init;
};
template <typename Archive>
void describe(Archive& archive, ListAfter& after) {
  archive(after.name, after.init);
}

struct Listed {
  bool more = false;
  std::vector<ContainerStatus> containers;
};
template <typename Archive>
void describe(Archive& archive, Listed& listed) {
  archive(listed.more, listed.containers);
}

// kDone of kHandles. Descriptors: pidfd, network namespace, then the console's master when has_console.
struct Handles {
  ProcessIdentity init;
  bool has_console = false;
};
template <typename Archive>
void describe(Archive& archive, Handles& handles) {
  archive(handles.init, handles.has_console);
}

// Answer's descriptor: the stream.
struct AttachConsole {
  std::string name;
  Replay replay = Replay::kNothing;
};
template <typename Archive>
void describe(Archive& archive, AttachConsole& attach) {
  archive(attach.name);
  archive.choice(attach.replay, Replay::kBacklog);
}

struct ResizeConsole {
  std::string name;
  ConsoleSize size;
};
template <typename Archive>
void describe(Archive& archive, ResizeConsole& resize) {
  archive(resize.name, resize.size);
}

// Descriptors: the kept pidfd when has_pidfd, then the kept master when has_console.
struct Adopt {
  std::string name;
  ProcessIdentity init;
  std::string cgroup;
  std::string handle;
  bool has_pidfd = false;
  bool has_console = false;
};
template <typename Archive>
void describe(Archive& archive, Adopt& adopt) {
  archive(adopt.name, adopt.init, adopt.cgroup, adopt.handle, adopt.has_pidfd, adopt.has_console);
}

struct Adopted {
  Adoption outcome = Adoption::kGone;
};
template <typename Archive>
void describe(Archive& archive, Adopted& adopted) {
  archive.choice(adopted.outcome, Adoption::kGone);
}

// kAttachMount, kDetachMount, kRemoveDevice. Descriptors: the socket the worker reports to, then the mount (kAttachMount).
struct ChangePath {
  std::string name;
  std::string path;
  MountPoint point = MountPoint::kMustExist;
};
template <typename Archive>
void describe(Archive& archive, ChangePath& change) {
  archive(change.name, change.path);
  archive.choice(change.point, MountPoint::kMakeFile);
}

// Descriptor: the socket the worker reports to.
struct CreateDevice {
  std::string name;
  DeviceNode node;
};
template <typename Archive>
void describe(Archive& archive, CreateDevice& create) {
  archive(create.name, create.node);
}

struct ShutdownHow {
  Shutdown how = Shutdown::kWhenEmpty;
};
template <typename Archive>
void describe(Archive& archive, ShutdownHow& shutdown) {
  archive.choice(shutdown.how, Shutdown::kAlways);
}

}  // namespace protocol
}  // namespace cella::runtime
