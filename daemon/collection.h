// GET of a collection: URLs or whole objects, filtered.
#pragma once

#include <string>
#include <vector>

#include "api/codec.h"
#include "api/json.h"
#include "base/result.h"
#include "daemon/filter.h"
#include "daemon/message.h"

namespace cella::daemon {

struct CollectionEntry {
  std::string url;
  std::string object;  // JSON text
};

// recursion=0: the entries' URLs; else the objects, as they are. `filter` is applied to the objects.
// Errors: kInvalid for a bad recursion or filter.
Result<Reply> collection_reply(const Request& request, std::vector<CollectionEntry> entries);

// The same from manager values that to_wire() knows. url: makes an entry's URL.
template <typename Values, typename ToWire, typename Url>
Result<Reply> collection_reply(const Request& request, const Values& values, const ToWire& wire, const Url& url) {
  std::vector<CollectionEntry> entries;
  for (const auto& value : values) entries.push_back({url(value), api::encode(wire(value))});
  return collection_reply(request, std::move(entries));
}

}  // namespace cella::daemon
