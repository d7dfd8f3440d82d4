#include "cli/exec_options.h"

#include "base/units.h"

namespace cella::cli {
namespace {

Result<bool> wants_terminal(const Arguments& arguments, const Terminals& terminals) {
  const bool force = arguments.on("force-interactive");
  const bool refuse = arguments.on("force-noninteractive");
  const std::string mode = arguments.text("mode", "auto");
  if (force && refuse) return Error(ErrorKind::kInvalid, "You can't pass -t and -T at the same time");
  if (mode != "auto" && (force || refuse)) {
    return Error(ErrorKind::kInvalid, "You can't pass -t or -T at the same time as --mode");
  }
  if (mode != "auto" && mode != "interactive" && mode != "non-interactive") {
    return invalid_value("--mode", mode, "use auto, interactive or non-interactive");
  }
  if (force || mode == "interactive") return true;
  if (refuse || mode == "non-interactive") return false;
  return terminals.input && terminals.output && !arguments.on("disable-stdin");
}

Result<std::uint32_t> id_of(const Arguments& arguments, std::string_view flag) {
  const std::string key = "--" + std::string(flag);
  const std::string text = arguments.text(flag, "0");
  const std::uint64_t id = TRY(parse_unsigned(key, text));
  if (id >= 0xffffffffu) return invalid_value(key, text, "no such id");
  return static_cast<std::uint32_t>(id);
}

}  // namespace

Result<api::ExecRequest> exec_request(const Arguments& arguments, const Terminals& terminals) {
  api::ExecRequest request;
  request.command.assign(arguments.words.begin() + 1, arguments.words.end());
  request.wait_for_websocket = true;
  request.interactive = TRY(wants_terminal(arguments, terminals));
  request.user = TRY(id_of(arguments, "user"));
  request.group = TRY(id_of(arguments, "group"));
  request.cwd = arguments.text("cwd");
  for (const std::string& variable : arguments.all("env")) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || variable.empty()) return invalid_value("--env", variable, "write KEY=value");
    request.environment[variable.substr(0, equals)] = equals == std::string::npos ? "" : variable.substr(equals + 1);
  }
  return request;
}

}  // namespace cella::cli
