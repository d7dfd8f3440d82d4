#include "api/exec.h"

#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "cli/commands.h"
#include "cli/exec_options.h"
#include "cli/object.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace cella::cli {
namespace {

// What a shell or service manager may send us; the command inside gets it in our place.
constexpr std::initializer_list<int> kForwarded = {SIGTERM, SIGHUP,  SIGINT,  SIGQUIT, SIGABRT, SIGTSTP,
                                                   SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};

void send_control(api::WebSocket& control, int signal) {
  api::ControlMessage message;
  if (signal == SIGWINCH) {
    const TerminalSize size = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
    message = {.command = "window-resize",
               .args = {{"width", std::to_string(size.columns)}, {"height", std::to_string(size.rows)}}};
  } else {
    message = {.command = "signal", .args = {}, .signal = signal};
  }
  // The command may be over already; then there is nobody to tell.
  (void)control.send_text(api::encode(message));
}

Result<api::WebSocket> open_stream(Server& server, const std::string& operation, const api::ExecMetadata& metadata,
                                   const std::string& name) {
  const auto secret = metadata.fds.find(name);
  if (secret == metadata.fds.end()) {
    return Error(ErrorKind::kInternal, "exec operation without a secret for stream " + name);
  }
  return server.websocket(operation + "/websocket?secret=" + api::percent_encode(secret->second));
}

// What the finished operation says the command ended with.
Result<int> exit_status(const api::Operation& operation) {
  const auto metadata =
      api::decode<api::ExecMetadata>(operation.metadata.text.empty() ? "{}" : operation.metadata.text);
  const int status = metadata.ok() ? static_cast<int>(metadata->return_code) : -1;
  if (operation.err.empty()) return status < 0 ? 1 : status;
  if (status <= 0) return Error(ErrorKind::kIo, operation.err);
  std::fprintf(stderr, "Error: %s\n", operation.err.c_str());
  return status;
}

Result<int> converse(Server& server, const api::ExecRequest& request, const std::string& operation,
                     const api::ExecMetadata& metadata, bool read_input) {
  const BlockedSignals signals(kForwarded);
  api::WebSocket control = TRY(open_stream(server, operation, metadata, "control"));
  api::WebSocket input = TRY(open_stream(server, operation, metadata, "0"));
  std::optional<api::WebSocket> output;
  std::optional<api::WebSocket> errors;
  if (!request.interactive) {
    output.emplace(TRY(open_stream(server, operation, metadata, "1")));
    errors.emplace(TRY(open_stream(server, operation, metadata, "2")));
  }
  std::optional<RawTerminal> raw;
  if (request.interactive && is_terminal(STDIN_FILENO)) raw.emplace(TRY(RawTerminal::enter(STDIN_FILENO)));

  if (!read_input) (void)input.send_text("");
  const InputPump pump =
      TRY(InputPump::start(read_input ? STDIN_FILENO : -1, TRY(signals.descriptor()),
                           {.data = [&](std::string_view data) { return input.send_binary(data).ok(); },
                            .end = [&] { (void)input.send_text(""); },
                            .signal =
                                [&](int signal) {
                                  if (signal != SIGWINCH || request.interactive) send_control(control, signal);
                                }}));
  std::thread error_copy;
  if (errors) error_copy = std::thread([&] { copy_frames(*errors, STDERR_FILENO); });
  copy_frames(output ? *output : input, STDOUT_FILENO);
  if (error_copy.joinable()) error_copy.join();
  // LXD ends an interactive session only when the client has closed its side too.
  (void)input.close();

  const auto finished = server.get<api::Operation>(operation + "/wait?timeout=-1");
  (void)control.close();
  if (!finished.ok()) return finished.error();
  return exit_status(*finished);
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "instance"));
  const Terminals terminals{.input = is_terminal(STDIN_FILENO), .output = is_terminal(STDOUT_FILENO)};
  api::ExecRequest request = TRY(exec_request(arguments, terminals));
  if (request.interactive) {
    const TerminalSize size = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
    request.width = size.columns;
    request.height = size.rows;
  }
  if (const char* term = std::getenv("TERM"); term != nullptr) request.environment.emplace("TERM", term);
  const api::Answer answer = TRY(server.call("POST", url({"instances", name, "exec"}), api::encode(request)));
  const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
  const auto metadata = TRY(api::decode<api::ExecMetadata>(operation.metadata.text));
  return converse(server, request, "/1.0/operations/" + operation.id, metadata, !arguments.on("disable-stdin"));
}

}  // namespace

Command exec_command() {
  return {
      .name = "exec",
      .usage = "<instance> [flags] [--] <command line>",
      .summary = "Execute commands in instances",
      .details =
          "The command runs as it stands: there is no shell that would expand variables or redirect files. Where\n"
          "one is needed, name it: cella exec c1 -- sh -c 'cd /tmp && pwd'\n"
          "\n"
          "When standard input and output are both terminals the command gets a terminal of its own, else pipes,\n"
          "with standard error apart. The exit status is the command's.",
      .flags = {{.name = "cwd", .value = "directory", .help = "Directory to run in"},
                {.letter = 'n', .name = "disable-stdin", .help = "Give it /dev/null to read"},
                {.name = "env", .value = "key=value", .help = "Environment variable (repeatable)"},
                {.letter = 't', .name = "force-interactive", .help = "Give it a terminal in any case"},
                {.letter = 'T', .name = "force-noninteractive", .help = "Give it pipes in any case"},
                {.name = "group", .value = "id", .help = "Group id to run as", .fallback = "0"},
                {.name = "mode", .value = "mode", .help = "auto, interactive or non-interactive", .fallback = "auto"},
                {.name = "user", .value = "id", .help = "User id to run as", .fallback = "0"}},
      .min_words = 2,
      .max_words = kAnyNumber,
      .completes = {Names::kInstance, Names::kNothing},
      .run = run};
}

}  // namespace cella::cli
