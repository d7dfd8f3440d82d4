// What the daemon and the proxy worker say to each other: one SEQPACKET message each way, descriptors beside it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/protocol.h"

namespace cella::runtime {

enum class ProxyKind : std::uint8_t { kTcp, kUdp, kUnix };

// Where a proxy connects to.
struct ProxyTarget {
  ProxyKind kind = ProxyKind::kTcp;
  std::string host;         // tcp, udp: 4 or 16 bytes in network order
  std::string path;         // unix: absolute, or "@" and the name of an abstract socket
  bool inside = true;       // in the container's namespaces, else in the host's
  std::uint32_t user = 0;   // unix: who connects, as the target's side counts ids
  std::uint32_t group = 0;
};

template <typename Archive>
void describe(Archive& archive, ProxyTarget& target) {
  archive.choice(target.kind, ProxyKind::kUnix);
  archive(target.host, target.path, target.inside, target.user, target.group);
}

// One proxy of one container. text: for the daemon that comes next, not looked into.
struct ProxyRule {
  std::string id;
  std::string text;
  ProxyTarget target;
  bool announce = false;  // begin each connection with a PROXY line (version 1)
};

template <typename Archive>
void describe(Archive& archive, ProxyRule& rule) {
  archive(rule.id, rule.text, rule.target, rule.announce);
}

// A listening (udp: bound) socket that comes as a descriptor, in this order.
struct ProxyEntry {
  ProxyKind kind = ProxyKind::kTcp;
  std::uint16_t port = 0;  // of the target; 0 for unix
};

template <typename Archive>
void describe(Archive& archive, ProxyEntry& entry) {
  archive.choice(entry.kind, ProxyKind::kUnix);
  archive(entry.port);
}

// A unix socket to be made inside of a container.
struct InnerListener {
  std::string path;
  std::uint32_t mode = 0644;
  std::uint32_t user = 0;  // as the container counts ids
  std::uint32_t group = 0;
};

template <typename Archive>
void describe(Archive& archive, InnerListener& wanted) {
  archive(wanted.path, wanted.mode, wanted.user, wanted.group);
}

enum class ProxyOrder : std::uint8_t {
  kAdd,     // rule; descriptor: pidfd of the container's init. A rule of that id goes first
  kListen,  // rule.id, entries; descriptors: their sockets
  kRemove,  // rule.id
  kList,
  // inner; descriptors: pidfd of the container's init, a SEQPACKET socket. The answer only says that it is on its way; the
  // socket gets an errno (4 bytes) and on success the listening socket.
  kListenInside,
};

struct ProxyRequest {
  ProxyOrder order = ProxyOrder::kList;
  ProxyRule rule;
  std::vector<ProxyEntry> entries;
  InnerListener inner;
};

template <typename Archive>
void describe(Archive& archive, ProxyRequest& request) {
  archive.choice(request.order, ProxyOrder::kListenInside);
  archive(request.rule, request.entries, request.inner);
}

struct ListedProxy {
  std::string id;
  std::string text;
};

template <typename Archive>
void describe(Archive& archive, ListedProxy& listed) {
  archive(listed.id, listed.text);
}

struct ProxyAnswer {
  std::int32_t errno_value = 0;  // 0: done
  std::string error;             // not empty: refused
  std::vector<ListedProxy> rules;
};

template <typename Archive>
void describe(Archive& archive, ProxyAnswer& answer) {
  archive(answer.errno_value, answer.error, answer.rules);
}

// The first byte of every message; another version is not understood.
inline constexpr char kProxyVersion = 1;

template <typename Message>
std::string encode_proxy(const Message& message) {
  std::string out(1, kProxyVersion);
  protocol::Writer writer(out);
  writer(message);
  return out;
}

// Errors: kInvalid.
template <typename Message>
Result<Message> decode_proxy(std::string_view bytes) {
  Message message{};
  protocol::Reader reader(bytes.empty() || bytes.front() != kProxyVersion ? std::string_view() : bytes.substr(1));
  reader(message);
  if (!reader.done()) return Error(ErrorKind::kInvalid, "malformed message between daemon and proxy worker");
  return message;
}

}  // namespace cella::runtime
