// start, stop, restart, pause: one action on several instances.
#include <cstdio>
#include <span>
#include <thread>

#include "api/instance.h"
#include "base/units.h"
#include "cli/attach.h"
#include "cli/commands.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

struct Action {
  std::string_view verb;    // as typed
  std::string_view action;  // on the wire
};

constexpr std::int64_t kWithoutEnd = -1;
constexpr std::int64_t kLongestTimeout = 1'000'000;  // eleven days

// A frozen instance is thawed by `start`; nothing else needs to know the present status.
Result<std::string> action_for(Server& server, const Action& action, const std::string& name) {
  if (action.action != "start") return std::string(action.action);
  const auto instance = TRY(server.get<api::Instance>(url({"instances", name})));
  return std::string(instance.status_code == static_cast<int>(StatusCode::kFrozen) ? "unfreeze" : "start");
}

Result<std::int64_t> timeout_of(const Arguments& arguments) {
  const std::string text = arguments.text("timeout", "-1");
  const auto seconds = parse_signed("--timeout", text);
  if (!seconds.ok() || *seconds < kWithoutEnd || *seconds > kLongestTimeout) {
    return invalid_value("--timeout", text, "must be a number of seconds, or -1 for without end");
  }
  return *seconds;
}

Result<void> act(Server& server, const Action& action, const std::string& name, const Arguments& arguments) {
  const api::InstanceStatePut put{.action = TRY(action_for(server, action, name)),
                                  .timeout = TRY(timeout_of(arguments)),
                                  .force = arguments.on("force"),
                                  .stateful = arguments.on("stateful")};
  auto done = server.change("PUT", url({"instances", name, "state"}), api::encode(put), {},
                            std::string(action.verb) + " " + name);
  if (done.ok()) return kOk;
  Error error = std::move(done).error();
  if (error.kind() == ErrorKind::kNotFound || (action.action != "start" && action.action != "restart")) return error;
  return Error(error.kind(), error.message() + "\nTry `cella info --show-log " + name + "` for more info");
}

// The names of all instances the action would change.
Result<std::vector<std::string>> applicable(Server& server, const Action& action) {
  std::vector<std::string> names;
  for (const auto& instance : TRY(server.list<api::Instance>("/1.0/instances?recursion=1"))) {
    const auto status = static_cast<StatusCode>(instance.status_code);
    const bool running = status == StatusCode::kRunning;
    const bool frozen = status == StatusCode::kFrozen;
    const bool applies = action.action == "start" ? !running : action.action == "freeze" ? running : running || frozen;
    if (applies) names.push_back(instance.name);
  }
  return names;
}

// One after the other on one connection each, several at a time: the daemon works on different instances in parallel.
Result<int> act_on_many(const Server& server, const Action& action, const std::vector<std::string>& names,
                        const Arguments& arguments) {
  constexpr std::size_t kAtOnce = 8;
  std::vector<Result<void>> results(names.size(), Result<void>(kOk));
  Globals quiet = server.globals();
  quiet.quiet = true;
  for (std::size_t start = 0; start < names.size(); start += kAtOnce) {
    std::vector<std::thread> workers;
    for (std::size_t i = start; i < std::min(names.size(), start + kAtOnce); ++i) {
      workers.emplace_back([&, i] {
        Server own(quiet);
        results[i] = act(own, action, names[i], arguments);
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  bool failed = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (results[i].ok()) continue;
    failed = true;
    std::fprintf(stderr, "error: %s: %s\n", names[i].c_str(), results[i].error().message().c_str());
  }
  if (!failed) return 0;
  return Error(ErrorKind::kIo, "Some instances failed to " + std::string(action.verb));
}

Result<int> run(Server& server, const Action& action, const Arguments& arguments) {
  std::vector<std::string> names;
  if (arguments.on("all")) {
    for (const std::string& word : arguments.words) {
      if (!TRY(local_name(word)).empty()) {
        return Error(ErrorKind::kInvalid, "Both --all and instance name given");
      }
    }
    names = TRY(applicable(server, action));
  } else {
    for (const std::string& word : arguments.words) names.push_back(TRY(required_name(word, "instance")));
  }
  TRY(timeout_of(arguments));
  if (arguments.has("console") && names.size() != 1) {
    return Error(ErrorKind::kInvalid, "--console takes exactly one instance");
  }
  if (arguments.has("console") && action.action == "stop")
    return attach_while(server, names[0], [&](Server& other) { return act(other, action, names[0], arguments); });
  if (names.size() == 1) {
    TRY(act(server, action, names[0], arguments));
  } else {
    TRY(act_on_many(server, action, names, arguments));
  }
  return arguments.has("console") ? attach_console(server, names[0]) : Result<int>(0);
}

Flag all_flag() { return {.name = "all", .help = "Act on every instance"}; }
Flag console_flag() {
  return {.name = "console", .value = "console", .help = "Attach to the console at once", .bare = "console"};
}
Flag force_flag(std::string_view help) { return {.letter = 'f', .name = "force", .help = help}; }
Flag timeout_flag() {
  return {.name = "timeout",
          .value = "seconds",
          .help = "How long to wait for the instance before giving up",
          .fallback = "-1"};
}

Command action_command(const Action& action, std::string_view summary, std::vector<Flag> flags) {
  return {.name = action.verb,
          .usage = "<instance> [<instance>...]",
          .summary = summary,
          .flags = std::move(flags),
          .min_words = 1,
          .max_words = kAnyNumber,
          .waives_words = "all",
          .completes = {Names::kInstance},
          .run = [action](Server& server, const Arguments& arguments) { return run(server, action, arguments); }};
}

}  // namespace

Command start_command() {
  return action_command({.verb = "start", .action = "start"}, "Start instances; a paused one goes on",
                        {all_flag(), console_flag(), {.name = "stateless", .help = "Ignore a stored state"}});
}

Command stop_command() {
  return action_command(
      {.verb = "stop", .action = "stop"}, "Stop instances",
      {all_flag(),
       console_flag(),
       force_flag("Kill the instance instead of asking it to shut down"),
       {.name = "stateful", .help = "Keep the memory (containers cannot)"},
       timeout_flag()});
}

Command restart_command() {
  return action_command(
      {.verb = "restart", .action = "restart"}, "Restart instances",
      {all_flag(), console_flag(), force_flag("Kill the instance instead of asking it to shut down"), timeout_flag()});
}

Command pause_command() {
  Command command = action_command({.verb = "pause", .action = "freeze"}, "Freeze instances",
                                   {all_flag(), force_flag("Accepted and without meaning"), timeout_flag()});
  command.details = "Every process stands still until \"cella start\".";
  command.aliases = {"freeze"};
  return command;
}

}  // namespace cella::cli
