#include "manager/operations.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <set>

namespace cella::manager {
namespace {

using namespace std::chrono_literals;

OperationRequest request(const char* description) {
  OperationRequest made;
  made.description = description;
  return made;
}

TEST(Operations, RunToSuccess) {
  Events events;
  Operations operations(events);
  const auto id = operations.start(request("work"), [](const OperationHandle& operation) {
    operation.set_metadata("progress", "50%");
    operation.add_resource("instances", "c1");
    return Result<void>(kOk);
  });
  const auto record = operations.wait(id, std::nullopt);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->status, StatusCode::kSuccess);
  EXPECT_EQ(*record->metadata.at("progress").text(), "50%");
  EXPECT_EQ(record->resources.at("instances"), std::vector<std::string>{"c1"});
}

TEST(Operations, CarryTheErrorOfTheirWork) {
  Events events;
  Operations operations(events);
  const auto id = operations.start(request("work"), [](const OperationHandle&) -> Result<void> {
    return Error(ErrorKind::kNotFound, ENOENT, "open /nowhere");
  });
  const auto record = operations.wait(id, std::nullopt);
  EXPECT_EQ(record->status, StatusCode::kFailure);
  EXPECT_EQ(record->error, "open /nowhere: No such file or directory");
}

TEST(Operations, TurnAnExceptionIntoAFailure) {
  Events events;
  Operations operations(events);
  const auto id =
      operations.start(request("work"), [](const OperationHandle&) -> Result<void> { throw std::bad_alloc(); });
  EXPECT_EQ(operations.wait(id, std::nullopt)->status, StatusCode::kFailure);
}

TEST(Operations, AreCancelledThroughTheirToken) {
  Events events;
  Operations operations(events);
  OperationRequest cancellable = request("work");
  cancellable.may_cancel = true;
  const auto id = operations.start(cancellable, [](const OperationHandle& operation) -> Result<void> {
    std::promise<void> stopped;
    const std::stop_callback callback(operation.stop_token(), [&] { stopped.set_value(); });
    stopped.get_future().wait();
    return Error(ErrorKind::kCancelled, "cancelled");
  });
  ASSERT_TRUE(operations.cancel(id).ok());
  EXPECT_EQ(operations.wait(id, std::nullopt)->status, StatusCode::kCancelled);
}

TEST(Operations, RefuseToBeCancelledUnlessTheyMay) {
  Events events;
  Operations operations(events);
  const auto handle = operations.begin(request("session"));
  const auto refused = operations.cancel(handle.id());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kInvalid);
  handle.finish(kOk);
}

TEST(Operations, WaitGivesTheRecordWhenTheTimeIsOver) {
  Events events;
  Operations operations(events);
  const auto handle = operations.begin(request("session"));
  const auto record = operations.wait(handle.id(), 1ms);
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->finished());
  EXPECT_EQ(record->status, StatusCode::kRunning);
  handle.finish(kOk);
  EXPECT_TRUE(operations.wait(handle.id(), std::nullopt)->finished());
}

TEST(Operations, CountOnlyTheFirstEnd) {
  Events events;
  Operations operations(events);
  const auto handle = operations.begin(request("session"));
  handle.finish(Error(ErrorKind::kIo, "broken"));
  handle.finish(kOk);
  EXPECT_EQ(handle.record().status, StatusCode::kFailure);
}

TEST(Operations, CallBackOnceWhenFinished) {
  Events events;
  Operations operations(events);
  const auto handle = operations.begin(request("session"));
  int calls = 0;
  ASSERT_TRUE(operations.when_finished(handle.id(), [&](const OperationRecord&) { ++calls; }).ok());
  handle.finish(kOk);
  ASSERT_TRUE(operations.when_finished(handle.id(), [&](const OperationRecord&) { calls += 10; }).ok());
  EXPECT_EQ(calls, 11);
}

TEST(Operations, AreForgottenAfterTheirTime) {
  Events events;
  Operations operations(events, {.threads = 2, .keep = 0ms});
  const auto handle = operations.begin(request("session"));
  handle.finish(kOk);
  const auto next = operations.begin(request("later"));
  EXPECT_EQ(operations.find(handle.id()).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(operations.list().size(), 1u);
  next.finish(kOk);
}

TEST(Operations, NeverRunMoreWorkThanThreadsUnlessItWaits) {
  Events events;
  Operations operations(events, {.threads = 1, .keep = 1000ms});
  std::promise<void> release;
  auto released = release.get_future().share();
  const auto first = operations.start(request("waits"), [released](const OperationHandle& operation) -> Result<void> {
    const OperationHandle::Waiting waiting(operation);
    released.wait();
    return kOk;
  });
  const auto second = operations.start(request("quick"), [](const OperationHandle&) { return Result<void>(kOk); });
  EXPECT_EQ(operations.wait(second, std::nullopt)->status, StatusCode::kSuccess);
  EXPECT_FALSE(operations.find(first)->finished());
  release.set_value();
  EXPECT_EQ(operations.wait(first, std::nullopt)->status, StatusCode::kSuccess);
}

TEST(Events, ComeInTheOrderOfTheChanges) {
  Events events;
  std::mutex mutex;
  std::vector<StatusCode> statuses;
  const auto subscription = events.subscribe([&](const Event& event) {
    const std::lock_guard lock(mutex);
    if (event.type() == EventType::kOperation) statuses.push_back(std::get<OperationRecord>(event.metadata).status);
  });
  {
    Operations operations(events);
    const auto id = operations.start(request("work"), [](const OperationHandle& operation) {
      operation.set_metadata("a", 1);
      return Result<void>(kOk);
    });
    (void)operations.wait(id, std::nullopt);
  }
  EXPECT_EQ(statuses, (std::vector{StatusCode::kRunning, StatusCode::kRunning, StatusCode::kSuccess}));
}

TEST(Events, StopAfterTheSubscriptionIsCancelled) {
  Events events;
  int calls = 0;
  auto subscription = events.subscribe([&](const Event&) { ++calls; });
  events.lifecycle({"instance-created", "/1.0/instances/c1", {}, std::nullopt});
  subscription.cancel();
  events.lifecycle({"instance-deleted", "/1.0/instances/c1", {}, std::nullopt});
  EXPECT_EQ(calls, 1);
}

TEST(Events, LetACallbackEndItsOwnSubscription) {
  Events events;
  int calls = 0;
  Events::Subscription subscription;
  subscription = events.subscribe([&](const Event&) {
    ++calls;
    subscription.cancel();
  });
  events.log({"info", "one", {}});
  events.log({"info", "two", {}});
  EXPECT_EQ(calls, 1);
}

TEST(RandomUuid, IsAVersionFourUuid) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto uuid = random_uuid();
    ASSERT_EQ(uuid.size(), 36u);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos) << uuid;
    for (const std::size_t at : {8u, 13u, 18u, 23u}) EXPECT_EQ(uuid[at], '-');
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

}  // namespace
}  // namespace cella::manager
