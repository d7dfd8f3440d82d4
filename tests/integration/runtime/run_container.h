// Runs `cella-runtime run` on a throw-away root with the probe in it, and sees that nothing is left over.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/spawn.h"

namespace cella::runtime::test {

struct RunResult {
  int status = -1;  // exit status
  std::string output;
  std::string errors;
};

// A root file system with /probe (tests/probes/inside.cpp) and little else, removed at the end.
class ProbeRoot {
 public:
  ProbeRoot();
  ~ProbeRoot();
  ProbeRoot(const ProbeRoot&) = delete;
  ProbeRoot& operator=(const ProbeRoot&) = delete;

  const std::string& path() const { return path_; }
  // cella-runtime run --rootfs PATH OPTIONS... -- COMMAND...
  RunResult run(const std::vector<std::string>& options, const std::vector<std::string>& command) const;
  Program program(const std::vector<std::string>& options, const std::vector<std::string>& command) const;

 private:
  std::string path_;
};

// "key value" lines.
std::map<std::string, std::string> parse_lines(const std::string& output);

// Mounts of this process's namespace, v2 cgroups of `run` and network links, counted; equal before and after.
struct HostState {
  std::size_t mounts = 0;
  std::size_t cgroups = 0;
  std::size_t children = 0;
  bool operator==(const HostState&) const = default;
};
HostState host_state();

}  // namespace cella::runtime::test
