// Result<T>: a value or an Error. Kernel errors are ordinary branches here, so they are values, never exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace cella {

// What a caller may branch on. The set is closed: the daemon maps each kind to one HTTP status.
enum class ErrorKind : std::uint8_t {
  kInvalid,      // input that can never work; the text names the key and the value (400)
  kNotFound,     // the named object does not exist (404)
  kExists,       // the name is taken, or the object's state forbids it (409)
  kBusy,         // try again later: another operation holds the object (409 / 503)
  kDenied,       // not permitted (403)
  kUnsupported,  // this host, kernel or driver cannot do it; the text says what is missing (400)
  kNoSpace,      // disk, quota, descriptor or id range exhausted (507 is not in LXD's set: 500)
  kTimeout,      // the time given by the caller ran out
  kCancelled,    // the caller cancelled
  kIo,           // a kernel call failed for another reason
  kInternal,     // a bug: an invariant does not hold
};

// A failure: its kind, the errno (0 when none) and "operation object" text, for example
// `open /sys/fs/cgroup/x/memory.max`. The text carries no trailing newline and no errno text: message() adds it.
class Error {
 public:
  Error(ErrorKind kind, int errno_value, std::string what);
  Error(ErrorKind kind, std::string what) : Error(kind, 0, std::move(what)) {}

  ErrorKind kind() const { return kind_; }
  int errno_value() const { return errno_; }
  const std::string& what() const { return what_; }

  // "what: No such file or directory" (errno text only when errno is not 0).
  std::string message() const;

  // The same error with "context: " put before its text. Use it to name the object a lower layer cannot know.
  Error with_context(std::string_view context) &&;

 private:
  ErrorKind kind_;
  int errno_;
  std::string what_;
};

// The kind that fits an errno when the call site has no better knowledge (ENOENT → kNotFound, ENOSPC → kNoSpace, …).
ErrorKind kind_of_errno(int errno_value);

// An Error from an errno: kind by kind_of_errno(). Read errno into a local first if anything runs in between.
Error errno_error(int errno_value, std::string what);

// kInvalid with a formatted `key "value": reason` text, the form every rejected input has.
Error invalid_value(std::string_view key, std::string_view value, std::string_view reason);

// A value of T or an Error. There is no default success: a Result<T> is built from one or the other.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

struct OkTag {};
inline constexpr OkTag kOk{};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result(OkTag) {}
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {}

  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace cella

// Evaluates a Result; yields its value, or returns its error from the enclosing function.
#define TRY(...)                                                     \
  __extension__({                                                    \
    auto&& try_result_ = (__VA_ARGS__);                              \
    if (!try_result_.ok()) return std::move(try_result_).error();    \
    std::move(try_result_).value();                                  \
  })

// Like TRY, and puts "context: " before the error's text.
#define TRY_CONTEXT(context, ...)                                                                \
  __extension__({                                                                                \
    auto&& try_result_ = (__VA_ARGS__);                                                          \
    if (!try_result_.ok()) return std::move(try_result_).error().with_context(context);          \
    std::move(try_result_).value();                                                              \
  })
