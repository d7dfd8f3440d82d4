// Socket files of the host that belong to somebody else than the daemon.
#pragma once

#include <string>
#include <sys/types.h>

#include "base/result.h"

namespace cella::manager {

struct SocketFileRights {
  uid_t user = 0;
  gid_t group = 0;
  mode_t mode = 0600;
};

// Gives a socket that was just bound its owner and mode. Others may write to its directory: what they have put in the
// socket's place, a link above all, is left alone. Errors: kIo naming the path; kInvalid when it is no socket any more.
Result<void> give_rights(const std::string& path, const SocketFileRights& rights);

}  // namespace cella::manager
