#include "manager/database.h"

#include <sqlite3.h>

#include "manager/journal_room.h"

namespace cella::manager {
namespace {

// The log is copied into the database and written from its start again after so many pages; half as much again is
// reserved, for the transaction that reaches the number.
constexpr std::uint64_t kJournalRoom = 512 * 4096 * 3 / 2;

Error sqlite_error(sqlite3* connection, int code, std::string what) {
  ErrorKind kind = ErrorKind::kIo;
  const int extended = connection != nullptr ? sqlite3_extended_errcode(connection) : code;
  if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY) kind = ErrorKind::kExists;
  if (extended == SQLITE_CONSTRAINT_FOREIGNKEY) kind = ErrorKind::kInvalid;
  if ((code & 0xff) == SQLITE_FULL) kind = ErrorKind::kNoSpace;
  const char* reason = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  return Error(kind, "database: " + std::move(what) + ": " + reason);
}

}  // namespace

Statement::Statement(Database& database, sqlite3_stmt* statement, bool cached)
    : database_(&database), statement_(statement), cached_(cached), lock_(database.mutex_) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      cached_(other.cached_),
      lock_(std::move(other.lock_)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (cached_) {
    auto [place, inserted] = database_->idle_.emplace(sqlite3_sql(statement_), statement_);
    if (inserted) return;
  }
  sqlite3_finalize(statement_);
}

void Statement::bind_one(int index, std::string_view text) {
  sqlite3_bind_text(statement_, index + 1, text.data() != nullptr ? text.data() : "", static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
}
void Statement::bind_one(int index, std::int64_t number) { sqlite3_bind_int64(statement_, index + 1, number); }
void Statement::bind_one(int index, std::nullptr_t) { sqlite3_bind_null(statement_, index + 1); }

Error Statement::failure(int code) const {
  return sqlite_error(database_->connection_, code, sqlite3_sql(statement_));
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = failure(code);
  sqlite3_reset(statement_);
  return error;
}

Result<void> Statement::run() {
  while (TRY(step())) {
  }
  sqlite3_reset(statement_);
  return kOk;
}

int Statement::changes() const { return sqlite3_changes(database_->connection_); }

std::string Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_, column);
  if (bytes == nullptr) return {};
  // SAFETY: SQLite's text is bytes; unsigned char and char may alias.
  return std::string(reinterpret_cast<const char*>(bytes),
                     static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}
std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

Transaction::Transaction(Database& database, Durability durability)
    : database_(&database), durability_(durability), lock_(database.mutex_) {}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      durability_(other.durability_),
      lock_(std::move(other.lock_)) {}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  const int depth = --database_->depth_;
  const std::string name = "level" + std::to_string(depth);
  const std::string sql = depth == 0 ? "ROLLBACK" : "ROLLBACK TO " + name + "; RELEASE " + name;
  // A failed commit (disk full) may have rolled back already; then this says so and changes nothing.
  (void)database_->execute(sql);
  if (depth == 0) database_->restore_durability(durability_);
}

Result<void> Transaction::commit() {
  const int depth = database_->depth_ - 1;
  TRY(database_->execute(depth == 0 ? "COMMIT" : "RELEASE level" + std::to_string(depth)));
  database_->depth_ = depth;
  if (depth == 0) database_->restore_durability(durability_);
  database_ = nullptr;
  lock_.unlock();
  return kOk;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, std::span<const Schema> schemas) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(connection));
  if (code != SQLITE_OK) return sqlite_error(connection, code, "open " + path);
  sqlite3_busy_timeout(connection, 5000);
  TRY_CONTEXT(path, database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                                      "PRAGMA cache_size=-512; PRAGMA wal_autocheckpoint=512;"
                                      "CREATE TABLE IF NOT EXISTS schema (noun TEXT PRIMARY KEY, number INTEGER NOT NULL)"));
  for (const Schema& schema : schemas) TRY_CONTEXT(path, database->migrate(schema));
  reserve_journal_room(path + "-wal", kJournalRoom);
  return database;
}

Database::~Database() {
  for (auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Result<void> Database::migrate(const Schema& schema) {
  auto transaction = TRY(begin());
  std::int64_t present = 0;
  {
    auto query = TRY(prepare("SELECT number FROM schema WHERE noun = ?"));
    query.bind(schema.noun);
    if (TRY(query.step())) present = query.number(0);
  }
  const std::int64_t newest = schema.migrations.empty() ? 0 : schema.migrations.back().number;
  if (present > newest) {
    return Error(ErrorKind::kUnsupported, std::string("schema of ") + schema.noun + " has version " +
                                              std::to_string(present) + ", this program knows up to " +
                                              std::to_string(newest));
  }
  if (present == newest) return transaction.commit();
  for (const Migration& migration : schema.migrations) {
    if (migration.number <= present) continue;
    TRY_CONTEXT(std::string("migrate ") + schema.noun + " to " + std::to_string(migration.number),
                execute(migration.sql));
  }
  {
    auto update = TRY(prepare("INSERT OR REPLACE INTO schema (noun, number) VALUES (?, ?)"));
    TRY(update.bind(schema.noun, newest).run());
  }
  return transaction.commit();
}

Result<Statement> Database::prepare(std::string_view sql) {
  std::unique_lock lock(mutex_);
  if (auto found = idle_.find(std::string(sql)); found != idle_.end()) {
    sqlite3_stmt* statement = found->second;
    idle_.erase(found);
    return Statement(*this, statement, true);
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_, code, std::string(sql));
  return Statement(*this, statement, true);
}

Result<void> Database::execute(const std::string& sql) {
  std::unique_lock lock(mutex_);
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_, code, sql);
  return kOk;
}

Result<void> Database::open_transaction(int depth, Durability durability) {
  if (depth > 0) return execute("SAVEPOINT level" + std::to_string(depth));
  if (durability == Durability::kNow) return execute("BEGIN IMMEDIATE");
  // In WAL mode this leaves out the sync of the commit and nothing else; the order in the log stays.
  auto begun = execute("PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE");
  if (!begun.ok()) restore_durability(durability);
  return begun;
}

void Database::restore_durability(Durability durability) {
  if (durability == Durability::kWithNext) (void)execute("PRAGMA synchronous=FULL");
}

Result<Transaction> Database::begin(Durability durability) {
  Transaction transaction(*this, durability);
  const int depth = depth_;
  auto begun = open_transaction(depth, durability);
  if (!begun.ok()) {
    transaction.database_ = nullptr;
    return std::move(begun).error();
  }
  ++depth_;
  return transaction;
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(connection_); }

}  // namespace cella::manager
