// Round trips of JSON recorded from LXD 5.0.2, and the table of what is refused.
#include "api/codec.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "api/event.h"
#include "api/exec.h"
#include "api/image.h"
#include "api/instance.h"
#include "api/json.h"
#include "api/network.h"
#include "api/operation.h"
#include "api/profile.h"
#include "api/response.h"
#include "api/server.h"
#include "api/storage.h"

namespace cella::api {
namespace {

// Decoding and encoding again gives the recorded text.
template <typename T>
void expect_round_trip(const std::string& recorded) {
  const Result<T> value = decode<T>(recorded);
  ASSERT_TRUE(value.ok()) << value.error().message();
  EXPECT_EQ(encode(*value), recorded);
}

TEST(Codec, KeepsARecordedOperation) {
  expect_round_trip<Operation>(
      R"({"id":"6ef23d9a-6219-4f80-918a-929ffe1a04dc","class":"task","description":"Creating instance",)"
      R"("created_at":"2026-11-23T05:22:11.833775733Z","updated_at":"2026-11-23T05:22:11.833775733Z",)"
      R"("status":"Running","status_code":103,"resources":{"containers":["/1.0/containers/c2"],)"
      R"("instances":["/1.0/instances/c2"]},"metadata":null,"may_cancel":false,"err":"","location":"none"})");
}

TEST(Codec, KeepsAnOperationWithoutResources) {
  expect_round_trip<Operation>(
      R"({"id":"5cbd2bd9-6925-43d6-a632-0ec3ce1bd352","class":"task","description":"Downloading image",)"
      R"("created_at":"2026-11-23T05:23:57.161095924Z","updated_at":"2026-11-23T05:23:57.217117285Z",)"
      R"("status":"Failure","status_code":400,"resources":null,"metadata":{"fingerprint":"b48b","size":"881000"},)"
      R"("may_cancel":false,"err":"Image with same fingerprint already exists","location":"none"})");
}

TEST(Codec, KeepsARecordedImage) {
  expect_round_trip<Image>(
      R"({"auto_update":false,"properties":{"architecture":"x86_64","description":"BusyBox x86_64"},"public":false,)"
      R"("expires_at":"1970-01-01T00:00:00Z","profiles":["default"],"aliases":[{"name":"testimage","description":""}],)"
      R"("architecture":"x86_64","cached":false,"filename":"","fingerprint":"b48bd9609314","size":881000,)"
      R"("type":"container","created_at":"2026-11-23T05:16:55Z","last_used_at":"2026-11-23T05:21:01.549325056Z",)"
      R"("uploaded_at":"2026-11-23T05:21:01.489321768Z"})");
}

TEST(Codec, KeepsARecordedProfile) {
  expect_round_trip<Profile>(
      R"({"config":{},"description":"Default LXD profile","devices":{"root":{"path":"/","pool":"default",)"
      R"("type":"disk"}},"name":"default","used_by":["/1.0/instances/c1"]})");
}

TEST(Codec, KeepsARecordedNetworkAndItsState) {
  expect_round_trip<Network>(
      R"({"config":{"ipv4.address":"10.99.7.1/24","ipv6.address":"none"},"description":"","name":"lxdbr0",)"
      R"("type":"bridge","used_by":["/1.0/profiles/p1"],"managed":true,"status":"Created","locations":["none"]})");
  expect_round_trip<NetworkState>(
      R"({"addresses":[{"family":"inet","address":"10.99.7.1","netmask":"24","scope":"global"}],)"
      R"("counters":{"bytes_received":656,"bytes_sent":0,"packets_received":10,"packets_sent":0},)"
      R"("hwaddr":"00:16:3e:45:cf:79","mtu":1500,"state":"up","type":"broadcast",)"
      R"("bridge":{"id":"8000.00163e45cf79","stp":false,"forward_delay":1500,"vlan_default":0,)"
      R"("vlan_filtering":false,"upper_devices":["vethccaeacb5"]}})");
}

TEST(Codec, KeepsARecordedPoolAndItsResources) {
  expect_round_trip<StoragePool>(
      R"({"config":{"source":"/pools/default"},"description":"","name":"default","driver":"dir",)"
      R"("used_by":["/1.0/instances/c1"],"status":"Created","locations":["none"]})");
  expect_round_trip<StoragePoolResources>(
      R"({"space":{"used":20971610112,"total":270553174016},"inodes":{"used":488481,"total":16777216}})");
}

TEST(Codec, ReadsARecordedCreateRequestWithNulls) {
  const auto create = decode<InstanceCreate>(
      R"({"architecture": "", "config": {}, "devices": {}, "ephemeral": false, "profiles": null, "stateful": false,
          "description": "", "name": "c2", "source": {"type": "image", "certificate": "", "fingerprint": "b48b",
          "allow_inconsistent": false}, "instance_type": "", "type": "container"})");
  ASSERT_TRUE(create.ok()) << create.error().message();
  EXPECT_FALSE(create->profiles.has_value());
  EXPECT_EQ(create->source.fingerprint, "b48b");
  EXPECT_EQ(create->type, "container");
}

TEST(Codec, TellsNoProfilesFromDefaultProfiles) {
  const auto create = decode<InstanceCreate>(R"({"name":"c1","profiles":[],"source":{"type":"none"}})");
  ASSERT_TRUE(create.ok());
  ASSERT_TRUE(create->profiles.has_value());
  EXPECT_TRUE(create->profiles->empty());
}

TEST(Codec, ReadsRecordedExecRequestAndMetadata) {
  const auto request = decode<ExecRequest>(
      R"({"command": ["sh", "-c", "id"], "wait-for-websocket": true, "interactive": false, "environment": {"A": "b"},
          "width": 0, "height": 0, "record-output": false, "user": 1, "group": 1, "cwd": "/tmp"})");
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_TRUE(request->wait_for_websocket);
  EXPECT_EQ(request->command.size(), 3u);
  EXPECT_EQ(request->user, 1u);
  const auto metadata = decode<ExecMetadata>(R"({"fds":{"0":"a0","control":"b0"},"return":7})");
  ASSERT_TRUE(metadata.ok());
  EXPECT_EQ(metadata->fds.at("control"), "b0");
  EXPECT_EQ(metadata->return_code, 7);
}

TEST(Codec, ReadsControlMessagesWithNullArguments) {
  const auto signal = decode<ControlMessage>(R"({"command":"signal","args":null,"signal":15})");
  ASSERT_TRUE(signal.ok());
  EXPECT_EQ(signal->signal, 15);
  const auto resize = decode<ControlMessage>(R"({"command":"window-resize","args":{"width":"80","height":"24"}})");
  ASSERT_TRUE(resize.ok());
  EXPECT_EQ(resize->args.at("width"), "80");
}

TEST(Codec, NestsStateAndSnapshotsInTheFullInstance) {
  InstanceFull full;
  full.instance.name = "c1";
  full.state.emplace();
  full.state->pid = 42;
  full.state->network["eth0"].addresses.push_back({"inet", "10.0.0.2", "24", "global"});
  const auto again = decode<InstanceFull>(encode(full));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->instance.name, "c1");
  ASSERT_TRUE(again->state.has_value());
  EXPECT_EQ(again->state->pid, 42);
  EXPECT_EQ(again->state->network.at("eth0").addresses.at(0).address, "10.0.0.2");
}

TEST(Codec, IgnoresUnknownMembers) {
  const auto put = decode<ProfilePut>(R"({"description":"x","later":{"a":[1]},"config":{"user.a":"b"}})");
  ASSERT_TRUE(put.ok());
  EXPECT_EQ(put->config.at("user.a"), "b");
}

TEST(Codec, LeavesOutAbsentOptionalMembers) {
  InstancePatch patch;
  patch.config["user.a"] = "b";
  EXPECT_EQ(encode(patch), R"({"config":{"user.a":"b"},"devices":{}})");
}

TEST(Codec, QuotesControlCharacters) {
  EXPECT_EQ(quote("a\"\\\n\x01z"), R"("a\"\\\n\u0001z")");
  const auto back = decode_strings("[" + quote(std::string("\t\x1f\x7f\xc3\xa9")) + "]");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->at(0), "\t\x1f\x7f\xc3\xa9");
}

struct Refusal {
  std::string json;
  std::string names;  // what the error must name
};
class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheKeyAndTheValue) {
  const auto decoded = decode<InstanceCreate>(GetParam().json);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().kind(), ErrorKind::kInvalid);
  EXPECT_NE(decoded.error().message().find(GetParam().names), std::string::npos) << decoded.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Codec, Refused,
    testing::Values(Refusal{R"({"name":5})", "name \"5\": expected a string"},
                    Refusal{R"({"config":{"limits.cpu":2}})", "config.limits.cpu \"2\": expected a string"},
                    Refusal{R"({"config":[]})", "config \"[]\": expected an object"},
                    Refusal{R"({"config":"x"})", "config \"x\": expected an object"},
                    Refusal{R"({"devices":{"eth0":"nic"}})", "devices.eth0 \"nic\": expected an object"},
                    Refusal{R"({"devices":{"eth0":{"mtu":1500}}})", "devices.eth0.mtu \"1500\""},
                    Refusal{R"({"ephemeral":"yes"})", "ephemeral \"yes\": expected true or false"},
                    Refusal{R"({"ephemeral":1})", "ephemeral \"1\""},
                    Refusal{R"({"profiles":"default"})", "profiles \"default\": expected a list"},
                    Refusal{R"({"profiles":["a",{}]})", "profiles[] \"{}\": expected a string"},
                    Refusal{R"({"source":{"live":"no"}})", "source.live \"no\""},
                    Refusal{R"([])", "body \"[]\": expected an object"}, Refusal{R"("text")", "expected an object"},
                    Refusal{R"({"name":"a"} x)", "JSON"}, Refusal{R"({"name":)", "JSON"}, Refusal{"", "JSON"},
                    Refusal{"{\"name\":\"\xff\"}", "JSON"},
                    Refusal{std::string(100, '[') + std::string(100, ']'), "JSON"}));

TEST(Codec, RefusesNumbersOutOfRange) {
  EXPECT_FALSE(decode<ExecRequest>(R"({"user":-1})").ok());
  EXPECT_FALSE(decode<ExecRequest>(R"({"user":4294967296})").ok());
  EXPECT_TRUE(decode<ExecRequest>(R"({"user":4294967295})").ok());
  EXPECT_FALSE(decode<ExecRequest>(R"({"width":1.5})").ok());
  EXPECT_FALSE(decode<ExecRequest>(R"({"width":1e3})").ok());
  EXPECT_FALSE(decode<ExecRequest>(R"({"width":18446744073709551615})").ok());
  EXPECT_FALSE(decode<ControlMessage>(R"({"signal":99999999999})").ok());
}

TEST(Codec, ReadsTheServersAnswer) {
  const auto server = decode<Server>(
      R"({"config":{},"api_extensions":["etag"],"api_status":"stable","api_version":"1.0","auth":"trusted",)"
      R"("public":false,"auth_methods":["tls"],"environment":{"server_pid":8023,"storage_supported_drivers":)"
      R"([{"Name":"btrfs","Version":"6.2","Remote":false}]}})");
  ASSERT_TRUE(server.ok()) << server.error().message();
  EXPECT_EQ(server->environment.storage_supported_drivers.at(0).name, "btrfs");
  EXPECT_EQ(server->environment.server_pid, 8023);
}

TEST(Envelope, HasLxdsShapes) {
  EXPECT_EQ(sync_envelope("{}"), R"({"type":"sync","status":"Success","status_code":200,"operation":"",)"
                                 R"("error_code":0,"error":"","metadata":{}})"
                                 "\n");
  EXPECT_EQ(async_envelope("/1.0/operations/x", "{\"id\":\"x\"}"),
            R"({"type":"async","status":"Operation created","status_code":100,"operation":"/1.0/operations/x",)"
            R"("error_code":0,"error":"","metadata":{"id":"x"}})"
            "\n");
  EXPECT_EQ(error_envelope(404, "not found"), R"({"type":"error","status":"","status_code":0,"operation":"",)"
                                              R"("error_code":404,"error":"not found","metadata":null})"
                                              "\n");
}

TEST(Envelope, MapsKindsToHttpAndBack) {
  for (const auto& [kind, status] : {std::pair{ErrorKind::kInvalid, 400},
                                     {ErrorKind::kUnsupported, 400},
                                     {ErrorKind::kNotFound, 404},
                                     {ErrorKind::kExists, 409},
                                     {ErrorKind::kBusy, 503},
                                     {ErrorKind::kDenied, 403},
                                     {ErrorKind::kNoSpace, 500},
                                     {ErrorKind::kIo, 500},
                                     {ErrorKind::kInternal, 500}}) {
    EXPECT_EQ(http_status_of(kind), status);
  }
  EXPECT_EQ(error_kind_of(404), ErrorKind::kNotFound);
  EXPECT_EQ(error_kind_of(412), ErrorKind::kExists);
  EXPECT_EQ(error_kind_of(500), ErrorKind::kIo);
}

}  // namespace
}  // namespace cella::api
