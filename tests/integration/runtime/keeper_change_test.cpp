// Changes inside a running container, what is handed out of it, and requests that nobody should make.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "base/seqpacket.h"
#include "base/syscalls.h"
#include "keeper_fixture.h"
#include "namespaces/idmapped_tree.h"
#include "runtime/protocol_messages.h"
#include "runtime/protocol_plan.h"

namespace cella::runtime::test {
namespace {

using protocol::Kind;

constexpr const char* kForever = "while :; do sleep 1000; done";

class KeeperChange : public KeeperTest {
 protected:
  void SetUp() override {
    KeeperTest::SetUp();
    if (!client_) return;
    container_ = start("c1", kForever);
    ASSERT_EQ(::mkdir((directory_ + "/data").c_str(), 0755), 0);
    ASSERT_TRUE(write_all(*open_path(directory_ + "/data/file", O_WRONLY | O_CREAT, 0644), "content\n").ok());
  }
  void TearDown() override {
    if (client_) stop(container_);
    KeeperTest::TearDown();
  }
  Fd data_mount() {
    const Fd tree = std::move(*open_path(directory_ + "/data", O_PATH));
    return std::move(*namespaces::copy_tree(tree, {.user_namespace = &user_namespace_}, "data"));
  }
  static DeviceNode zero(const std::string& path) {
    return {.path = path, .major = 1, .minor = 5, .mode = 0660, .user = HostId{1000000}, .group = HostId{1000000}};
  }
  std::string output(const std::string& script) { return run(container_, script).output; }

  TestContainer container_;
};

TEST_F(KeeperChange, AttachesAndDetachesAMount) {
  const Fd mount = data_mount();
  const auto attached = client_->attach_mount("c1", mount.get(), "/mnt/a/b", MountPoint::kMakeDirectory);
  ASSERT_TRUE(attached.ok()) << attached.error().message();
  EXPECT_EQ(output("cat /mnt/a/b/file; stat -c %u /mnt/a/b/file /mnt/a"), "content\n0\n0\n");
  const auto detached = client_->detach_mount("c1", "/mnt/a/b");
  ASSERT_TRUE(detached.ok()) << detached.error().message();
  EXPECT_EQ(output("ls /mnt/a/b"), "");
  EXPECT_FALSE(client_->detach_mount("c1", "/mnt/a/b").ok());
}

TEST_F(KeeperChange, AttachesAFile) {
  const Fd tree = std::move(*open_path(directory_ + "/data/file", O_PATH));
  const Fd mount = std::move(*namespaces::copy_tree(tree, {.user_namespace = &user_namespace_}, "file"));
  ASSERT_TRUE(client_->attach_mount("c1", mount.get(), "/run/x/file", MountPoint::kMakeFile).ok());
  EXPECT_EQ(output("cat /run/x/file"), "content\n");
}

TEST_F(KeeperChange, StaysInsideWhenTheContainerLays) {
  // A link out of the root, as the container sees it: it leads to its own /etc, never to the host's.
  ASSERT_EQ(output("busybox ln -s ../../../../etc /mnt/link; echo done"), "done\n");
  const Fd mount = data_mount();
  ASSERT_TRUE(client_->attach_mount("c1", mount.get(), "/mnt/link/into", MountPoint::kMakeDirectory).ok());
  EXPECT_EQ(output("cat /etc/into/file"), "content\n");
  EXPECT_FALSE(path_exists("/etc/into"));
}

TEST_F(KeeperChange, RefusesAMissingMountPoint) {
  const Fd mount = data_mount();
  const auto attached = client_->attach_mount("c1", mount.get(), "/mnt/absent", MountPoint::kMustExist);
  ASSERT_FALSE(attached.ok());
  EXPECT_EQ(attached.error().kind(), ErrorKind::kNotFound);
}

TEST_F(KeeperChange, CreatesAndRemovesADevice) {
  const auto created = client_->create_device("c1", zero("dri/zero"));
  ASSERT_TRUE(created.ok()) << created.error().message();
  EXPECT_EQ(output("stat -c '%t:%T %u %a' /dev/dri/zero; head -c 3 /dev/dri/zero | busybox wc -c"), "1:5 0 660\n3\n");
  EXPECT_EQ(client_->create_device("c1", zero("dri/zero")).error().kind(), ErrorKind::kExists);
  ASSERT_TRUE(client_->remove_device("c1", "dri/zero").ok());
  EXPECT_EQ(output("ls /dev/dri"), "");
  EXPECT_EQ(client_->remove_device("c1", "dri/zero").error().kind(), ErrorKind::kNotFound);
  EXPECT_FALSE(client_->remove_device("c1", "shm").ok());
}

TEST_F(KeeperChange, MakesNodesOnlyOnATmpfsAndThroughNoLink) {
  ASSERT_EQ(output("busybox ln -s /root /dev/link; echo done"), "done\n");
  EXPECT_FALSE(client_->create_device("c1", zero("link/zero")).ok());
  EXPECT_EQ(output("ls /root"), "");
  ASSERT_EQ(output("mount -o bind /root /dev && echo done"), "done\n");
  EXPECT_FALSE(client_->create_device("c1", zero("zero")).ok());
  EXPECT_EQ(output("ls /root"), "");
}

TEST_F(KeeperChange, HandsOutPidfdNetworkNamespaceAndConsole) {
  const auto handles = client_->handles("c1");
  ASSERT_TRUE(handles.ok()) << handles.error().message();
  struct stat of_handle {};
  struct stat of_init {};
  ASSERT_EQ(::fstat(handles->network_namespace.get(), &of_handle), 0);
  ASSERT_EQ(::stat(("/proc/" + std::to_string(handles->init.pid) + "/ns/net").c_str(), &of_init), 0);
  EXPECT_EQ(of_handle.st_ino, of_init.st_ino);
  EXPECT_EQ(::isatty(handles->console.get()), 1);
  EXPECT_EQ(sys_pidfd_send_signal(handles->pidfd.get(), 0, nullptr, 0), 0);
}

TEST_F(KeeperChange, HandsOutANetlinkSocketOfTheContainer) {
  const auto socket = client_->netlink_socket("c1");
  ASSERT_TRUE(socket.ok());
  // A dump of links in a fresh network namespace has lo only.
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP};
  ASSERT_EQ(::send(socket->get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
  alignas(nlmsghdr) char buffer[16384];
  int links = 0;
  for (bool more = true; more;) {
    const ssize_t count = ::recv(socket->get(), buffer, sizeof buffer, 0);
    ASSERT_GT(count, 0);
    auto left = static_cast<unsigned>(count);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) more = false;
      if (message->nlmsg_type == RTM_NEWLINK) ++links;
    }
  }
  EXPECT_EQ(links, 1);
}

// Speaks to the keeper as no client would.
class RawDaemon {
 public:
  explicit RawDaemon(const std::string& directory) : socket_(std::move(*connect_seqpacket(directory + "/keeper.socket"))) {}
  bool send(const std::string& bytes, std::span<const int> descriptors = {}) {
    return send_datagram(socket_, bytes, descriptors).ok();
  }
  // nullopt: the keeper closed the connection.
  std::optional<Kind> answer() {
    const auto datagram = receive_datagram(socket_, protocol::kMaxMessage);
    if (!datagram || datagram->bytes.empty()) return std::nullopt;
    return protocol::decode_header(datagram->bytes)->kind;
  }

 private:
  Fd socket_;
};

TEST_F(KeeperChange, OutlivesEveryBadRequest) {
  const pid_t keeper = client_->keeper_pid();
  const std::string hello = protocol::encode(Kind::kHello, 1, protocol::Nothing{});
  for (const std::string& first : {std::string("x"), std::string(64, '\xff'), std::string(protocol::kMaxMessage + 1, 'x'),
                                   protocol::encode(Kind::kList, 1, protocol::ListAfter{})}) {
    RawDaemon stranger(directory_);
    (void)stranger.send(first);
    EXPECT_EQ(stranger.answer(), std::nullopt);
  }
  std::string other_version = hello;
  other_version[4] = 9;
  RawDaemon newer(directory_);
  ASSERT_TRUE(newer.send(other_version));
  EXPECT_EQ(newer.answer(), Kind::kFailed);
  EXPECT_TRUE(client_->list().ok()) << "a daemon that was refused must not cut off the one that is served";

  disconnect();
  RawDaemon daemon(directory_);
  ASSERT_TRUE(daemon.send(hello));
  ASSERT_EQ(daemon.answer(), Kind::kDone);
  const std::string plan_bytes = *protocol::encode_launch(2, "c9", plan("true"));
  for (std::uint16_t kind = 0; kind < 0x210; ++kind) {
    if (kind == static_cast<std::uint16_t>(Kind::kHello) || kind == static_cast<std::uint16_t>(Kind::kShutdown)) continue;
    for (const std::size_t body : {std::size_t{0}, std::size_t{3}, plan_bytes.size() / 2, plan_bytes.size() - 16}) {
      std::string message;
      protocol::encode_header(message, {.kind = static_cast<Kind>(kind), .id = 3});
      message += plan_bytes.substr(16, body);
      ASSERT_TRUE(daemon.send(message));
      ASSERT_EQ(daemon.answer(), Kind::kFailed) << kind << " " << body;
    }
  }
  // Descriptors that are too many, or not what the request means.
  const std::vector<int> many(253, 1);
  ASSERT_TRUE(daemon.send(plan_bytes, many));
  EXPECT_EQ(daemon.answer(), Kind::kFailed);
  connect();
  EXPECT_EQ(client_->keeper_pid(), keeper);
  EXPECT_EQ(client_->list()->size(), 1u);
  EXPECT_EQ(keeper_descriptors(), 11u + 3u);  // the container's pidfd, console master and its held slave
}

TEST_F(KeeperChange, RefusesOtherUsers) {
  disconnect();
  const Fd socket = std::move(*connect_seqpacket(directory_ + "/keeper.socket"));
  connect();
  // SO_PEERCRED is taken at connect time: a connection made as nobody is closed without an answer.
  ASSERT_EQ(::chmod((directory_ + "/keeper.socket").c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    RawDaemon nobody(directory_);
    (void)nobody.send(protocol::encode(Kind::kHello, 1, protocol::Nothing{}));
    ::_exit(nobody.answer().has_value() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(client_->list().ok());
}

}  // namespace
}  // namespace cella::runtime::test
