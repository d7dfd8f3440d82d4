#include "cli/backup_transfer.h"

#include <fcntl.h>
#include <unistd.h>
#include <chrono>

#include "api/client.h"
#include "api/operation.h"
#include "api/time.h"
#include "base/fd.h"
#include "base/files.h"
#include "base/rollback.h"
#include "cli/object.h"
#include "cli/progress.h"

namespace cella::cli {

namespace {

// The name that the operation which made a backup gives.
Result<std::string> made_backup(const api::Operation& operation) {
  const auto found = operation.resources.find("backups");
  if (found == operation.resources.end() || found->second.empty()) {
    return Error(ErrorKind::kInternal, "backup operation that names no backup");
  }
  return last_name(found->second.front());
}

// To a file, or to standard output for "-". A file that is not whole is removed.
Result<void> download_backup(Server& server, const std::string& source, const std::string& target) {
  const bool to_stdout = target == "-";
  Rollback undo;
  Fd file;
  if (!to_stdout) {
    file = TRY(open_path(target, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    undo.add([&] { ::unlink(target.c_str()); });
  } else {
    file = TRY(open_path("/proc/self/fd/1", O_WRONLY));
  }
  Progress progress("Exporting the backup", to_stdout ? Show::kNothing : server.progress());
  api::Client* client = TRY(server.client());
  TRY(client->download(
      {.method = "GET", .target = source, .body = {}, .headers = {}},
      [&](std::string_view piece) { return write_all(file, piece); },
      [&](std::uint64_t done, std::uint64_t total) {
        progress.transferred(done, total);
        return true;
      }));
  undo.commit();
  return kOk;
}

}  // namespace

std::string backup_expiry() {
  return api::format_time(std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now() +
                                                                                 std::chrono::hours(24)));
}

Result<void> export_backup(Server& server, const std::string& backups, const std::string& request,
                           const std::string& what, const std::string& target) {
  const auto done = TRY(server.change("POST", backups, request, {}, "Backing up " + what));
  const std::string backup = backups + "/" + api::percent_encode(TRY(made_backup(done)));
  const auto downloaded = download_backup(server, backup + "/export", target);
  TRY(server.change("DELETE", backup, {}, {}, "Removing the backup from the server"));
  TRY(downloaded);
  if (target != "-") say(server, "Backup exported successfully!");
  return kOk;
}

Result<void> upload_backup(Server& server, const api::Request& request, const std::string& path,
                           const std::string& label) {
  api::Answer answer;
  {
    Progress progress(label, server.progress());
    const api::TransferProgress show = [&](std::uint64_t done, std::uint64_t total) {
      progress.transferred(done, total);
      return true;
    };
    const api::Upload upload = TRY(api::file_upload(path, show));
    api::Client* client = TRY(server.client());
    answer = TRY(client->upload(request, upload));
  }
  TRY(server.wait(answer, "Unpacking"));
  return kOk;
}

}  // namespace cella::cli
