#include "daemon/collection.h"

namespace cella::daemon {

Result<Reply> collection_reply(const Request& request, std::vector<CollectionEntry> entries) {
  const int recursion = TRY(request.recursion());
  const Filter filter = TRY(Filter::parse(request.query_value("filter")));
  std::string out = "[";
  for (const CollectionEntry& entry : entries) {
    if (!filter.empty()) {
      const api::JsonDocument document = TRY(api::JsonDocument::parse(entry.object));
      if (!filter.matches(document.root())) continue;
    }
    if (out.size() > 1) out += ',';
    out += recursion == 0 ? api::quote(entry.url) : entry.object;
  }
  return sync_reply(out + "]");
}

}  // namespace cella::daemon
