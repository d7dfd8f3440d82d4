// What the command line reads from a server.
#include <string>

#include "api/codec.h"
#include "api/event.h"
#include "api/image.h"
#include "api/instance.h"
#include "api/instance_state.h"
#include "api/network.h"
#include "api/operation.h"
#include "api/profile.h"
#include "api/response.h"
#include "api/server.h"
#include "api/storage.h"
#include "tests/fuzz/target.h"

namespace cella::api {
namespace {

template <typename T>
void check(std::string_view text) {
  const Result<T> value = decode<T>(text);
  if (value.ok()) fuzz::require(decode<T>(encode(*value)).ok(), "what was encoded decodes");
}

template <typename... Ts>
void check_all(std::string_view text) {
  (check<Ts>(text), ...);
}

}  // namespace

FUZZ_TARGET(api_answers) {
  check_all<Response, Server, Instance, InstanceFull, InstanceState, Image, Alias, Profile, Network, NetworkState>(
      text);
  check_all<StoragePool, StoragePoolResources, StorageVolume, Operation, OperationsByStatus, Event, LifecycleEvent>(
      text);
}

}  // namespace cella::api
