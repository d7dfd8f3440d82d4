#include <cctype>
#include <cstdio>

#include "api/server.h"
#include "cli/commands.h"
#include "cli/info_instance.h"
#include "cli/info_resources.h"
#include "cli/info_trace.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

// The daemon's own log of the instance; "lxc.log" is the name LXD's API gives it.
Result<void> print_log(Server& server, const std::string& name) {
  api::Client* client = TRY(server.client());
  std::fputs("\nLog:\n\n", stdout);
  const auto print = [](std::string_view piece) -> Result<void> {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    return kOk;
  };
  const std::string target = url({"instances", name, "logs", "lxc.log"});
  const auto log = client->download({.method = "GET", .target = target, .body = {}, .headers = {}}, print);
  // An instance that never had anything to say has no log yet.
  if (!log.ok() && log.error().kind() != ErrorKind::kNotFound) return log.error();
  std::fputs("\n", stdout);
  return kOk;
}

Result<int> instance(Server& server, const std::string& name, const Arguments& arguments) {
  if (arguments.on("resources")) return Error(ErrorKind::kInvalid, "--resources can't be used with instances");
  const std::string target = url({"instances", name});
  if (arguments.on("trace")) {
    std::fputs(TRY(launch_trace(server, name)).c_str(), stdout);
    return 0;
  }
  std::fputs(instance_info(TRY(server.get<api::InstanceFull>(target + "?recursion=1"))).c_str(), stdout);
  if (arguments.on("show-log")) TRY(print_log(server, name));
  return 0;
}

// The wire names a storage driver's members in upper case; LXD's client shows them in lower case.
Result<std::string> server_yaml(std::string_view metadata) {
  std::string json = api::encode(TRY(api::decode<api::Server>(metadata)));
  std::size_t at = json.find("\"storage_supported_drivers\"");
  while (at != std::string::npos && (at = json.find_first_of("NVR", at)) != std::string::npos) {
    const bool member = json.compare(at, 6, "Name\":") == 0 || json.compare(at, 9, "Version\":") == 0 ||
                        json.compare(at, 8, "Remote\":") == 0;
    if (member) json[at] = static_cast<char>(std::tolower(static_cast<unsigned char>(json[at])));
    ++at;
  }
  return yaml_of_json(json);
}

Result<int> run(Server& server, const Arguments& arguments) {
  const std::string name = TRY(local_name(arguments.word(0)));
  if (!name.empty()) return instance(server, name, arguments);
  if (arguments.on("show-log") || arguments.on("trace")) {
    return Error(ErrorKind::kInvalid, "--show-log and --trace need an instance");
  }
  if (arguments.on("resources")) {
    const api::Answer answer = TRY(server.call("GET", "/1.0/resources"));
    std::fputs(TRY(resources_text(answer.response.metadata.text)).c_str(), stdout);
    return 0;
  }
  const api::Answer answer = TRY(server.call("GET", "/1.0"));
  std::fputs(TRY(server_yaml(answer.response.metadata.text)).c_str(), stdout);
  return 0;
}

}  // namespace

Command info_command() {
  return {
      .name = "info",
      .usage = "[<instance>]",
      .summary = "Show an instance, or the server when none is named",
      .examples =
          "cella info c1\ncella info c1 --trace\n    What each step of its last start took.\ncella info --resources",
      .flags = {{.name = "resources", .help = "The machine's processors, memory and disks"},
                {.name = "show-log", .help = "The instance's log as well"},
                {.name = "trace", .help = "How long each step of the instance's last start took"}},
      .max_words = 1,
      .completes = {Names::kInstance},
      .run = run};
}

}  // namespace cella::cli
