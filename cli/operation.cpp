#include <boost/json.hpp>
#include <cstdio>

#include "cli/interrupt.h"
#include "cli/server.h"

namespace cella::cli {
namespace {

namespace json = boost::json;

Result<api::Operation> outcome(api::Operation operation) {
  if (!operation.err.empty()) return Error(ErrorKind::kIo, operation.err);
  if (operation.status_code == static_cast<int>(StatusCode::kCancelled)) {
    return Error(ErrorKind::kCancelled, "The operation was cancelled");
  }
  if (operation.status_code >= 400) return Error(ErrorKind::kIo, operation.description + ": " + operation.status);
  return operation;
}

}  // namespace

std::string progress_text(const api::Operation& operation) {
  boost::system::error_code code;
  const json::value metadata = json::parse(operation.metadata.text, code);
  if (code || !metadata.is_object()) return {};
  for (const auto& [key, value] : metadata.get_object()) {
    if (json::string_view(key).ends_with("_progress") && value.is_string()) return value.get_string().c_str();
  }
  return {};
}

Result<api::Operation> Server::wait(const api::Answer& answer, const std::string& label) {
  if (answer.response.operation.empty()) return api::Operation{.status = "Success", .status_code = 200};
  const auto started = api::decode<api::Operation>(answer.response.metadata.text);
  if (started.ok() && started->finished()) return outcome(*started);
  const std::string target = answer.response.operation;
  const std::size_t query = target.find('?');
  const std::string path = target.substr(0, query);
  api::Operation operation = TRY(get<api::Operation>(path + "/wait?timeout=1"));
  if (operation.finished()) return outcome(std::move(operation));

  Progress progress(label.empty() ? operation.description : label, this->progress());
  const InterruptWatch interrupt([this, may_cancel = operation.may_cancel, &path] {
    if (!may_cancel) {
      std::fputs("\nThis operation cannot be cancelled; press Ctrl-C again to leave it to the daemon\n", stderr);
      return;
    }
    auto other = another_client();
    if (!other.ok()) return;
    const auto cancelled = other->call({.method = "DELETE", .target = path, .body = {}, .headers = {}});
    if (!cancelled.ok()) std::fprintf(stderr, "\nCancel: %s\n", cancelled.error().message().c_str());
  });
  while (!operation.finished()) {
    const std::string text = progress_text(operation);
    progress.text(text.empty() ? operation.status : text);
    operation = TRY(get<api::Operation>(path + "/wait?timeout=1"));
  }
  return outcome(std::move(operation));
}

}  // namespace cella::cli
