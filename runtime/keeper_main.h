// `cella-runtime keeper`: the keeper as a process.
#pragma once

namespace cella::runtime {

// The listening socket's descriptor number in a keeper that KeeperClient::open() starts; 0 is /dev/null, 1 and 2 its log.
inline constexpr int kListenerDescriptor = 3;

// Runs a keeper on the listening SEQPACKET socket at kListenerDescriptor until a daemon ends it.
// argv: the program's own; argv[1] is "keeper", argv[2] (the state directory) is only there for people to read. Returns the exit status; errors go to
// standard error.
int keeper_main(int argc, char** argv);

}  // namespace cella::runtime
