#include "manager/journal_room.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace cella::manager {

void reserve_journal_room(const std::string& path, std::uint64_t size) {
  static constexpr char kZeros[64 * 1024] = {};
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return;
  auto end = static_cast<std::uint64_t>(status.st_size);
  while (end < size) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(sizeof kZeros, size - end));
    const ssize_t written = ::pwrite(file.get(), kZeros, wanted, static_cast<off_t>(end));
    if (written <= 0) break;
    end += static_cast<std::uint64_t>(written);
  }
  (void)::fsync(file.get());
}

}  // namespace cella::manager
