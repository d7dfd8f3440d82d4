#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace cella {

Error::Error(ErrorKind kind, int errno_value, std::string what)
    : kind_(kind), errno_(errno_value), what_(std::move(what)) {}

std::string Error::message() const {
  if (errno_ == 0) return what_;
  return what_ + ": " + strerrordesc_np(errno_);
}

Error Error::with_context(std::string_view context) && {
  what_.insert(0, ": ");
  what_.insert(0, context);
  return std::move(*this);
}

ErrorKind kind_of_errno(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
      return ErrorKind::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorKind::kExists;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return ErrorKind::kBusy;
    case EACCES:
    case EPERM:
      return ErrorKind::kDenied;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorKind::kUnsupported;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorKind::kNoSpace;
    case ETIMEDOUT:
    case ETIME:
      return ErrorKind::kTimeout;
    case ECANCELED:
      return ErrorKind::kCancelled;
    default:
      return ErrorKind::kIo;
  }
}

Error errno_error(int errno_value, std::string what) {
  return Error(kind_of_errno(errno_value), errno_value, std::move(what));
}

Error invalid_value(std::string_view key, std::string_view value, std::string_view reason) {
  std::string text;
  text.reserve(key.size() + value.size() + reason.size() + 8);
  text.append(key).append(" \"").append(value).append("\": ").append(reason);
  return Error(ErrorKind::kInvalid, std::move(text));
}

}  // namespace cella
