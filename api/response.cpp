#include "api/response.h"

#include "api/codec.h"
#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<Response> {
  static void visit(auto& v, auto& x) {
    v("type", x.type);
    v("status", x.status);
    v("status_code", x.status_code);
    v("operation", x.operation);
    v("error_code", x.error_code);
    v("error", x.error);
    v("metadata", x.metadata);
  }
};
CELLA_API_CODEC(Response)

namespace {

std::string envelope(Response response) { return encode(response) + "\n"; }

}  // namespace

std::string sync_envelope(std::string_view metadata) {
  return envelope({.type = "sync",
                   .status = "Success",
                   .status_code = 200,
                   .operation = "",
                   .error_code = 0,
                   .error = "",
                   .metadata = {std::string(metadata)}});
}

std::string async_envelope(std::string_view operation_url, std::string_view metadata) {
  return envelope({.type = "async",
                   .status = "Operation created",
                   .status_code = 100,
                   .operation = std::string(operation_url),
                   .error_code = 0,
                   .error = "",
                   .metadata = {std::string(metadata)}});
}

std::string error_envelope(int http_status, std::string_view message) {
  return envelope({.type = "error",
                   .status = "",
                   .status_code = 0,
                   .operation = "",
                   .error_code = http_status,
                   .error = std::string(message),
                   .metadata = {}});
}

int http_status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
    case ErrorKind::kUnsupported:
      return 400;
    case ErrorKind::kDenied:
      return 403;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kExists:
      return 409;
    case ErrorKind::kBusy:
      return 503;
    case ErrorKind::kNoSpace:
    case ErrorKind::kTimeout:
    case ErrorKind::kCancelled:
    case ErrorKind::kIo:
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

ErrorKind error_kind_of(int http_status) {
  switch (http_status) {
    case 400:
      return ErrorKind::kInvalid;
    case 401:
    case 403:
      return ErrorKind::kDenied;
    case 404:
      return ErrorKind::kNotFound;
    case 409:
    case 412:
      return ErrorKind::kExists;
    case 503:
      return ErrorKind::kBusy;
    default:
      return ErrorKind::kIo;
  }
}

}  // namespace cella::api
