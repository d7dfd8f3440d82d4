#include "runtime/proxy_client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

#include "base/seqpacket.h"
#include "runtime/client_start.h"

namespace cella::runtime {
namespace {

constexpr std::size_t kSocketsPerMessage = 200;
constexpr int kInsideMilliseconds = 12'000;  // the process that makes the socket has 10 s
constexpr timeval kAnswerTime{10, 0};        // the worker waits for nobody: only a stopped one takes this long

bool nobody_listens(const Error& error) {
  return error.errno_value() == ENOENT || error.errno_value() == ECONNREFUSED;
}

ProxyRequest named(ProxyOrder order, const std::string& id) {
  ProxyRequest request;
  request.order = order;
  request.rule.id = id;
  return request;
}

}  // namespace

Result<void> ProxyClient::connect_running() {
  if (connection_.valid()) return kOk;
  Fd socket = TRY(connect_seqpacket(options_.cella_dir + "/proxy.socket"));
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kAnswerTime, sizeof kAnswerTime) != 0) {
    return errno_error(errno, "set a time limit for the proxy worker's answers");
  }
  connection_ = std::move(socket);
  return kOk;
}

Result<void> ProxyClient::connect_or_start() {
  const auto connected = connect_running();
  if (connected.ok() || !nobody_listens(connected.error())) return connected;
  {
    const Fd listener = TRY(listen_seqpacket(options_.cella_dir + "/proxy.socket"));
    // Before it runs: the connection waits in the socket's queue.
    TRY(connect_running());
    TRY(start_program({.role = "proxy",
                       .runtime_binary = options_.runtime_binary,
                       .directory = options_.cella_dir,
                       .log = options_.cella_dir + "/proxy.log",
                       .cgroup = options_.cgroup,
                       .mounts = options_.mounts},
                      listener));
  }
  return kOk;
}

Result<ProxyAnswer> ProxyClient::exchange(const ProxyRequest& request, const std::vector<int>& descriptors) {
  const auto attempt = [&]() -> Result<ProxyAnswer> {
    TRY(send_datagram(connection_, encode_proxy(request), descriptors));
    const Datagram answer = TRY(receive_datagram(connection_, protocol::kMaxMessage));
    if (answer.bytes.empty()) return Error(ErrorKind::kIo, EPIPE, "the proxy worker has ended");
    return decode_proxy<ProxyAnswer>(answer.bytes);
  };
  auto answer = attempt();
  if (!answer.ok()) {
    // shutdown() first: whoever waits for its loss must wake.
    (void)::shutdown(connection_.get(), SHUT_RDWR);
    connection_.reset();
    return std::move(answer).error().with_context("proxy worker");
  }
  if (!answer->error.empty()) {
    return Error(answer->errno_value != 0 ? errno_error(answer->errno_value, "").kind() : ErrorKind::kIo, answer->errno_value,
                 answer->error);
  }
  return answer;
}

Result<ProxyAnswer> ProxyClient::call(const ProxyRequest& request, const std::vector<int>& descriptors) {
  const bool was_connected = connection_.valid();
  TRY_CONTEXT("proxy worker", connect_or_start());
  auto answer = exchange(request, descriptors);
  // One that ended since the last call: it is started anew.
  if (answer.ok() || !was_connected || connection_.valid()) return answer;
  TRY_CONTEXT("proxy worker", connect_or_start());
  return exchange(request, descriptors);
}

Result<void> ProxyClient::add(const ProxyRule& rule, std::vector<ProxySocket> sockets, const PidFd& init) {
  const std::lock_guard lock(mutex_);
  ProxyRequest request;
  request.order = ProxyOrder::kAdd;
  request.rule = rule;
  TRY(call(request, {init.get()}));
  for (std::size_t begin = 0; begin < sockets.size(); begin += kSocketsPerMessage) {
    ProxyRequest more = named(ProxyOrder::kListen, rule.id);
    std::vector<int> descriptors;
    for (std::size_t i = begin; i < std::min(sockets.size(), begin + kSocketsPerMessage); ++i) {
      more.entries.push_back(sockets[i].entry);
      descriptors.push_back(sockets[i].socket.get());
    }
    auto done = exchange(more, descriptors);
    if (done.ok()) continue;
    if (connection_.valid()) (void)exchange(named(ProxyOrder::kRemove, rule.id), {}).ok();
    return std::move(done).error();
  }
  return kOk;
}

// Without a worker: an empty answer. One that died since the last call is found to be gone, and another looked for.
Result<ProxyAnswer> ProxyClient::call_running(const ProxyRequest& request) {
  for (const bool again : {false, true}) {
    const bool was_connected = connection_.valid();
    if (const auto connected = connect_running(); !connected.ok()) {
      if (nobody_listens(connected.error())) return ProxyAnswer();
      return connected.error();
    }
    auto answer = exchange(request, {});
    if (answer.ok() || connection_.valid() || !was_connected || again) return answer;
  }
  return ProxyAnswer();
}

Result<void> ProxyClient::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  TRY(call_running(named(ProxyOrder::kRemove, id)));
  return kOk;
}

Result<std::vector<ListedProxy>> ProxyClient::list() {
  const std::lock_guard lock(mutex_);
  return TRY(call_running(ProxyRequest{})).rules;
}

Result<Fd> ProxyClient::listen_inside(const InnerListener& wanted, const PidFd& init) {
  SocketPair pair = TRY(make_seqpacket_pair());
  ProxyRequest request;
  request.order = ProxyOrder::kListenInside;
  request.inner = wanted;
  {
    const std::lock_guard lock(mutex_);
    TRY(call(request, {init.get(), pair.second.get()}));
  }
  pair.second.reset();
  pollfd wait{pair.first.get(), POLLIN, 0};
  while (::poll(&wait, 1, kInsideMilliseconds) < 0 && errno == EINTR) {
  }
  if (wait.revents == 0) return Error(ErrorKind::kTimeout, "listen on " + wanted.path + " inside: no answer");
  Datagram answer = TRY(receive_datagram(pair.first, sizeof(int)));
  int errno_value = EPIPE;
  if (answer.bytes.size() == sizeof errno_value) std::memcpy(&errno_value, answer.bytes.data(), sizeof errno_value);
  if (errno_value != 0) return errno_error(errno_value, "listen on " + wanted.path + " inside");
  if (answer.descriptors.size() != 1) return Error(ErrorKind::kIo, "listen on " + wanted.path + " inside: no socket came");
  return std::move(answer.descriptors.front());
}

void ProxyClient::disconnect() {
  const std::lock_guard lock(mutex_);
  connection_.reset();
}

bool ProxyClient::wait_for_loss(const Fd& cancelled) {
  Fd watched;
  {
    const std::lock_guard lock(mutex_);
    if (!connection_.valid()) return false;
    auto copy = connection_.duplicate();
    if (!copy.ok()) return false;
    watched = *std::move(copy);
  }
  // Answers are read by whoever asked: here only the end counts.
  pollfd waits[] = {{watched.get(), POLLRDHUP, 0}, {cancelled.get(), POLLIN, 0}};
  while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
  }
  return waits[1].revents == 0;
}

}  // namespace cella::runtime
