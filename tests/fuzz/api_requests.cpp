// The bodies of API requests (and the control messages of exec): every noun a client may send.
#include <string>

#include "api/codec.h"
#include "api/exec.h"
#include "api/image.h"
#include "api/instance.h"
#include "api/instance_state.h"
#include "api/network.h"
#include "api/profile.h"
#include "api/response.h"
#include "api/server.h"
#include "api/storage.h"
#include "tests/fuzz/target.h"

namespace cella::api {
namespace {

// What decodes encodes to something that decodes to the same again.
template <typename T>
void check(std::string_view text) {
  const Result<T> value = decode<T>(text);
  if (!value.ok()) return;
  const std::string once = encode(*value);
  const Result<T> again = decode<T>(once);
  fuzz::require(again.ok(), "what was encoded decodes");
  fuzz::require(encode(*again) == once, "encoding is stable");
}

template <typename... Ts>
void check_all(std::string_view text) {
  (check<Ts>(text), ...);
}

}  // namespace

FUZZ_TARGET(api_requests) {
  check_all<InstanceCreate, InstancePut, InstancePatch, InstancePost, InstanceStatePut, InstancesPut>(text);
  check_all<ExecRequest, ConsoleRequest, ControlMessage>(text);
  check_all<ImageCreate, ImagePut, ImagePatch, AliasCreate, AliasPut, AliasPatch>(text);
  check_all<ProfileCreate, ProfilePut, ProfilePatch, Rename>(text);
  check_all<NetworkCreate, NetworkPut, NetworkPatch>(text);
  check_all<StoragePoolCreate, StoragePoolPut, StoragePoolPatch>(text);
  check_all<ServerPut>(text);
}

}  // namespace cella::api
