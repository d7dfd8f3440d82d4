#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cerrno>
#include <csignal>

#include "storage/unpack_worker.h"
#include "storage/worker_confinement.h"

namespace cella::storage {

Result<void> enter_confinement(const WorkerJob& job) {
  ::umask(0);
  TRY(limit_resource(RLIMIT_CORE, 0, "core"));
  TRY(limit_resource(RLIMIT_NOFILE, 64, "nofile"));
  TRY(limit_resource(RLIMIT_FSIZE, job.limits.max_bytes.value, "fsize"));
  // A file that grows past the limit is to fail with EFBIG, not to kill.
  ::signal(SIGXFSZ, SIG_IGN);
  if (job.destination != nullptr) {
    TRY(enter_tree(*job.destination, job.user_namespace));
  } else {
    TRY(enter_empty_tree(job.user_namespace));
  }
  // The change of credentials above has cleared it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno_error(errno, "prctl PDEATHSIG");
  // Other workers may have the same ids one day: no debugging among them.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error(errno, "prctl DUMPABLE");
  TRY(keep_file_capabilities());
  // Whatever a broken decompressor is made to do, it starts no program, opens no socket and makes no namespace.
  return forbid_calls(WorkerThreads::kOne);
}

}  // namespace cella::storage
