#include "cgroups/device_filter.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

namespace cella::cgroups {

namespace {

// Marks our programs among those on a cgroup; at most 15 characters.
constexpr std::string_view kProgramName = "cella_devices";
constexpr std::size_t kMaxPrograms = 64;  // the kernel's BPF_CGROUP_MAX_PROGS

int sys_bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* pointer) {
  // SAFETY: bpf(2) takes user addresses as integers; the kernel is done with them when the call returns.
  return reinterpret_cast<std::uintptr_t>(pointer);
}

// One of our programs on a cgroup: its descriptor, and the kernel's digest of its instructions.
struct AttachedProgram {
  Fd program;
  std::array<std::uint8_t, BPF_TAG_SIZE> tag{};
};

struct ProgramIdentity {
  std::string name;
  std::array<std::uint8_t, BPF_TAG_SIZE> tag{};
};

Result<ProgramIdentity> identify(const Fd& program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = address_of(&info);
  if (sys_bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) != 0) return errno_error(errno, "identify BPF program");
  ProgramIdentity identity{.name = std::string(info.name, strnlen(info.name, sizeof info.name))};
  std::memcpy(identity.tag.data(), info.tag, sizeof info.tag);
  return identity;
}

Result<Fd> program_by_id(std::uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;
  Fd program(sys_bpf(BPF_PROG_GET_FD_BY_ID, attributes));
  if (!program) return errno_error(errno, "open BPF program " + std::to_string(id));
  return program;
}

// Our programs among those attached to this very cgroup.
Result<std::vector<AttachedProgram>> find_attached(const Cgroup& cgroup) {
  std::array<std::uint32_t, kMaxPrograms> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<std::uint32_t>(cgroup.dir().get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address_of(ids.data());
  attributes.query.prog_cnt = kMaxPrograms;
  if (sys_bpf(BPF_PROG_QUERY, attributes) != 0) return errno_error(errno, "query device programs of " + cgroup.path());
  std::vector<AttachedProgram> found;
  for (std::uint32_t i = 0; i < attributes.query.prog_cnt; ++i) {
    auto program = program_by_id(ids[i]);
    if (!program && program.error().kind() == ErrorKind::kNotFound) continue;  // detached meanwhile
    AttachedProgram attached{.program = TRY(std::move(program))};
    const auto identity = TRY(identify(attached.program));
    if (identity.name != kProgramName) continue;
    attached.tag = identity.tag;
    found.push_back(std::move(attached));
  }
  return found;
}

Error load_error(int error) {
  if (error == ENOSYS || error == EINVAL)
    return Error(ErrorKind::kUnsupported, error, "load device program: the kernel takes no cgroup device programs (CONFIG_CGROUP_BPF)");
  return errno_error(error, "load device program");
}

}  // namespace

Result<DeviceFilter> DeviceFilter::load(const std::vector<DeviceRule>& rules) {
  const std::vector<bpf_insn> instructions = compile_device_program(rules);
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = address_of(instructions.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(instructions.size());
  attributes.license = address_of("Apache-2.0");
  kProgramName.copy(attributes.prog_name, sizeof attributes.prog_name - 1);
  Fd program(sys_bpf(BPF_PROG_LOAD, attributes));
  if (!program) return load_error(errno);
  return DeviceFilter(std::move(program));
}

Result<void> DeviceFilter::attach(const Cgroup& cgroup) const {
  const auto present = TRY(find_attached(cgroup));
  if (!present.empty() && present.front().tag == TRY(identify(program_)).tag) return kOk;
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(cgroup.dir().get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program_.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (!present.empty()) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<std::uint32_t>(present.front().program.get());
  }
  if (sys_bpf(BPF_PROG_ATTACH, attributes) != 0) return errno_error(errno, "attach device program to " + cgroup.path());
  return kOk;
}

Result<int> count_device_filters(const Cgroup& cgroup) { return static_cast<int>(TRY(find_attached(cgroup)).size()); }

}  // namespace cella::cgroups
