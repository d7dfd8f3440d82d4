#include "runtime/run_plan.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <cstring>

#include "base/files.h"
#include "runtime/seccomp.h"

namespace cella::runtime {
namespace {

constexpr std::uint64_t kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

void set_variable(std::vector<std::string>& environment, std::string variable) {
  for (std::string& present : environment) {
    if (name_of(present) != name_of(variable)) continue;
    present = std::move(variable);
    return;
  }
  environment.push_back(std::move(variable));
}

// One message: lo (index 1 in every network namespace) up.
NetlinkBatch loopback_up() {
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } message{};
  message.header = {.nlmsg_len = sizeof message, .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK};
  message.link.ifi_index = 1;
  message.link.ifi_flags = IFF_UP;
  message.link.ifi_change = IFF_UP;
  NetlinkBatch batch;
  batch.bytes.resize(sizeof message);
  std::memcpy(batch.bytes.data(), &message, sizeof message);
  return batch;
}

Result<std::vector<sock_filter>> seccomp_program(const std::string& choice) {
  if (choice == "none") return std::vector<sock_filter>();
  if (choice == "default") return compile_seccomp(default_seccomp_policy());
  const std::string text = TRY_CONTEXT("--seccomp", read_file(choice, 1u << 20));
  const SeccompPolicy policy = TRY_CONTEXT("--seccomp " + choice, parse_seccomp_policy(text));
  return compile_seccomp(policy);
}

}  // namespace

std::vector<std::string> run_environment(const RunOptions& options, const std::string& terminal) {
  std::vector<std::string> environment = {"PATH=" + std::string(kPath), "HOME=/root", "container=lxc"};
  if (options.wants_terminal) environment.push_back("TERM=" + (terminal.empty() ? std::string("linux") : terminal));
  for (const std::string& variable : options.environment) set_variable(environment, variable);
  return environment;
}

std::vector<std::string> command_paths(const std::string& command, const std::vector<std::string>& environment) {
  if (command.find('/') != std::string::npos) return {command};
  std::string_view path = kPath;
  for (const std::string& variable : environment)
    if (name_of(variable) == "PATH") path = std::string_view(variable).substr(5);
  std::vector<std::string> paths;
  while (true) {
    const std::size_t colon = path.find(':');
    const std::string directory(path.substr(0, colon));
    if (!directory.empty()) paths.push_back(directory + "/" + command);
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  if (paths.empty()) paths.push_back("/" + command);
  return paths;
}

Result<LaunchPlan> plan_run(const RunOptions& options, const RunSources& sources, const std::string& terminal) {
  LaunchPlan plan;
  plan.namespaces = kNamespaces;
  if (options.network == RunNetwork::kNone) {
    plan.namespaces |= CLONE_NEWNET;
    plan.inner_batch = loopback_up();
  }
  plan.uid_map = options.id_map.users_text();
  plan.gid_map = options.id_map.groups_text();
  plan.cgroup = kRunCgroup;
  plan.mounts = plan_run_mounts(options, sources, kRunFirstMount);
  plan.hostname = options.hostname;
  plan.argv = options.command;
  plan.environment = run_environment(options, terminal);
  std::vector<std::string> paths = command_paths(options.command[0], plan.environment);
  plan.executable = paths.front();
  plan.more_executables.assign(paths.begin() + 1, paths.end());
  plan.standard_streams = options.wants_terminal ? StandardStreams::kConsole : StandardStreams::kInherit;
  plan.dropped_capabilities = options.dropped_capabilities;
  plan.seccomp = TRY(seccomp_program(options.seccomp));
  plan.session_keyring = "cella";
  plan.dies_with_launcher = true;
  return plan;
}

}  // namespace cella::runtime
