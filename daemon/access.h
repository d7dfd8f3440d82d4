// What a request that came over the network may do.
#pragma once

#include "base/result.h"
#include "daemon/message.h"
#include "manager/certificates.h"
#include "manager/operations.h"

namespace cella::daemon {

// Sets request.access by the certificate it came with, and refuses what that may not do:
// - nobody's certificate: what strangers may (the start of the API, public images, asking to be trusted, sockets with a
//   secret);
// - a metrics certificate: the metrics besides;
// - a restricted certificate: only its projects, and nothing that belongs to the server as a whole;
// - any other: everything.
// Deny by default. Errors: kDenied, the same whether the object exists or not.
Result<void> authorize(Request& request, const manager::Certificates& certificates,
                       const manager::Operations& operations);

// A restricted sender may not name other projects in a body either (members "project" of it and of "source").
// Errors: kDenied.
Result<void> check_body(const Request& request, std::string_view body);

// The JSON of a request whose route streams its body, checked by check_body().
// Errors: kDenied; kInvalid when it is longer than limit; kIo.
Result<std::string> read_json(const Request& request, BodyReader& reader, std::size_t limit);

}  // namespace cella::daemon
