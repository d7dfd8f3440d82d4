// ?filter= of collections.
#include "daemon/filter.h"
#include "tests/fuzz/target.h"

namespace cella::daemon {

FUZZ_TARGET(filter) {
  static const api::JsonDocument instance =
      api::JsonDocument::parse(
          R"({"name":"c1","status":"Running","ephemeral":false,"status_code":103,"list":["a",1],"none":null,"load":1.5,)"
          R"("config":{"user.a":"b","image.os":"Debian"},"devices":{"eth0":{"type":"nic"}}})")
          .value();
  const Result<Filter> filter = Filter::parse(text);
  if (!filter.ok()) return;
  fuzz::require(!filter->empty() || filter->matches(instance.root()), "an empty filter matches");
  (void)filter->matches(instance.root());
  (void)filter->matches(api::JsonView());
}

}  // namespace cella::daemon
