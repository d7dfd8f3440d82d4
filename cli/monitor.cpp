#include <cstdio>
#include <iterator>
#include <optional>

#include "api/event.h"
#include "api/response.h"
#include "cli/commands.h"
#include "cli/object.h"
#include "cli/quantity.h"

namespace cella::cli {
namespace {

enum class EventFormat { kYaml, kJson, kPretty };

Result<EventFormat> format_of(const Arguments& arguments) {
  const std::string text = arguments.text("format", arguments.on("pretty") ? "pretty" : "yaml");
  if (arguments.on("pretty") && text != "pretty") return invalid_value("--format", text, "contradicts --pretty");
  if (text == "yaml") return EventFormat::kYaml;
  if (text == "json") return EventFormat::kJson;
  if (text == "pretty") return EventFormat::kPretty;
  return invalid_value("--format", text, "use json, pretty or yaml");
}

// The more severe, the smaller.
Result<int> severity(std::string_view level) {
  static constexpr std::string_view kLevels[] = {"panic", "fatal", "error", "warning", "info", "debug", "trace"};
  const std::string_view wanted = level == "warn"   ? "warning"
                                  : level == "dbug" ? "debug"
                                  : level == "eror" ? "error"
                                                    : level;
  for (int i = 0; i < static_cast<int>(std::size(kLevels)); ++i) {
    if (kLevels[i] == wanted) return i;
  }
  return invalid_value("--loglevel", level, "use error, warning, info, debug or trace");
}

std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\n\t") == std::string::npos;
  return plain ? value : api::quote(value);
}

std::string line(const api::Event& event, std::string_view level, const std::string& message,
                 const api::ConfigMap& context) {
  std::string out =
      "time=\"" + event.timestamp.substr(0, 19) + "Z\" level=" + std::string(level) + " msg=" + api::quote(message);
  for (const auto& [key, value] : context) out.append(" ").append(key).append("=").append(quoted(value));
  return out;
}

std::string operation_line(const api::Event& event) {
  const auto operation = api::decode<api::Operation>(event.metadata.text);
  if (!operation.ok()) return line(event, "info", event.metadata.text, {});
  const std::string message =
      "ID: " + operation->id + ", Class: " + operation->op_class + ", Description: " + operation->description;
  return line(event, "info", message,
              {{"Status", operation->status},
               {"Err", operation->err},
               {"MayCancel", operation->may_cancel ? "true" : "false"},
               {"Metadata", operation->metadata.text.empty() ? "{}" : operation->metadata.text}});
}

std::string lifecycle_line(const api::Event& event) {
  const auto lifecycle = api::decode<api::LifecycleEvent>(event.metadata.text);
  if (!lifecycle.ok()) return line(event, "info", event.metadata.text, {});
  std::string message = "Action: " + lifecycle->action + ", Source: " + lifecycle->source;
  if (lifecycle->requestor) {
    message += ", Requestor: " + lifecycle->requestor->protocol + "/" + lifecycle->requestor->username + " (" +
               lifecycle->requestor->address + ")";
  }
  return line(event, "info", message, {});
}

// nullopt: a log message less severe than asked for.
std::optional<std::string> pretty(const api::Event& event, int max_severity) {
  if (event.type == "operation") return operation_line(event);
  if (event.type == "lifecycle") return lifecycle_line(event);
  const auto logging = api::decode<api::LoggingEvent>(event.metadata.text);
  if (!logging.ok()) return line(event, "info", event.metadata.text, {});
  const auto own = severity(logging->level);
  if (own.ok() && *own > max_severity) return std::nullopt;
  return line(event, logging->level, logging->message, logging->context);
}

Result<void> print(const std::string& frame, EventFormat format, int max_severity) {
  switch (format) {
    case EventFormat::kJson:
      std::printf("%s\n", frame.c_str());
      break;
    case EventFormat::kYaml:
      std::printf("%s\n\n", TRY(yaml_of_json(frame, YamlStyle::kMap)).c_str());
      break;
    case EventFormat::kPretty:
      if (const auto text = pretty(TRY(api::decode<api::Event>(frame)), max_severity))
        std::printf("%s\n", text->c_str());
      break;
  }
  std::fflush(stdout);
  return kOk;
}

Result<int> run(Server& server, const Arguments& arguments) {
  TRY(local_name(arguments.word(0)));
  const EventFormat format = TRY(format_of(arguments));
  if (arguments.has("loglevel") && format != EventFormat::kPretty) {
    return Error(ErrorKind::kInvalid, "Log level filtering can only be used with pretty formatting");
  }
  const int max_severity = TRY(severity(arguments.text("loglevel", "trace")));
  std::string target = "/1.0/events";
  const std::string types = join_names(arguments.all("type"));
  if (!types.empty()) target += "?type=" + types;
  if (arguments.on("all-projects")) target += std::string(types.empty() ? "?" : "&") + "all-projects=true";
  api::WebSocket events = TRY(server.websocket(target));
  while (true) {
    const api::Frame frame = TRY(events.receive());
    if (frame.kind == api::FrameKind::kClosed) return Error(ErrorKind::kIo, "The daemon closed the connection");
    TRY(print(frame.data, format, max_severity));
  }
}

}  // namespace

Command monitor_command() {
  return {.name = "monitor",
          .usage = "[<remote>:]",
          .summary = "Print events as they happen",
          .examples =
              "cella monitor --type=lifecycle\n"
              "cella monitor --pretty --type=logging --loglevel=info",
          .flags =
              {{.name = "all-projects", .help = "Events of every project"},
               {.letter = 'f', .name = "format", .value = "format", .help = "json, pretty or yaml", .fallback = "yaml"},
               {.name = "loglevel", .value = "level", .help = "Least severe log messages to show (with --pretty)"},
               {.name = "pretty", .help = "The same as --format=pretty"},
               {.name = "type", .value = "type", .help = "operation, lifecycle or logging (repeatable)"}},
          .max_words = 1,
          .run = run};
}

}  // namespace cella::cli
