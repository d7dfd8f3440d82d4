// A user namespace for id-mapped mounts under test.
#pragma once

#include "base/fd.h"

namespace cella::test {

// A new user namespace with the map 0 1000000 65536; the process that made it is gone.
Result<Fd> make_user_namespace();

}  // namespace cella::test
