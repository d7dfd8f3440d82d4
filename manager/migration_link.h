// The connection between two servers during a migration: a control channel for messages and a stream of volumes.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace cella::manager {

// Every call blocks; one thread uses the control channel and one the stream. Errors: kIo when the other side is gone.
class MigrationLink {
 public:
  virtual ~MigrationLink() = default;
  virtual Result<void> send_message(std::string_view message) = 0;
  virtual Result<std::string> receive_message() = 0;
  // Sends what the descriptor gives, up to its end, as one stretch of the stream.
  virtual Result<void> send_stretch(const Fd& from) = 0;
  // Writes the next stretch of the stream to the descriptor.
  virtual Result<void> receive_stretch(const Fd& to) = 0;
  // Ends the stream; calls that wait for it return. From any thread.
  virtual void end_stream() = 0;
  // Ends everything. From any thread.
  virtual void abort() = 0;
};

}  // namespace cella::manager
