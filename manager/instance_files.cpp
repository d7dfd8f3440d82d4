#include "manager/instance_files.h"

#include "manager/pools.h"
#include "storage/file_worker.h"
#include "storage/id_mapped.h"

namespace cella::manager {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kIdle{10};

}  // namespace

struct InstanceFiles::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::map<std::int64_t, std::shared_ptr<Worker>> workers;  // by record id
};

// A worker and who uses it. The process ends with the last owner, or at end().
struct InstanceFiles::Worker {
  std::mutex mutex;
  std::optional<storage::FileWorker> process;  // absent once it was ended
  // Guarded by Shared::mutex.
  Clock::time_point last_used = Clock::now();
  int sessions = 0;
  bool ending = false;

  Result<Fd> open_session() {
    const std::lock_guard lock(mutex);
    if (!process) return Error(ErrorKind::kIo, "file worker has ended");
    return process->open_session();
  }
  void end() {
    const std::lock_guard lock(mutex);
    process.reset();
  }
};

InstanceFiles::InstanceFiles(InstanceSet& set, Pools& pools)
    : set_(set), pools_(pools), shared_(std::make_shared<Shared>()), expiry_([this] { expire(); }) {}

InstanceFiles::~InstanceFiles() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
  }
  shared_->changed.notify_all();
  expiry_.join();
  // Sessions may still hold workers: their processes go now, whoever looks.
  for (const auto& [id, worker] : shared_->workers) worker->end();
}

Result<std::shared_ptr<InstanceFiles::Worker>> InstanceFiles::start_worker(const InstanceEntry& entry) {
  const auto record = set_.record(entry);
  storage::FileWorkerTarget target;
  auto worker = std::make_shared<Worker>();
  if (const auto running = set_.running(entry); running != nullptr) {
    if (!running->pidfd.valid()) return Error(ErrorKind::kBusy, "instance " + record.name + " is about to end");
    target.process = &running->pidfd;
    worker->process.emplace(TRY(storage::FileWorker::start(target)));
    return worker;
  }
  if (record.phase != InstancePhase::kReady)
    return Error(ErrorKind::kBusy, "instance " + record.name + " is being made or removed");
  const IdMap map = TRY(IdMap::isolated(record.id_base, record.id_size));
  const Fd root = TRY(pools_.open_root(record.pool, record.name, map));
  const Fd user_namespace = TRY(storage::user_namespace_for(map));
  target.root = &root;
  target.user_namespace = &user_namespace;
  worker->process.emplace(TRY(storage::FileWorker::start(target)));
  return worker;
}

std::shared_ptr<InstanceFiles::Worker> InstanceFiles::take_present(std::int64_t id) {
  std::unique_lock lock(shared_->mutex);
  for (;;) {
    const auto found = shared_->workers.find(id);
    if (found == shared_->workers.end()) return nullptr;
    if (!found->second->ending) {
      ++found->second->sessions;
      return found->second;
    }
    shared_->changed.wait(lock);
  }
}

Result<Fd> InstanceFiles::open_socket(const std::string& name, std::shared_ptr<void>& keep) {
  const EntryPtr entry = TRY(set_.find(name));
  // Held so that the instance is neither being started nor ends before the worker is known to end().
  const std::lock_guard run(entry->run);
  const auto id = set_.record(*entry).id;
  std::shared_ptr<Worker> worker = take_present(id);
  if (worker != nullptr) {
    Result<Fd> socket = worker->open_session();
    keep = releasing(worker);
    if (socket.ok()) return socket;
    // Somebody killed it: another takes its place.
  }
  worker = TRY(start_worker(*entry));
  worker->sessions = 1;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->workers[id] = worker;
  }
  keep = releasing(worker);
  return worker->open_session();
}

// Counts the session off when its last owner lets go.
std::shared_ptr<void> InstanceFiles::releasing(const std::shared_ptr<Worker>& worker) {
  return std::shared_ptr<void>(worker.get(), [shared = shared_, worker](void*) {
    {
      const std::lock_guard lock(shared->mutex);
      --worker->sessions;
      worker->last_used = Clock::now();
    }
    shared->changed.notify_all();
  });
}

Result<FileSession> InstanceFiles::open(const std::string& name) {
  std::shared_ptr<void> keep;
  Fd socket = TRY(open_socket(name, keep));
  return FileSession::open(std::move(socket), std::move(keep));
}

Result<Fd> InstanceFiles::open_sftp(const std::string& name, std::shared_ptr<void>& keep) {
  return open_socket(name, keep);
}

Result<FileSession> InstanceFiles::open_root(const Fd& root, const IdMap& map) {
  const Fd user_namespace = TRY(storage::user_namespace_for(map));
  storage::FileWorkerTarget target;
  target.root = &root;
  target.user_namespace = &user_namespace;
  auto worker = std::make_shared<storage::FileWorker>(TRY(storage::FileWorker::start(target)));
  Fd socket = TRY(worker->open_session());
  return FileSession::open(std::move(socket), std::move(worker));
}

void InstanceFiles::end(const InstanceEntry& entry) {
  const auto id = set_.record(entry).id;
  std::shared_ptr<Worker> worker;
  {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->workers.find(id);
    if (found == shared_->workers.end()) return;
    worker = found->second;
    worker->ending = true;
  }
  worker->end();
  forget(id, worker);
}

void InstanceFiles::forget(std::int64_t id, const std::shared_ptr<Worker>& worker) {
  {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->workers.find(id);
    if (found != shared_->workers.end() && found->second == worker) shared_->workers.erase(found);
  }
  shared_->changed.notify_all();
}

void InstanceFiles::expire() {
  std::unique_lock lock(shared_->mutex);
  while (!shared_->ended) {
    std::optional<Clock::time_point> next;
    std::vector<std::pair<std::int64_t, std::shared_ptr<Worker>>> idle;
    for (const auto& [id, worker] : shared_->workers) {
      if (worker->sessions > 0 || worker->ending) continue;
      const auto due = worker->last_used + kIdle;
      if (due > Clock::now()) {
        next = next ? std::min(*next, due) : due;
        continue;
      }
      // It stays in the map until its process is gone, so that nobody mounts the root a second time beside it.
      worker->ending = true;
      idle.emplace_back(id, worker);
    }
    if (!idle.empty()) {
      lock.unlock();
      for (const auto& [id, worker] : idle) {
        worker->end();
        forget(id, worker);
      }
      lock.lock();
    } else if (next) {
      shared_->changed.wait_until(lock, *next);
    } else {
      shared_->changed.wait(lock);
    }
  }
}

}  // namespace cella::manager
