#include "tests/integration/runtime/run_container.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/files.h"
#include "cgroups/hierarchy.h"

namespace cella::runtime::test {
namespace {

// The directory of the test program: cella-runtime and the probes are built beside it.
const std::string kPrograms = CELLA_BUILD_DIR;

void copy_executable(const std::string& from, const std::string& to) {
  const auto bytes = read_file(from, 64u << 20);
  ASSERT_TRUE(bytes.ok()) << bytes.error().message();
  const auto out = open_path(to, O_WRONLY | O_CREAT | O_EXCL, 0755);
  ASSERT_TRUE(out.ok());
  ASSERT_TRUE(write_all(*out, *bytes).ok());
}

}  // namespace

ProbeRoot::ProbeRoot() {
  char name[] = "/var/tmp/cella-run-XXXXXX";
  path_ = ::mkdtemp(name);
  EXPECT_EQ(::chmod(path_.c_str(), 0755), 0);
  for (const char* directory : {"/dev", "/proc", "/sys", "/tmp", "/etc"})
    EXPECT_EQ(::mkdir((path_ + directory).c_str(), 0755), 0);
  copy_executable(kPrograms + "/probe_inside", path_ + "/probe");
}

ProbeRoot::~ProbeRoot() {
  const auto parent = open_dir("/var/tmp");
  EXPECT_TRUE(remove_tree_at(*parent, path_.substr(9)).ok());
}

Program ProbeRoot::program(const std::vector<std::string>& options, const std::vector<std::string>& command) const {
  Program program{.path = kPrograms + "/cella-runtime", .arguments = {"run", "--rootfs", path_}};
  program.arguments.insert(program.arguments.end(), options.begin(), options.end());
  program.arguments.push_back("--");
  program.arguments.insert(program.arguments.end(), command.begin(), command.end());
  return program;
}

RunResult ProbeRoot::run(const std::vector<std::string>& options, const std::vector<std::string>& command) const {
  const auto output = run_program(program(options, command));
  EXPECT_TRUE(output.ok());
  if (!output.ok()) return {};
  return {.status = WIFEXITED(output->wait_status) ? WEXITSTATUS(output->wait_status) : 1000,
          .output = output->output,
          .errors = output->errors};
}

std::map<std::string, std::string> parse_lines(const std::string& output) {
  std::map<std::string, std::string> values;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    values[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return values;
}

HostState host_state() {
  HostState state;
  const std::string mounts = read_file("/proc/self/mountinfo").value();
  state.mounts = static_cast<std::size_t>(std::count(mounts.begin(), mounts.end(), '\n'));
  const auto hierarchy = cgroups::Hierarchy::find();
  const auto names = hierarchy.ok() ? hierarchy->list() : Result<std::vector<std::string>>(std::vector<std::string>());
  for (const std::string& name : *names) state.cgroups += name.starts_with("cella.run.") ? 1 : 0;
  const std::string children = read_file("/proc/thread-self/children").value();
  state.children = static_cast<std::size_t>(std::count(children.begin(), children.end(), ' '));
  return state;
}

}  // namespace cella::runtime::test
