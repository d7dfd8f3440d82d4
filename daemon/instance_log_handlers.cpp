// /1.0/instances/NAME/logs, and the console's log at …/console.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "api/codec.h"
#include "base/files.h"
#include "daemon/collection.h"
#include "daemon/handlers.h"
#include "manager/instance_logs.h"

namespace cella::daemon {
namespace {

constexpr std::size_t kMaxLog = 64u << 20;

Result<void> check_file_name(const std::string& file) {
  if (file.empty() || file == "." || file == ".." || file.find('/') != std::string::npos ||
      file.find('\0') != std::string::npos) {
    return invalid_value("log", file, "is no file name");
  }
  return kOk;
}

class InstanceLogHandlers {
 public:
  explicit InstanceLogHandlers(manager::Server& server) : server_(server) {}

  Result<Reply> list(const Request& request) {
    const std::string name = TRY(server_.instances().find(request.parameter("name"))).key();
    std::vector<std::string> files;
    if (Result<DirFd> directory = server_.logs().open(name); directory.ok()) {
      files = TRY(list_names(*directory));
    } else if (directory.error().kind() != ErrorKind::kNotFound) {
      return std::move(directory).error();
    }
    std::sort(files.begin(), files.end());
    std::vector<CollectionEntry> entries;
    for (const std::string& file : files) {
      const std::string url = manager::instance_url(name, "/logs/" + api::percent_encode(file));
      entries.push_back({url, api::quote(url)});
    }
    return collection_reply(request, std::move(entries));
  }

  Result<Reply> get(const Request& request) {
    const DirFd directory = TRY(directory_of(request));
    const std::string& file = request.parameter("file");
    const Fd opened = TRY(open_at(directory, file, O_RDONLY | O_NOFOLLOW));
    Reply reply = octets_reply(TRY_CONTEXT(file, read_to_end(opened, kMaxLog)));
    reply.headers.emplace_back("Content-Disposition", "inline;filename=" + api::percent_encode(file));
    return reply;
  }

  Result<Reply> remove(const Request& request) {
    const DirFd directory = TRY(directory_of(request));
    const std::string& file = request.parameter("file");
    if (file == manager::InstanceLogs::kLaunch || file == manager::InstanceLogs::kConsole) {
      return invalid_value("log", file, "may not be deleted");
    }
    if (unlinkat(directory.get(), file.c_str(), 0) != 0) return errno_error(errno, "unlink " + file);
    return empty_reply();
  }

  Result<Reply> console(const Request& request) {
    return octets_reply(TRY(server_.instances().console_log(request.parameter("name"))));
  }

  Result<Reply> clear_console(const Request& request) {
    TRY(server_.instances().clear_console_log(request.parameter("name")));
    return empty_reply();
  }

 private:
  Result<DirFd> directory_of(const Request& request) {
    const std::string name = TRY(server_.instances().find(request.parameter("name"))).key();
    TRY(check_file_name(request.parameter("file")));
    return server_.logs().open(name);
  }

  manager::Server& server_;
};

}  // namespace

void add_instance_log_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<InstanceLogHandlers>(server);
  const std::string one = "/1.0/instances/{name}";
  router.add("GET", one + "/logs", [handlers](const Request& request) { return handlers->list(request); });
  router.add("GET", one + "/logs/{file}", [handlers](const Request& request) { return handlers->get(request); });
  router.add("DELETE", one + "/logs/{file}", [handlers](const Request& request) { return handlers->remove(request); });
  router.add("GET", one + "/console", [handlers](const Request& request) { return handlers->console(request); });
  router.add("DELETE", one + "/console",
             [handlers](const Request& request) { return handlers->clear_console(request); });
}

}  // namespace cella::daemon
