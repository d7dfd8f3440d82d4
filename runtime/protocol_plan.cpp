#include "runtime/protocol_plan.h"

#include "runtime/protocol.h"

namespace cella::runtime::protocol {

// Not in an unnamed namespace: argument-dependent lookup, by which Writer and Reader find them, does not see into one.
// The order of members is the wire format of kVersion. A member added to a plan is added here, and kVersion grows.

template <typename Archive>
void describe(Archive& archive, sock_filter& instruction) {
  archive(instruction.code, instruction.jt, instruction.jf, instruction.k);
}

template <typename Archive>
void describe(Archive& archive, ResourceLimit& limit) {
  archive(limit.resource, limit.soft, limit.hard);
}

template <typename Archive>
void describe(Archive& archive, Sysctl& sysctl) {
  archive(sysctl.name, sysctl.value);
}

template <typename Archive>
void describe(Archive& archive, NetlinkBatch& batch) {
  archive(batch.bytes, batch.pid_offsets);
}

template <typename Archive>
void describe(Archive& archive, namespaces::MountOption& option) {
  archive(option.key, option.value, option.is_flag);
}

template <typename Archive>
void describe(Archive& archive, namespaces::MountStep& step) {
  auto& [action, target, descriptor, type, source, options, attributes, mode, missing, links] = step;
  archive.choice(action, namespaces::MountAction::kSymlink);
  archive(target, descriptor, type, source, options, attributes, mode);
  archive.choice(missing, namespaces::MissingTarget::kMakeFile);
  archive.choice(links, namespaces::TargetLinks::kFollow);
}

template <typename Archive>
void describe(Archive& archive, namespaces::MountPlan& mounts) {
  archive(mounts.root_descriptor);
  archive.choice(mounts.root_switch, namespaces::RootSwitch::kPivot);
  archive(mounts.steps);
}

// The plans are taken apart by structured bindings, so that a member somebody adds does not compile until it is sent too.
template <typename Archive>
void describe(Archive& archive, LaunchPlan& plan) {
  auto& [name_spaces, uid_map, gid_map, cgroup, mounts, hostname, domainname, argv, executable, more_executables,
         environment, working_directory, user, group, groups, standard_streams, streams, console_rows, console_columns,
         host_batch, inner_batch, resource_limits, sysctls, has_oom_score_adj, oom_score_adj, dropped_capabilities,
         seccomp, no_new_privileges, session_keyring, dies_with_launcher] = plan;
  archive(name_spaces, uid_map, gid_map, cgroup, mounts, hostname, domainname);
  archive(argv, executable, more_executables, environment, working_directory, user, group, groups);
  archive.choice(standard_streams, StandardStreams::kInherit);
  for (DescriptorIndex& stream : streams) archive(stream);
  archive(console_rows, console_columns, host_batch, inner_batch);
  archive(resource_limits, sysctls, has_oom_score_adj, oom_score_adj);
  archive(dropped_capabilities, seccomp, no_new_privileges, session_keyring, dies_with_launcher);
}

template <typename Archive>
void describe(Archive& archive, TerminalSize& size) {
  archive(size.columns, size.rows);
}

template <typename Archive>
void describe(Archive& archive, ExecId& id) {
  archive(id.value);
}

template <typename Archive>
void describe(Archive& archive, ExecPlan& plan) {
  auto& [argv, environment, working_directory, user, group, groups, terminal, resource_limits, has_oom_score_adj,
         oom_score_adj, dropped_capabilities, seccomp, no_new_privileges] = plan;
  archive(argv, environment, working_directory, user, group, groups, terminal);
  archive(resource_limits, has_oom_score_adj, oom_score_adj, dropped_capabilities, seccomp, no_new_privileges);
}

template <typename Archive>
void describe(Archive& archive, LaunchRequest& request) {
  archive(request.name, request.plan);
}

template <typename Archive>
void describe(Archive& archive, ExecRequest& request) {
  archive(request.name, request.id, request.plan);
}

namespace {

Result<std::string> fitting(std::string message, const std::string& name) {
  if (message.size() > kMaxMessage)
    return Error(ErrorKind::kInvalid, "plan for " + name + ": " + std::to_string(message.size()) +
                                          " bytes, more than the keeper takes (" + std::to_string(kMaxMessage) + ")");
  return message;
}

}  // namespace

Result<std::string> encode_launch(std::uint64_t id, const std::string& name, const LaunchPlan& plan) {
  std::string message;
  encode_header(message, Header{.kind = Kind::kLaunch, .id = id});
  Writer writer(message);
  writer(name, plan);
  return fitting(std::move(message), name);
}

Result<std::string> encode_exec(std::uint64_t id, const std::string& name, ExecId exec, const ExecPlan& plan) {
  std::string message;
  encode_header(message, Header{.kind = Kind::kExec, .id = id});
  Writer writer(message);
  writer(name, exec, plan);
  return fitting(std::move(message), name);
}

Result<LaunchRequest> decode_launch(std::string_view message) {
  return decode_body<LaunchRequest>(Kind::kLaunch, message);
}

Result<ExecRequest> decode_exec(std::string_view message) { return decode_body<ExecRequest>(Kind::kExec, message); }

}  // namespace cella::runtime::protocol
