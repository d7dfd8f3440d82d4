// A connection that stopped speaking HTTP. Only for .cpp files of api/.
#pragma once

#include <string>

#include "api/stream.h"
#include "base/fd.h"
#include "base/result.h"

namespace cella::api {

// Moves bytes both ways between the connection and a stream socket of this process until either ends; both are closed
// then. early: what was read of the connection already. The context is run by this call. Errors: kIo for a socket that
// cannot be used at all; an end, orderly or not, is none.
Result<void> run_tunnel(asio::io_context& context, Stream& outside, std::string early, Fd inside);

}  // namespace cella::api
