// Manager's values as the wire shows them.
#pragma once

#include <optional>
#include <string>

#include "api/event.h"
#include "api/image.h"
#include "api/instance.h"
#include "api/network.h"
#include "api/operation.h"
#include "api/profile.h"
#include "api/storage.h"
#include "daemon/message.h"
#include "manager/events.h"
#include "manager/image.h"
#include "manager/instance.h"
#include "manager/network.h"
#include "manager/operations.h"
#include "manager/pool.h"
#include "manager/profiles.h"

namespace cella::manager {
struct Snapshot;
}

namespace cella::daemon {

// RFC 3339; the epoch (manager's "never" for last_used_at) and nullopt are "0001-01-01T00:00:00Z".
std::string time_to_wire(std::optional<manager::Timestamp> time);
// Errors: kInvalid naming the text.
Result<std::optional<manager::Timestamp>> time_from_wire(std::string_view text);

// JSON text.
std::string encode_value(const manager::Value& value);

api::Instance to_wire(const manager::Instance& instance);
api::Snapshot to_wire(const manager::Snapshot& snapshot);
api::InstanceState to_wire(const manager::InstanceState& state);
api::Image to_wire(const manager::Image& image);
api::Alias to_wire(const manager::Alias& alias);
api::Profile to_wire(const manager::Profile& profile);
api::Network to_wire(const manager::Network& network);
api::NetworkState to_wire(const manager::NetworkDetails& details);
api::StoragePool to_wire(const manager::Pool& pool);
api::StorageVolume to_wire(const manager::PoolVolume& volume);
api::Operation to_wire(const manager::OperationRecord& record);
api::Event to_wire(const manager::Event& event);

// What a client may write of an object: the value its ETag is made of.
api::InstancePut writable_part(const manager::Instance& instance);
api::ImagePut writable_part(const manager::Image& image);
api::ProfilePut writable_part(const manager::Profile& profile);
api::NetworkPut writable_part(const manager::Network& network);
api::StoragePoolPut writable_part(const manager::Pool& pool);

// Who sent the request, for lifecycle events.
manager::Requestor requestor_of(const Request& request);

// 202 with the operation as it is now. Errors: those of find().
Result<Reply> operation_reply(const manager::Operations& operations, const manager::OperationId& id);

}  // namespace cella::daemon
