// The manager's durable state: one SQLite database in WAL mode with full sync, so a committed transaction survives a
// power cut. Thread-safe: one connection; a Statement or Transaction holds it until destroyed (nesting on one thread is
// fine), so keep them short-lived and make no kernel calls meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cella::manager {

// One numbered step of a noun's schema. Numbers start at 1 and rise by one; a step that was released never changes.
struct Migration {
  int number;
  const char* sql;
};

// All steps of one noun ("images", "pools" …): each noun's records file defines its own list.
struct Schema {
  const char* noun;
  std::span<const Migration> migrations;
};

class Database;

// When a transaction must be on the disk.
enum class Durability : std::uint8_t {
  kNow,       // before commit() returns
  kWithNext,  // together with the next transaction that is kNow: for steps of an operation that ends with such a one.
              // A killed daemon loses nothing; a power cut before that loses this one too, never only the later one.
};

// A prepared statement, ready to bind. Parameters and columns are counted from 0 in order of appearance.
//   auto insert = TRY(database.prepare("INSERT INTO t (a, b) VALUES (?, ?)"));
//   TRY(insert.bind(name, count).run());
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds all parameters, first to last. Strings are copied.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(index++, values), ...);
    return *this;
  }
  void bind_one(int index, std::string_view text);
  void bind_one(int index, const char* text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, std::int64_t number);
  void bind_one(int index, int number) { bind_one(index, std::int64_t{number}); }
  void bind_one(int index, unsigned number) { bind_one(index, std::int64_t{number}); }
  void bind_one(int index, std::uint64_t number) { bind_one(index, static_cast<std::int64_t>(number)); }
  void bind_one(int index, bool truth) { bind_one(index, std::int64_t{truth}); }
  void bind_one(int index, std::nullptr_t);
  template <typename T>
  void bind_one(int index, const std::optional<T>& value) {
    if (value) {
      bind_one(index, *value);
    } else {
      bind_one(index, nullptr);
    }
  }

  // The next row: false after the last. Errors: kExists for a violated UNIQUE/PRIMARY KEY constraint, kInvalid for a
  // foreign key, kNoSpace for a full disk, else kIo; the text names the statement.
  Result<bool> step();
  // Runs to the end, for statements that give no rows. The statement can then be bound and run again.
  Result<void> run();
  // Rows changed by the last INSERT, UPDATE or DELETE.
  int changes() const;

  std::string text(int column) const;  // empty for NULL
  std::int64_t number(int column) const;
  bool truth(int column) const { return number(column) != 0; }
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(Database& database, sqlite3_stmt* statement, bool cached);
  Error failure(int code) const;
  Database* database_;
  sqlite3_stmt* statement_;
  bool cached_;
  std::unique_lock<std::recursive_mutex> lock_;
};

// Everything between construction and commit() is durable together or not at all. Nested ones are savepoints.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();  // rolls back unless committed
  Result<void> commit();

 private:
  friend class Database;
  Transaction(Database& database, Durability durability);
  Database* database_;
  Durability durability_;
  std::unique_lock<std::recursive_mutex> lock_;
};

class Database {
 public:
  // Opens or creates the database file (":memory:" for tests) and applies what is missing of every schema, each noun's
  // steps in one transaction. Errors: kUnsupported when the file was written by a newer version; kIo.
  static Result<std::unique_ptr<Database>> open(const std::string& path, std::span<const Schema> schemas);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // sql: one statement; compiled once and kept.
  Result<Statement> prepare(std::string_view sql);
  // Runs one or more statements without parameters.
  Result<void> execute(const std::string& sql);
  // durability: of the outermost transaction; a nested one is as durable as that.
  Result<Transaction> begin(Durability durability = Durability::kNow);
  std::int64_t last_insert_id() const;

 private:
  friend class Statement;
  friend class Transaction;
  explicit Database(sqlite3* connection) : connection_(connection) {}
  Result<void> migrate(const Schema& schema);
  Result<void> open_transaction(int depth, Durability durability);
  // After the end of an outermost transaction: what comes next is durable again.
  void restore_durability(Durability durability);

  sqlite3* connection_;
  mutable std::recursive_mutex mutex_;
  int depth_ = 0;  // of transactions
  std::unordered_map<std::string, sqlite3_stmt*> idle_;  // compiled, not in use
};

}  // namespace cella::manager
