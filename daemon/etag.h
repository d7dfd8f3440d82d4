// ETags of single objects and the If-Match check that keeps two writers from overwriting each other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/message.h"

namespace cella::daemon {

// Strong ETag of a representation: its sha256 in hexadecimal, in double quotes.
std::string etag_of(std::string_view representation);

// nullopt when the request may go on, else the 412 to answer with.
// A request without If-Match, or with "*", goes on. Quotes around the value are optional, as LXD has it.
std::optional<Reply> check_if_match(const Request& request, std::string_view representation);

// sync_reply() with the ETag of `representation`: the writable part of the object, so that counters and states that
// change by themselves do not turn a client's edit away.
Reply sync_reply_with_etag(std::string_view metadata, std::string_view representation);

}  // namespace cella::daemon
