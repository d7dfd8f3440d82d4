// `cella-runtime run`: one container from a directory, in one command, without a daemon.
#pragma once

#include <span>
#include <string>

namespace cella::runtime {

// Exit statuses of `run` itself, apart from those of the command.
inline constexpr int kRunFailed = 125;
inline constexpr int kRunNotExecutable = 126;
inline constexpr int kRunNotFound = 127;

// arguments: what follows "run". Returns the exit status; errors are written to standard error.
int run_command(std::span<const std::string> arguments);

}  // namespace cella::runtime
