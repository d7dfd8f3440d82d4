#include "manager/operations.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>

#include "manager/operation_pool.h"

namespace cella::manager {

using Clock = std::chrono::steady_clock;

// All operations by id. Finished ones are dropped, oldest first, whenever another is added.
struct OperationTable {
  explicit OperationTable(Events& events, std::chrono::milliseconds keep) : events(events), keep(keep) {}

  Events& events;
  const std::chrono::milliseconds keep;
  std::mutex mutex;
  std::map<OperationId, std::shared_ptr<OperationState>> by_id;
  std::deque<std::pair<Clock::time_point, OperationId>> finished;

  void drop_old_locked() {
    const auto now = Clock::now();
    while (!finished.empty() && finished.front().first + keep < now) {
      by_id.erase(finished.front().second);
      finished.pop_front();
    }
  }
  std::shared_ptr<OperationState> find(const OperationId& id) {
    std::lock_guard lock(mutex);
    drop_old_locked();
    auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : found->second;
  }
};

struct OperationState {
  // Held while an event is published, so that the events of one operation keep their order. Taken before mutex.
  std::mutex publishing;
  mutable std::mutex mutex;
  std::condition_variable changed;
  OperationRecord record;
  std::stop_source stop;
  std::vector<std::function<void(const OperationRecord&)>> callbacks;
  std::shared_ptr<OperationTable> table;
  std::weak_ptr<OperationPool> pool;

  OperationRecord snapshot() const {
    std::lock_guard lock(mutex);
    return record;
  }

  // Applies change unless the operation has finished, and tells the listeners. Returns the record when it did.
  std::optional<OperationRecord> change(const std::function<void(OperationRecord&)>& change) {
    std::lock_guard order(publishing);
    std::optional<OperationRecord> copy;
    {
      std::lock_guard lock(mutex);
      if (record.finished()) return std::nullopt;
      change(record);
      record.updated_at = std::chrono::system_clock::now();
      copy = record;
    }
    table->events.operation_changed(*copy);
    changed.notify_all();
    return copy;
  }
};

namespace {

constexpr const char* kHexDigits = "0123456789abcdef";

void set_outcome(OperationRecord& record, const Result<void>& outcome) {
  record.may_cancel = false;
  if (outcome.ok()) {
    record.status = StatusCode::kSuccess;
    return;
  }
  record.status =
      outcome.error().kind() == ErrorKind::kCancelled ? StatusCode::kCancelled : StatusCode::kFailure;
  record.error = outcome.error().message();
}

Result<void> run_guarded(const Operations::Work& work, const OperationHandle& handle) {
  // One of the two doors at which exceptions of libraries and of the standard library (bad_alloc) stop.
  try {
    return work(handle);
  } catch (const std::exception& exception) {
    return Error(ErrorKind::kInternal, std::string("unexpected exception: ") + exception.what());
  }
}

Error no_such_operation(const OperationId& id) { return Error(ErrorKind::kNotFound, "operation " + id + " not found"); }

}  // namespace

std::string_view class_text(OperationClass operation_class) {
  switch (operation_class) {
    case OperationClass::kTask: return "task";
    case OperationClass::kWebsocket: return "websocket";
    case OperationClass::kToken: return "token";
  }
  return "";
}

std::string random_uuid() {
  thread_local std::random_device source;
  std::string text = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  std::uint32_t bits = 0;
  int left = 0;
  for (char& digit : text) {
    if (digit == '-' || digit == '4') continue;
    if (left == 0) {
      bits = source();
      left = 8;
    }
    const unsigned nibble = bits & 0xf;
    digit = kHexDigits[digit == 'y' ? (nibble & 0x3) | 0x8 : nibble];
    bits >>= 4;
    --left;
  }
  return text;
}

const OperationId& OperationHandle::id() const { return state_->record.id; }
OperationRecord OperationHandle::record() const { return state_->snapshot(); }
std::stop_token OperationHandle::stop_token() const { return state_->stop.get_token(); }

void OperationHandle::set_metadata(const std::string& key, Value value) const {
  state_->change([&](OperationRecord& record) { record.metadata[key] = std::move(value); });
}

void OperationHandle::add_resource(const std::string& noun, const std::string& name) const {
  state_->change([&](OperationRecord& record) {
    auto& names = record.resources[noun];
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  });
}

void OperationHandle::finish(Result<void> outcome) const {
  auto record = state_->change([&](OperationRecord& changed) { set_outcome(changed, outcome); });
  if (!record) return;
  {
    std::lock_guard lock(state_->table->mutex);
    state_->table->finished.emplace_back(Clock::now(), record->id);
  }
  std::vector<std::function<void(const OperationRecord&)>> callbacks;
  {
    std::lock_guard lock(state_->mutex);
    callbacks.swap(state_->callbacks);
  }
  for (const auto& callback : callbacks) callback(*record);
}

OperationHandle::Waiting::Waiting(const OperationHandle& operation) : state_(operation.state_) {
  if (auto pool = state_->pool.lock()) pool->lend();
}
OperationHandle::Waiting::~Waiting() {
  if (auto pool = state_->pool.lock()) pool->reclaim();
}

Operations::Operations(Events& events) : Operations(events, Options{}) {}

Operations::Operations(Events& events, Options options)
    : table_(std::make_shared<OperationTable>(events, options.keep)),
      pool_(std::make_shared<OperationPool>(options.threads)) {}

Operations::~Operations() { drain(); }

void Operations::drain() {
  for (const auto& state : states()) state->stop.request_stop();
  pool_->drain();
}

std::vector<std::shared_ptr<OperationState>> Operations::states() const {
  std::lock_guard lock(table_->mutex);
  table_->drop_old_locked();
  std::vector<std::shared_ptr<OperationState>> states;
  for (const auto& [id, state] : table_->by_id) states.push_back(state);
  return states;
}

OperationHandle Operations::begin(OperationRequest request) {
  auto state = std::make_shared<OperationState>();
  state->table = table_;
  state->pool = pool_;
  OperationRecord& record = state->record;
  record.id = random_uuid();
  record.operation_class = request.operation_class;
  record.description = std::move(request.description);
  record.created_at = record.updated_at = std::chrono::system_clock::now();
  record.status = StatusCode::kRunning;
  record.resources = std::move(request.resources);
  record.metadata = std::move(request.metadata);
  record.may_cancel = request.may_cancel;
  record.project = std::move(request.project);
  {
    std::lock_guard lock(table_->mutex);
    table_->drop_old_locked();
    table_->by_id.emplace(record.id, state);
  }
  table_->events.operation_changed(state->snapshot());
  return OperationHandle(std::move(state));
}

OperationId Operations::start(OperationRequest request, Work work) {
  OperationHandle handle = begin(std::move(request));
  pool_->run([handle, work = std::move(work)] { handle.finish(run_guarded(work, handle)); });
  return handle.id();
}

Result<OperationRecord> Operations::find(const OperationId& id) const {
  auto state = table_->find(id);
  if (state == nullptr) return no_such_operation(id);
  return state->snapshot();
}

std::vector<OperationRecord> Operations::list() const {
  std::vector<OperationRecord> records;
  for (const auto& state : states()) records.push_back(state->snapshot());
  return records;
}

Result<void> Operations::cancel(const OperationId& id) {
  auto state = table_->find(id);
  if (state == nullptr) return no_such_operation(id);
  if (!state->snapshot().may_cancel) return Error(ErrorKind::kInvalid, "operation " + id + " cannot be cancelled");
  state->change([](OperationRecord& record) { record.status = StatusCode::kCancelling; });
  state->stop.request_stop();
  return kOk;
}

Result<OperationRecord> Operations::wait(const OperationId& id,
                                         std::optional<std::chrono::milliseconds> timeout) const {
  auto state = table_->find(id);
  if (state == nullptr) return no_such_operation(id);
  std::unique_lock lock(state->mutex);
  const auto done = [&] { return state->record.finished(); };
  if (timeout) {
    state->changed.wait_for(lock, *timeout, done);
  } else {
    state->changed.wait(lock, done);
  }
  return state->record;
}

Result<void> Operations::when_finished(const OperationId& id, std::function<void(const OperationRecord&)> callback) {
  auto state = table_->find(id);
  if (state == nullptr) return no_such_operation(id);
  {
    std::lock_guard lock(state->mutex);
    if (!state->record.finished()) {
      state->callbacks.push_back(std::move(callback));
      return kOk;
    }
  }
  callback(state->snapshot());
  return kOk;
}

}  // namespace cella::manager
