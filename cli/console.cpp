#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <optional>

#include "api/exec.h"
#include "cli/attach.h"
#include "cli/commands.h"
#include "cli/detach_keys.h"
#include "cli/object.h"
#include "cli/streams.h"
#include "cli/terminal.h"

namespace cella::cli {
namespace {

struct ConsoleStreams {
  std::string operation;
  api::WebSocket control;
  api::WebSocket data;
};

Result<ConsoleStreams> open_console(Server& server, const std::string& instance) {
  const TerminalSize size = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
  const api::ConsoleRequest request{.width = size.columns, .height = size.rows, .type = "console"};
  const api::Answer answer = TRY(server.call("POST", url({"instances", instance, "console"}), api::encode(request)));
  const auto operation = TRY(api::decode<api::Operation>(answer.response.metadata.text));
  const auto metadata = TRY(api::decode<api::ExecMetadata>(operation.metadata.text));
  const std::string path = "/1.0/operations/" + operation.id;
  const auto stream = [&](const std::string& name) -> Result<api::WebSocket> {
    const auto secret = metadata.fds.find(name);
    if (secret == metadata.fds.end()) {
      return Error(ErrorKind::kInternal, "console operation without a secret for stream " + name);
    }
    return server.websocket(path + "/websocket?secret=" + api::percent_encode(secret->second));
  };
  api::WebSocket control = TRY(stream("control"));
  api::WebSocket data = TRY(stream("0"));
  return ConsoleStreams{.operation = path, .control = std::move(control), .data = std::move(data)};
}

void send_size(api::WebSocket& control) {
  const TerminalSize size = terminal_size(STDOUT_FILENO).value_or(TerminalSize{});
  const api::ControlMessage message{
      .command = "window-resize",
      .args = {{"width", std::to_string(size.columns)}, {"height", std::to_string(size.rows)}}};
  (void)control.send_text(api::encode(message));
}

Result<int> show_log(Server& server, const std::string& instance) {
  api::Client* client = TRY(server.client());
  const auto print = [](std::string_view piece) -> Result<void> {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    return kOk;
  };
  std::fputs("Console log:\n\n", stdout);
  TRY(client->download({.method = "GET", .target = url({"instances", instance, "console"}), .body = {}, .headers = {}},
                       print));
  std::fputs("\n", stdout);
  return 0;
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string name = TRY(required_name(arguments.word(0), "instance"));
  const std::string type = arguments.text("type", "console");
  if (type != "console") return invalid_value("--type", type, "containers have a text console only");
  return arguments.on("show-log") ? show_log(server, name) : attach_console(server, name);
}

}  // namespace

Result<int> attach_console(Server& server, const std::string& instance) {
  const BlockedSignals signals({SIGWINCH});
  ConsoleStreams streams = TRY(open_console(server, instance));
  std::fprintf(stderr, "To detach from the console, press: <ctrl>+a q\n");
  std::optional<RawTerminal> raw;
  if (is_terminal(STDIN_FILENO)) raw.emplace(TRY(RawTerminal::enter(STDIN_FILENO)));
  DetachKeys keys;
  const auto leave = [&streams] {
    (void)streams.control.close("Detaching from console");
    streams.data.abort();
  };
  const InputPump pump = TRY(InputPump::start(STDIN_FILENO, TRY(signals.descriptor()),
                                              {.data =
                                                   [&](std::string_view data) {
                                                     const std::string passed = keys.pass(data);
                                                     if (!passed.empty()) (void)streams.data.send_binary(passed);
                                                     if (keys.detached()) leave();
                                                     return !keys.detached();
                                                   },
                                               .end =
                                                   [&] {
                                                     // Piped input ended: what it did is still to be seen until the
                                                     // instance stops or Ctrl-C.
                                                   },
                                               .signal = [&](int) { send_size(streams.control); }}));
  copy_frames(streams.data, STDOUT_FILENO);
  raw.reset();
  std::fputs("\n", stderr);
  return 0;
}

Result<int> attach_while(Server& server, const std::string& instance,
                         const std::function<Result<void>(Server&)>& work) {
  Result<void> worked = kOk;
  std::thread worker([&] {
    Server own(server.globals());
    worked = work(own);
  });
  const Result<int> attached = attach_console(server, instance);
  worker.join();
  if (!worked.ok()) return std::move(worked).error();
  return attached;
}

Command console_command() {
  return {.name = "console",
          .usage = "<instance>",
          .summary = "Attach to the console of an instance",
          .details = "Detach with ctrl-a q. ctrl-a a sends a ctrl-a.",
          .flags = {{.name = "show-log", .help = "Print what the console showed, and return"},
                    {.letter = 't', .name = "type", .value = "type", .help = "Kind of console", .fallback = "console"}},
          .min_words = 1,
          .max_words = 1,
          .completes = {Names::kInstance},
          .run = run};
}

}  // namespace cella::cli
