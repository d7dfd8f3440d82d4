// Consoles: never in a container's way, never lost with a daemon.
#include <sys/socket.h>
#include <unistd.h>

#include "base/files.h"
#include "base/spawn.h"
#include "keeper_fixture.h"

namespace cella::runtime::test {
namespace {

using KeeperConsole = KeeperTest;

constexpr const char* kForever = "while :; do sleep 1000; done";

TEST_F(KeeperConsole, ReplaysWhatWasWrittenBeforeAnyoneLooked) {
  TestContainer container = start("c1", "echo first words; while :; do sleep 1000; done");
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kBacklog));
  EXPECT_NE(read_until(stream, "first words").find("first words"), std::string::npos);
  EXPECT_NE(client_->console_backlog("c1")->find("first words"), std::string::npos);
  ASSERT_TRUE(client_->clear_console_backlog("c1").ok());
  EXPECT_EQ(*client_->console_backlog("c1"), "");
  stop(container);
}

TEST_F(KeeperConsole, CarriesInputAndOutputToSeveralStreams) {
  TestContainer container = start("c1", "while read x; do echo got $x; done");
  const Fd first = std::move(*client_->attach_console("c1", Replay::kNothing));
  const Fd second = std::move(*client_->attach_console("c1", Replay::kNothing));
  ASSERT_TRUE(write_all(first, "one\n").ok());
  EXPECT_NE(read_until(first, "got one").find("got one"), std::string::npos);
  EXPECT_NE(read_until(second, "got one").find("got one"), std::string::npos);
  stop(container);
}

TEST_F(KeeperConsole, ResizesTheWindow) {
  TestContainer container = start("c1", "while read x; do stty size; done");
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kNothing));
  ASSERT_TRUE(client_->resize_console("c1", {.columns = 101, .rows = 51}).ok());
  ASSERT_TRUE(write_all(stream, "x\n").ok());
  EXPECT_NE(read_until(stream, "51 101").find("51 101"), std::string::npos);
  stop(container);
}

TEST_F(KeeperConsole, IsNotBlockedByAReaderThatStops) {
  TestContainer container = start("c1", "read x; seq 100000; exit 3");
  const Fd stuck = std::move(*client_->attach_console("c1", Replay::kNothing));
  ASSERT_TRUE(write_all(stuck, "go\n").ok());
  // 590 kB: more than the pty, the socket and the ring hold together.
  EXPECT_EQ(log_->wait_container("c1").wait_status, 3 << 8);
  const std::string backlog = *client_->console_backlog("c1");
  EXPECT_EQ(backlog.size(), 128u * 1024);
  EXPECT_TRUE(backlog.ends_with("100000\r\n"));
  // The stuck reader wakes up: it gets the newest output to its very end, with a gap before it.
  const std::string seen = read_all(stuck);
  EXPECT_TRUE(seen.ends_with("100000\r\n"));
  EXPECT_LT(seen.size(), 588895u);
  stop(container);
}

TEST_F(KeeperConsole, IsNotBlockedWithoutADaemon) {
  TestContainer container = start("c1", "read x; seq 100000; exit 3");
  ASSERT_TRUE(write_all(container.launched.console, "go\n").ok());
  disconnect();
  ASSERT_TRUE(wait_ended(container.launched.pidfd));
  connect();
  EXPECT_TRUE(client_->console_backlog("c1")->ends_with("100000\r\n"));
  stop(container);
}

TEST_F(KeeperConsole, KeepsStreamsOpenAcrossDaemons) {
  TestContainer container = start("c1", "while read x; do echo got $x; done");
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kNothing));
  disconnect();
  connect();
  ASSERT_TRUE(write_all(stream, "two\n").ok());
  EXPECT_NE(read_until(stream, "got two").find("got two"), std::string::npos);
  stop(container);
}

TEST_F(KeeperConsole, EndsStreamsWithTheContainer) {
  TestContainer container = start("c1", "read x; echo bye");
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kNothing));
  ASSERT_TRUE(write_all(stream, "x\n").ok());
  EXPECT_TRUE(read_all(stream).ends_with("bye\r\n"));
  EXPECT_EQ(client_->attach_console("c1", Replay::kBacklog).error().kind(), ErrorKind::kNotFound);
  EXPECT_TRUE(client_->console_backlog("c1")->ends_with("bye\r\n"));
  stop(container);
}

TEST_F(KeeperConsole, WorksAgainAfterEverybodyInsideClosedIt) {
  TestContainer container =
      start("c1", "exec </dev/null >/dev/null 2>&1; while :; do test -e /tmp/go && echo again >/dev/console; sleep 0.02; done");
  EXPECT_EQ(run(container, "echo > /tmp/go").wait_status, 0);
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kBacklog));
  EXPECT_NE(read_until(stream, "again").find("again"), std::string::npos);
  stop(container);
}

TEST_F(KeeperConsole, SurvivesHangUpsByEndingSessions) {
  const auto copied = run_checked({.path = "cp", .arguments = {CELLA_BUILD_DIR "/probe_console_hangup", directory_ + "/root/bin/init"}});
  ASSERT_TRUE(copied.ok()) << copied.error().message();
  TestContainer container = prepare("c1");
  LaunchPlan wanted = plan("");
  wanted.argv = {"/bin/init"};
  auto launched = launch(container, wanted);
  ASSERT_TRUE(launched.ok()) << launched.error().message();
  container.launched = std::move(*launched);
  const Fd stream = std::move(*client_->attach_console("c1", Replay::kBacklog));
  const std::string seen = read_until(stream, "after");
  EXPECT_NE(seen.find("session\r\nsession\r\nafter"), std::string::npos) << seen;
  stop(container);
}

TEST_F(KeeperConsole, LimitsAttachedStreams) {
  TestContainer container = start("c1", kForever);
  std::vector<Fd> streams;
  for (int i = 0; i < 16; ++i) streams.push_back(std::move(*client_->attach_console("c1", Replay::kNothing)));
  EXPECT_EQ(client_->attach_console("c1", Replay::kNothing).error().kind(), ErrorKind::kBusy);
  streams.clear();
  // The keeper sees the ends before the next request, or right after it; both are fine, so ask until it has.
  Result<Fd> again = client_->attach_console("c1", Replay::kNothing);
  for (int i = 0; i < 100 && !again; ++i) again = client_->attach_console("c1", Replay::kNothing);
  EXPECT_TRUE(again.ok());
  stop(container);
}

}  // namespace
}  // namespace cella::runtime::test
