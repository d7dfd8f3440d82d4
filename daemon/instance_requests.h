// What clients send about instances, as the manager takes it.
#pragma once

#include "api/instance.h"
#include "base/result.h"
#include "manager/images.h"
#include "manager/instance.h"

namespace cella::daemon {

// project: where it is to be made. images: resolves aliases, fingerprints and properties of the source.
// Errors: kUnsupported for a source or type that is not served; kNotFound naming the image; kInvalid.
Result<manager::InstanceCreate> create_from_wire(const api::InstanceCreate& body, const std::string& project,
                                                 const manager::Images& images);

manager::InstancePut put_from_wire(const api::InstancePut& body);
manager::InstancePatch patch_from_wire(const api::InstancePatch& body);

// Errors: kInvalid naming action or timeout.
Result<manager::StateChange> state_change_from_wire(const api::InstanceStatePut& body);

}  // namespace cella::daemon
