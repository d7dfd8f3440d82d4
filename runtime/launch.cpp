#include "runtime/launch.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/seqpacket.h"
#include "base/syscalls.h"
#include "namespaces/id_map_file.h"
#include "runtime/child.h"
#include "runtime/child_io.h"
#include "runtime/launch_network.h"

namespace cella::runtime {
namespace {

constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};  // for the child's way to execve, usually below a millisecond

std::uint64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// Everything the child reads, laid out before the clone because it may not allocate.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<int> descriptors;
  ChildInput input;
};

// SAFETY: execve(2) takes char* but does not write through it.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

void prepare(Prepared& prepared, const LaunchPlan& plan, std::span<const int> descriptors, const SocketPair& pair) {
  prepared.argv = pointers(plan.argv);
  prepared.environment = pointers(plan.environment);
  prepared.descriptors.assign(descriptors.begin(), descriptors.end());
  prepared.descriptors.resize(descriptors.size() + kMaxLateDescriptors, -1);
  prepared.input = {.plan = &plan,
                    .socket = pair.second.get(),
                    .launcher_socket = pair.first.get(),
                    .argv = prepared.argv.data(),
                    .environment = prepared.environment.data(),
                    .descriptors = prepared.descriptors.data(),
                    .descriptor_count = descriptors.size(),
                    .descriptor_capacity = prepared.descriptors.size(),
                    .seccomp = {.len = static_cast<unsigned short>(plan.seccomp.size()),
                                .filter = const_cast<sock_filter*>(plan.seccomp.data())}};
}

// One launch, from the parent's side.
class Launch {
 public:
  Launch(const LaunchPlan& plan, std::span<const int> descriptors, const LaunchBase& base)
      : plan_(plan), descriptors_(descriptors), base_(base), start_(now_ns()), last_(start_) {}

  std::variant<Launched, LaunchFailure> run() {
    std::optional<LaunchFailure> failure = start_child();
    if (!failure) failure = set_up_from_outside();
    if (!failure) failure = await_execution();
    if (failure) {
      abandon();
      return *failure;
    }
    launched_.timings.total_ns = now_ns() - start_;
    return std::move(launched_);
  }

 private:
  using Failure = std::optional<LaunchFailure>;

  static LaunchFailure failed(LaunchStep step, int errno_value, std::uint32_t index = 0) {
    return {.step = step, .errno_value = errno_value, .index = index};
  }

  void done(LaunchStep step) {
    const std::uint64_t now = now_ns();
    launched_.timings.step_ns[static_cast<std::size_t>(step)] = now - last_;
    last_ = now;
  }

  Failure start_child();
  Failure set_up_from_outside();
  Failure set_limits();
  Failure send_host_batch();
  Failure make_late_mounts();
  Failure send_go(const std::vector<Fd>& mounts);
  Failure await_execution();
  Failure take_report(const Datagram& datagram, ChildReport& ready);
  void take_timings(const ChildReport& ready);
  void abandon();

  const LaunchPlan& plan_;
  std::span<const int> descriptors_;
  const LaunchBase& base_;
  std::uint64_t start_;
  std::uint64_t last_;
  std::uint64_t go_sent_ = 0;
  Fd socket_;
  Prepared prepared_;
  Launched launched_;
};

Launch::Failure Launch::start_child() {
  auto pair = make_seqpacket_pair();
  if (!pair.ok()) return failed(LaunchStep::kClone, pair.error().errno_value());
  // A root file system that never answers (NFS, FUSE of the host) must not hold up the launcher for ever.
  if (::setsockopt(pair->first.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) != 0)
    return failed(LaunchStep::kClone, errno);
  prepare(prepared_, plan_, descriptors_, *pair);
  prepared_.input.awaits_late_mounts = static_cast<bool>(base_.late_mounts);
  int pidfd = -1;
  clone_args args{};
  args.flags = plan_.namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);  // SAFETY: the kernel stores an int there
  args.exit_signal = SIGCHLD;
  if (plan_.cgroup != kNoDescriptor) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(descriptors_[static_cast<std::size_t>(plan_.cgroup)]);
  }
  const long pid = sys_clone3(&args);
  if (pid == 0) run_child(prepared_.input);
  if (pid < 0) return failed(LaunchStep::kClone, errno);
  launched_.pid = static_cast<pid_t>(pid);
  launched_.pidfd = PidFd(pidfd);
  socket_ = std::move(pair->first);
  done(LaunchStep::kClone);
  return std::nullopt;  // the child's end closes here, so that its death reads as end of file
}

Launch::Failure Launch::set_up_from_outside() {
  const auto mapped = namespaces::write_id_maps(*base_.procfs, launched_.pid, plan_.uid_map, plan_.gid_map);
  if (!mapped.ok()) return failed(LaunchStep::kIdMap, mapped.error().errno_value());
  done(LaunchStep::kIdMap);
  if (auto failure = set_limits()) return failure;
  if (auto failure = send_host_batch()) return failure;
  if (auto failure = send_go({})) return failure;
  go_sent_ = last_;
  // Made while the child makes its own file systems.
  return make_late_mounts();
}

Launch::Failure Launch::make_late_mounts() {
  if (!base_.late_mounts) return std::nullopt;
  auto user_namespace = namespaces::open_namespace(*base_.procfs, launched_.pid, "user");
  auto made = user_namespace.ok() ? base_.late_mounts(*user_namespace)
                                  : Result<std::vector<Fd>>(std::move(user_namespace).error());
  if (!made.ok()) {
    if (base_.late_mounts_error != nullptr) *base_.late_mounts_error = made.error();
    return failed(LaunchStep::kLateMounts, made.error().errno_value());
  }
  if (made->size() > kMaxLateDescriptors) return failed(LaunchStep::kLateMounts, E2BIG);
  done(LaunchStep::kLateMounts);
  return send_go(*made);
}

Launch::Failure Launch::set_limits() {
  for (const ResourceLimit& limit : plan_.resource_limits) {
    const rlimit64 value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    if (::syscall(SYS_prlimit64, launched_.pid, limit.resource, &value, nullptr) != 0)
      return failed(LaunchStep::kResourceLimits, errno, limit.resource);
  }
  if (!plan_.resource_limits.empty()) done(LaunchStep::kResourceLimits);
  if (!plan_.has_oom_score_adj) return std::nullopt;
  const std::string name = std::to_string(launched_.pid) + "/oom_score_adj";
  const auto written = write_kernel_file_at(*base_.procfs, name, std::to_string(plan_.oom_score_adj));
  if (!written.ok()) return failed(LaunchStep::kOomScore, written.error().errno_value());
  done(LaunchStep::kOomScore);
  return std::nullopt;
}

Launch::Failure Launch::send_host_batch() {
  if (plan_.host_batch.bytes.empty()) return std::nullopt;
  Fd own;
  if (base_.route_socket == nullptr) {
    own = Fd(open_route_socket());
    if (!own) return failed(LaunchStep::kHostNetwork, errno);
  }
  std::string bytes = plan_.host_batch.bytes;
  const auto pid = static_cast<std::uint32_t>(launched_.pid);
  for (const std::uint32_t offset : plan_.host_batch.pid_offsets) std::memcpy(bytes.data() + offset, &pid, sizeof pid);
  const int socket = base_.route_socket != nullptr ? base_.route_socket->get() : own.get();
  const BatchOutcome sent = send_netlink_batch(socket, bytes.data(), bytes.size());
  if (sent.errno_value != 0) return failed(LaunchStep::kHostNetwork, sent.errno_value, sent.index);
  done(LaunchStep::kHostNetwork);
  return std::nullopt;
}

Launch::Failure Launch::send_go(const std::vector<Fd>& mounts) {
  std::vector<int> numbers;
  for (const Fd& fd : mounts) numbers.push_back(fd.get());
  const auto sent = send_datagram(socket_, "g", numbers);
  // EPIPE: the child is gone; why is read from its end of the socket.
  if (!sent.ok() && sent.error().errno_value() != EPIPE) return failed(LaunchStep::kGo, sent.error().errno_value());
  done(LaunchStep::kGo);
  return std::nullopt;
}

// End of file means execve succeeded, if the child had said before that it was ready.
Launch::Failure Launch::await_execution() {
  ChildReport ready;
  bool is_ready = false;
  bool was_reset = false;
  for (;;) {
    auto datagram = receive_datagram(socket_, sizeof(ChildReport));
    // The child went without reading a go; the kernel says so once, before what the child had sent.
    const bool reset = !datagram.ok() && datagram.error().errno_value() == ECONNRESET;
    if (reset && !std::exchange(was_reset, true)) continue;
    if (!datagram.ok() && datagram.error().errno_value() == EAGAIN) return failed(LaunchStep::kGo, ETIMEDOUT);
    if (!datagram.ok()) return failed(LaunchStep::kGo, datagram.error().errno_value());
    if (datagram->bytes.empty()) break;
    if (auto failure = take_report(*datagram, ready)) return failure;
    is_ready = true;
    if (!datagram->descriptors.empty()) launched_.console_master = std::move(datagram->descriptors[0]);
  }
  if (!is_ready) return failed(LaunchStep::kChildDied, ESRCH);
  take_timings(ready);
  return std::nullopt;
}

Launch::Failure Launch::take_report(const Datagram& datagram, ChildReport& ready) {
  if (datagram.bytes.size() != sizeof(ChildReport)) return failed(LaunchStep::kGo, EBADMSG);
  ChildReport report;
  std::memcpy(&report, datagram.bytes.data(), sizeof report);
  if (report.kind == ChildReport::Kind::kFailed) return report.failure;
  ready = report;
  return std::nullopt;
}

// The child sends points in time; each step is charged the time since the point before it.
void Launch::take_timings(const ChildReport& ready) {
  std::uint64_t before = go_sent_;
  auto& steps = launched_.timings.step_ns;
  for (std::size_t step = static_cast<std::size_t>(LaunchStep::kIds); step < kLaunchStepCount; ++step) {
    const std::uint64_t at = ready.clock[step];
    if (at == 0) continue;
    steps[step] = at > before ? at - before : 0;
    before = at;
  }
  steps[static_cast<std::size_t>(LaunchStep::kExecute)] = now_ns() - before;
}

void Launch::abandon() {
  if (launched_.pid < 0) return;
  sys_pidfd_send_signal(launched_.pidfd.get(), SIGKILL, nullptr, 0);
  while (::waitpid(launched_.pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::variant<Launched, LaunchFailure> launch(const LaunchPlan& plan, std::span<const int> descriptors,
                                             const LaunchBase& base) {
  return Launch(plan, descriptors, base).run();
}

}  // namespace cella::runtime
