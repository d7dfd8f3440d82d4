// Running other programs (dnsmasq, mkfs, mksquashfs …): fixed argument vectors, no shell, nothing inherited.
#pragma once

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.h"

namespace cella {

struct Program {
  // Absolute path, or a name looked up in /usr/sbin:/usr/bin:/sbin:/bin. argv[0] is this name.
  std::string path;
  std::vector<std::string> arguments;
  // The whole environment, "KEY=value"; PATH is added when absent.
  std::vector<std::string> environment;
  // Descriptors for the child's 0, 1, 2; -1 means /dev/null. Borrowed.
  int standard_input = -1;
  int standard_output = -1;
  int standard_error = -1;
};

// A child of this process. Not killed on destruction; the owner waits for it.
struct Child {
  pid_t pid = -1;
  PidFd pidfd;
};

// Finds an executable by name in the fixed search path. Errors: kNotFound naming it.
Result<std::string> find_program(const std::string& name);

// Starts a program with every descriptor above 2 closed, default signals, no controlling terminal (setsid).
// Errors: kNotFound when there is no such program.
Result<Child> spawn(const Program& program);

// Waits and returns the status in waitpid(2) format.
Result<int> wait_child(const Child& child);

struct ProgramOutput {
  int wait_status = 0;
  std::string output;  // standard output
  std::string errors;  // standard error
};

// Runs a program to its end with output captured (each at most 1 MiB). input: what it reads on standard input.
Result<ProgramOutput> run_program(const Program& program, std::string_view input = {});

// Like run_program, and a non-zero status is kIo with the program's name and the last line it wrote to standard error.
Result<std::string> run_checked(const Program& program, std::string_view input = {});

}  // namespace cella
