#include "manager/instance_events.h"

#include "manager/names.h"

namespace cella::manager {

void tell_of_instance(Events& events, const char* action, std::string_view instance,
                      const std::optional<Requestor>& caller, Value::Object context, std::string_view tail) {
  events.lifecycle({action, instance_url(instance, tail), std::move(context), caller}, project_of(instance));
}

}  // namespace cella::manager
