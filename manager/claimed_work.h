// Operations on one instance: the claim is given back before the operation counts as finished, so that whoever was told
// of its end can go on at once.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "manager/instance_set.h"
#include "manager/operations.h"

namespace cella::manager {

inline OperationId start_claimed(Operations& operations, OperationRequest request, InstanceSet::Claim claim,
                                 std::function<Result<void>(const EntryPtr&, const OperationHandle&)> work) {
  auto held = std::make_shared<std::optional<InstanceSet::Claim>>(std::move(claim));
  return operations.start(std::move(request), [held, work = std::move(work)](const OperationHandle& operation) {
    const EntryPtr entry = (*held)->entry();
    auto outcome = work(entry, operation);
    held->reset();
    return outcome;
  });
}

// name: qualified, perhaps with "/SNAPSHOT" behind it.
inline OperationRequest instance_request(std::string description, const std::string& name) {
  OperationRequest request;
  request.description = std::move(description);
  auto [project, short_name] = split_name(name);
  request.resources["instances"] = {std::move(short_name)};
  request.project = std::move(project);
  return request;
}

}  // namespace cella::manager
