// What is told of instances, by their qualified names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "manager/events.h"

namespace cella::manager {

// A lifecycle event whose source is the instance's URL (with `tail` behind its name), in the instance's project.
void tell_of_instance(Events& events, const char* action, std::string_view instance,
                      const std::optional<Requestor>& caller, Value::Object context = {}, std::string_view tail = "");

}  // namespace cella::manager
