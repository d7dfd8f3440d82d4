// A confined process that serves SFTP for the files of one root, so that a mistake in handling somebody else's tree is
// worth no more than that tree's own rights.
#pragma once

#include <sys/types.h>

#include "base/fd.h"

namespace cella::storage {

// Whose files, and as whom. Descriptors are borrowed for start().
struct FileWorkerTarget {
  // A process whose user and mount namespaces are joined; its root directory is the root.
  const PidFd* process = nullptr;
  // Otherwise: a detached mount that becomes the root directory, and a user namespace with the map it is mounted with.
  const Fd* root = nullptr;
  const Fd* user_namespace = nullptr;
};

// The process: root of the target's user namespace with the capabilities of a file server, an empty network namespace,
// a system call filter, no descriptor but its own; not dumpable; it ends when its owner is gone. It never executes
// anything. Thread-safe. The process lives until the object ends.
class FileWorker {
 public:
  // Errors: what the confinement met, named by the call; kTimeout when it does not answer within 10 s.
  static Result<FileWorker> start(const FileWorkerTarget& target);
  FileWorker(FileWorker&& other) noexcept : pid_(other.pid_), control_(std::move(other.control_)) { other.pid_ = -1; }
  FileWorker& operator=(FileWorker&&) = delete;
  // Kills it and waits for its end: no mount of the target is held by it any more.
  ~FileWorker();

  // A new session: a stream socket that speaks SFTP version 3, at its beginning. Errors: kIo when the worker died.
  Result<Fd> open_session();

 private:
  FileWorker(pid_t pid, Fd control) : pid_(pid), control_(std::move(control)) {}
  pid_t pid_ = -1;
  Fd control_;
};

}  // namespace cella::storage
