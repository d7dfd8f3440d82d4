#include "namespaces/join.h"

#include <sched.h>
#include <cerrno>

namespace cella::namespaces {

int join_namespaces(int pidfd, std::uint64_t namespaces) noexcept {
  return ::setns(pidfd, static_cast<int>(namespaces)) == 0 ? 0 : errno;
}

}  // namespace cella::namespaces
