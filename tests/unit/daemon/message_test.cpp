// Replies, ETags and what handlers make of requests.
#include "daemon/message.h"

#include <gtest/gtest.h>

#include "daemon/collection.h"
#include "daemon/etag.h"
#include "daemon/exec_session.h"
#include "daemon/image_upload.h"
#include "daemon/instance_requests.h"
#include "daemon/socket_operations.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

Request with_header(const std::string& name, const std::string& value) {
  Request request;
  request.headers.emplace_back(name, value);
  return request;
}

TEST(Replies, CarryStatusAndEnvelope) {
  const Reply error = error_reply(Error(ErrorKind::kNotFound, "instance c1"));
  EXPECT_EQ(error.status, 404);
  EXPECT_NE(error.body.find("\"error\":\"instance c1\""), std::string::npos);
  EXPECT_EQ(created_reply("/1.0/profiles/p1").status, 201);
  EXPECT_EQ(async_reply("/1.0/operations/x", "{}").status, 202);
}

TEST(Recursion, IsZeroToTwo) {
  Request request;
  EXPECT_EQ(*request.recursion(), 0);
  request.query = {{"recursion", "2"}};
  EXPECT_EQ(*request.recursion(), 2);
  request.query = {{"recursion", "3"}};
  EXPECT_FALSE(request.recursion().ok());
  request.query = {{"recursion", "x"}};
  EXPECT_FALSE(request.recursion().ok());
}

TEST(Etag, IsTheQuotedSha256) {
  EXPECT_EQ(etag_of(""), "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
  EXPECT_NE(etag_of("a"), etag_of("b"));
}

TEST(Etag, LetsThroughOnlyWhatMatches) {
  EXPECT_FALSE(check_if_match(Request(), "a").has_value());
  EXPECT_FALSE(check_if_match(with_header("if-match", etag_of("a")), "a").has_value());
  const std::string quoted = etag_of("a");
  EXPECT_FALSE(check_if_match(with_header("If-Match", quoted.substr(1, quoted.size() - 2)), "a").has_value());
  EXPECT_FALSE(check_if_match(with_header("If-Match", "*"), "a").has_value());
  const auto refused = check_if_match(with_header("If-Match", etag_of("b")), "a");
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->status, 412);
}

TEST(Collection, GivesUrlsOrFilteredObjects) {
  const std::vector<CollectionEntry> entries = {{"/1.0/x/a", R"({"name":"a"})"}, {"/1.0/x/b", R"({"name":"b"})"}};
  Request request;
  EXPECT_NE(collection_reply(request, entries)->body.find(R"(["/1.0/x/a","/1.0/x/b"])"), std::string::npos);
  request.query = {{"recursion", "1"}, {"filter", "name eq b"}};
  EXPECT_NE(collection_reply(request, entries)->body.find(R"("metadata":[{"name":"b"}])"), std::string::npos);
  request.query = {{"filter", "name =="}};
  EXPECT_EQ(collection_reply(request, entries).error().kind(), ErrorKind::kInvalid);
}

TEST(ImageHeaders, AreReadAndChecked) {
  Request request;
  request.headers = {{"X-LXD-properties", "os=Debian+12&a=b%26c"}, {"X-LXD-public", "1"}, {"X-LXD-filename", "f.tar"}};
  const auto upload = read_image_headers(request);
  ASSERT_TRUE(upload.ok());
  EXPECT_EQ(upload->properties.at("os"), "Debian 12");
  EXPECT_EQ(upload->properties.at("a"), "b&c");
  EXPECT_TRUE(upload->is_public);
  EXPECT_FALSE(read_image_headers(with_header("X-LXD-public", "perhaps")).ok());
  EXPECT_FALSE(read_image_headers(with_header("X-LXD-properties", "a=%zz")).ok());
}

TEST(StateChange, NamesWhatIsWrong) {
  EXPECT_EQ(state_change_from_wire({"freeze", -1, false, false})->action, manager::StateAction::kFreeze);
  const auto unknown = state_change_from_wire({"explode", 0, false, false});
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message().find("explode"), std::string::npos);
  EXPECT_FALSE(state_change_from_wire({"stop", -2, false, false}).ok());
}

TEST(ReturnCode, IsTheStatusOrTheSignal) {
  EXPECT_EQ(return_code_of(7 << 8), 7);
  EXPECT_EQ(return_code_of(9), 137);
  EXPECT_EQ(return_code_of(Error(ErrorKind::kNotFound, "x")), 127);
  EXPECT_EQ(return_code_of(Error(ErrorKind::kDenied, "x")), 126);
  EXPECT_EQ(return_code_of(Error(ErrorKind::kIo, "x")), std::nullopt);
}

class Target : public SocketOperation {
 public:
  void attach(const std::string&, std::shared_ptr<WebSocketPeer>) override {}
};

TEST(SocketOperations, OpensEachSocketOnceWithItsSecret) {
  SocketOperations operations;
  const auto target = std::make_shared<Target>();
  const SocketSecrets secrets = make_secrets({"0", "control"});
  EXPECT_EQ(secrets.at("0").size(), 64u);
  EXPECT_NE(secrets.at("0"), secrets.at("control"));
  operations.add("op", secrets, target);
  EXPECT_EQ(operations.claim("other", secrets.at("0")).error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(operations.claim("op", "").error().kind(), ErrorKind::kDenied);
  EXPECT_EQ(operations.claim("op", secrets.at("0"))->name, "0");
  EXPECT_EQ(operations.claim("op", secrets.at("0")).error().kind(), ErrorKind::kDenied);
  EXPECT_EQ(operations.claim("op", secrets.at("control"))->name, "control");
}

TEST(Wire, RendersOperationsAsLxdDoes) {
  manager::OperationRecord record;
  record.id = "x";
  record.status = StatusCode::kRunning;
  record.resources["instances"] = {"c1"};
  record.metadata["progress"] = manager::Value(manager::Value::Object{{"percent", "4"}});
  const api::Operation operation = to_wire(record);
  EXPECT_EQ(operation.resources.at("instances").at(0), "/1.0/instances/c1");
  EXPECT_EQ(operation.resources.at("containers").at(0), "/1.0/containers/c1");
  EXPECT_EQ(operation.metadata.text, R"({"progress":{"percent":"4"}})");
  EXPECT_EQ(operation.status, "Running");
}

TEST(Wire, ShowsNeverAsTheZeroTime) {
  EXPECT_EQ(time_to_wire(std::nullopt), "0001-01-01T00:00:00Z");
  EXPECT_EQ(time_to_wire(manager::Timestamp()), "0001-01-01T00:00:00Z");
}

}  // namespace
}  // namespace cella::daemon
