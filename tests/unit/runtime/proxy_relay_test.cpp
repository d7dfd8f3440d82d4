#include "runtime/proxy_relay.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/proxy_entrance.h"

namespace cella::runtime {
namespace {

struct Pair {
  Fd ours;
  Fd theirs;  // non-blocking
};

Pair make_pair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Pair pair{Fd(ends[0]), Fd(ends[1])};
  EXPECT_EQ(::fcntl(pair.theirs.get(), F_SETFL, O_NONBLOCK), 0);
  return pair;
}

// A relay between two socket pairs; the test holds the outer ends.
class RelayTest : public testing::Test {
 protected:
  void start(std::string greeting = {}) {
    relay_ = std::make_unique<Relay>(loop_, [this] { ended_ = true; });
    Pair near = make_pair(), far = make_pair();
    client_ = std::move(near.ours);
    target_ = std::move(far.ours);
    relay_->set_near(std::move(near.theirs), ProxyKind::kUnix);
    ASSERT_TRUE(relay_->start(std::move(far.theirs), ProxyKind::kUnix, std::move(greeting)).ok());
  }
  // Until nothing happens any more.
  void settle(int rounds = 40) {
    for (int i = 0; i < rounds && !ended_; ++i) {
      ASSERT_TRUE(loop_.run_once(std::chrono::steady_clock::now()).ok());
    }
  }
  static std::string read_now(const Fd& fd) {
    std::string text(1 << 20, '\0');
    const ssize_t count = ::recv(fd.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  static bool at_end(const Fd& fd) {
    char byte;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  static void send(const Fd& fd, std::string_view text) {
    ASSERT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  EventLoop loop_ = std::move(*EventLoop::create());
  std::unique_ptr<Relay> relay_;
  Fd client_;
  Fd target_;
  bool ended_ = false;
};

TEST_F(RelayTest, CarriesBothWays) {
  start();
  send(client_, "ask");
  send(target_, "tell");
  settle();
  EXPECT_EQ(read_now(target_), "ask");
  EXPECT_EQ(read_now(client_), "tell");
  EXPECT_FALSE(ended_);
}

TEST_F(RelayTest, GreetsTheTargetFirst) {
  start("PROXY UNKNOWN\r\n");
  send(client_, "ask");
  settle();
  EXPECT_EQ(read_now(target_), "PROXY UNKNOWN\r\nask");
}

TEST_F(RelayTest, AHalfClosedEndStillHears) {
  start();
  send(client_, "last words");
  ::shutdown(client_.get(), SHUT_WR);
  settle();
  EXPECT_EQ(read_now(target_), "last words");
  EXPECT_TRUE(at_end(target_));
  send(target_, "answer");
  settle();
  EXPECT_EQ(read_now(client_), "answer");
  EXPECT_FALSE(ended_);
  target_.reset();
  settle();
  EXPECT_TRUE(ended_);
}

TEST_F(RelayTest, AnEndThatDoesNotReadStopsTheOther) {
  start();
  const std::string block(16 << 10, 'x');
  std::size_t sent = 0;
  for (int i = 0; i < 1000; ++i) {
    const ssize_t count = ::send(client_.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<std::size_t>(count);
    settle(4);
    if (count < 0) break;
  }
  EXPECT_LT(sent, 2u << 20);
  std::size_t received = 0;
  for (int i = 0; i < 2000 && received < sent; ++i) {
    received += read_now(target_).size();
    settle(4);
  }
  EXPECT_EQ(received, sent);
}

TEST_F(RelayTest, PassesDescriptors) {
  start();
  Pipe pipe = *make_pipe();
  const int fd = pipe.write_end.get();
  char text[] = "take";
  iovec piece{text, 4};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  ASSERT_EQ(::sendmsg(client_.get(), &message, 0), 4);
  settle();
  ASSERT_EQ(::recvmsg(target_.get(), &message, MSG_DONTWAIT), 4);
  ASSERT_EQ(message.msg_controllen, CMSG_SPACE(sizeof fd));
  int arrived = -1;
  std::memcpy(&arrived, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof arrived);
  const Fd writer(arrived);
  EXPECT_EQ(::write(writer.get(), "!", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(pipe.read_end.get(), &byte, 1), 1);
}

TEST_F(RelayTest, WaitsForATargetThatComesLater) {
  relay_ = std::make_unique<Relay>(loop_, [this] { ended_ = true; });
  Pair near = make_pair();
  client_ = std::move(near.ours);
  relay_->set_near(std::move(near.theirs), ProxyKind::kUnix);
  int report[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report), 0);
  Fd far_report(report[1]);
  ASSERT_TRUE(relay_->start_later(Fd(report[0]), ProxyKind::kUnix, {}).ok());
  send(client_, "early");
  settle();
  const int refused = ECONNREFUSED;
  ASSERT_EQ(::send(far_report.get(), &refused, sizeof refused, 0), static_cast<ssize_t>(sizeof refused));
  settle();
  EXPECT_TRUE(ended_);
}

TEST(ProxyLine, IsUnknownForAUnixSocket) {
  const Pair pair = make_pair();
  EXPECT_EQ(proxy_line(pair.ours), "PROXY UNKNOWN\r\n");
}

TEST(ProxyMessages, SurviveTheWire) {
  ProxyRequest request;
  request.order = ProxyOrder::kAdd;
  request.rule = {"1.p", "text", {ProxyKind::kUdp, std::string("\x7f\0\0\1", 4), "", false, 5, 6}, true};
  request.entries = {{ProxyKind::kUnix, 80}};
  const auto read = decode_proxy<ProxyRequest>(encode_proxy(request));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->rule.target.host, request.rule.target.host);
  EXPECT_EQ(read->rule.target.group, 6u);
  EXPECT_EQ(read->entries.at(0).port, 80);
  const std::string bytes = encode_proxy(request);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_proxy<ProxyRequest>(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(decode_proxy<ProxyRequest>(bytes + "x").ok());
}

}  // namespace
}  // namespace cella::runtime
