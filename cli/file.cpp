// file: the files inside instances.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/editor.h"
#include "cli/file_target.h"
#include "cli/file_verbs.h"
#include "cli/words.h"

namespace cella::cli {
namespace {

Result<int> remove(Server& server, const Arguments& arguments) {
  for (const std::string& word : arguments.words) TRY(server.call("DELETE", files_url(TRY(file_target(word)))));
  return 0;
}

// Owner and mode are kept: no header says otherwise.
Result<int> edit(Server& server, const Arguments& arguments) {
  const FileTarget target = TRY(file_target(arguments.word(0)));
  std::string content;
  if (::isatty(STDIN_FILENO) == 0) {
    content = TRY(piped_input());
  } else {
    api::Client* const client = TRY(server.client());
    const auto answer = TRY(client->raw({.method = "GET", .target = files_url(target), .body = {}, .headers = {}}));
    if (answer.status != 200) TRY(server.call("GET", files_url(target)));
    if (answer.header("X-LXD-type") != "file") return Error(ErrorKind::kInvalid, target.path + " is not a file");
    content = TRY(edit_text(answer.body));
    if (content == answer.body) return 0;
  }
  FileHeaders headers;
  TRY(post_file(server, target, headers, std::move(content)));
  return 0;
}

}  // namespace

Command file_command() {
  return {.name = "file",
          .summary = "Work with files in instances",
          .children = {{.name = "delete",
                        .aliases = {"rm"},
                        .usage = "<instance>/<path>...",
                        .summary = "Delete files and empty directories",
                        .min_words = 1,
                        .max_words = kAnyNumber,
                        .run = remove},
                       {.name = "edit",
                        .usage = "<instance>/<path>",
                        .summary = "Edit a file",
                        .details = "When standard input is no terminal, the new content is read from it.",
                        .min_words = 1,
                        .max_words = 1,
                        .run = edit},
                       file_mount_command(),
                       file_pull_command(),
                       file_push_command()}};
}

}  // namespace cella::cli
