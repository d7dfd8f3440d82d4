// Background operations: everything that LXD's API answers with 202. Work runs on a bounded pool of threads, or is
// driven by whoever began the operation (exec and console sessions).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/events.h"
#include "manager/operation.h"

namespace cella::manager {

struct OperationState;
struct OperationTable;
class OperationPool;

// One operation as seen by the work that carries it out. Copies name the same operation. Thread-safe.
class OperationHandle {
 public:
  explicit OperationHandle(std::shared_ptr<OperationState> state) : state_(std::move(state)) {}

  const OperationId& id() const;
  OperationRecord record() const;

  // Set one metadata entry (for example "download_progress" → "rootfs: 42% (3.10MB/s)"); an operation event follows.
  // Ignored once the operation has finished.
  void set_metadata(const std::string& key, Value value) const;
  // Names a resource that was not known at the start (a generated instance name, an imported image's fingerprint).
  void add_resource(const std::string& noun, const std::string& name) const;

  // Becomes stopped when a client cancels the operation. Work polls it or hangs a std::stop_callback on it.
  std::stop_token stop_token() const;
  bool cancel_requested() const { return stop_token().stop_requested(); }

  // Work that waits for something outside (a container that shuts down) holds one of these meanwhile, so that its pool
  // thread does not count and others are not kept from running.
  class Waiting {
   public:
    explicit Waiting(const OperationHandle& operation);
    ~Waiting();
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    std::shared_ptr<OperationState> state_;
  };

  // Ends an operation made by begin(). The first call counts. A failure of kind kCancelled gives status Cancelled.
  void finish(Result<void> outcome) const;

 private:
  friend class Operations;
  std::shared_ptr<OperationState> state_;
};

struct OperationRequest {
  std::string description;
  OperationClass operation_class = OperationClass::kTask;
  std::map<std::string, std::vector<std::string>> resources;
  Value::Object metadata;
  bool may_cancel = false;
  std::string project = "default";
};

// Owns all operations. Must outlive the work it runs; destruction drains.
class Operations {
 public:
  using Work = std::function<Result<void>(const OperationHandle&)>;

  struct Options {
    unsigned threads = 32;                 // at most so many works at once; the rest queue
    std::chrono::milliseconds keep{6000};  // a finished operation can be read so long
  };

  explicit Operations(Events& events);
  Operations(Events& events, Options options);
  ~Operations();
  // Asks every operation to stop and waits until the pool is empty. No operation may be started afterwards.
  void drain();
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  // Registers the operation (status Running, event sent) and runs work on the pool. An exception that escapes work
  // fails the operation with its text.
  OperationId start(OperationRequest request, Work work);
  // Registers an operation (status Running) without work: the caller ends it with handle.finish(). For sessions that
  // may last for hours and must not hold a pool thread. Cancel reaches it through handle.stop_token().
  OperationHandle begin(OperationRequest request);

  // Errors: kNotFound.
  Result<OperationRecord> find(const OperationId& id) const;
  std::vector<OperationRecord> list() const;

  // Asks the work to stop. Errors: kNotFound; kInvalid when it may not be cancelled or has finished.
  Result<void> cancel(const OperationId& id);

  // Blocks until the operation has finished or the timeout ran out, and returns its record as it then is (look at
  // finished()). nullopt: no timeout. Errors: kNotFound.
  Result<OperationRecord> wait(const OperationId& id, std::optional<std::chrono::milliseconds> timeout) const;
  // Calls back once with the final record: at once on this thread when it has finished already, else on the thread
  // that finishes it. Errors: kNotFound (the callback is dropped).
  Result<void> when_finished(const OperationId& id, std::function<void(const OperationRecord&)> callback);

 private:
  std::vector<std::shared_ptr<OperationState>> states() const;

  std::shared_ptr<OperationTable> table_;
  std::shared_ptr<OperationPool> pool_;
};

// A random (version 4) uuid in text form.
std::string random_uuid();

}  // namespace cella::manager
