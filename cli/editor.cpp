#include "cli/editor.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/fd.h"
#include "base/files.h"
#include "base/spawn.h"
#include "cli/terminal.h"

extern char** environ;

namespace cella::cli {
namespace {

Result<std::string> editor_command() {
  for (const char* variable : {"VISUAL", "EDITOR"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') return std::string(value);
  }
  for (const char* name : {"editor", "vim", "vi", "nano", "emacs"}) {
    if (const auto found = find_program(name); found.ok()) return *found;
  }
  return Error(ErrorKind::kNotFound, "No text editor found, please set the EDITOR environment variable");
}

// The editor is the user's own shell text, and needs the terminal: base/spawn.h is for fixed arguments without one.
Result<void> run_editor(const std::string& command, const std::string& file) {
  const std::string script = "exec " + command + " \"$1\"";
  const char* arguments[] = {"sh", "-c", script.c_str(), "sh", file.c_str(), nullptr};
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, "sh", nullptr, nullptr, const_cast<char* const*>(arguments), environ);
  if (failed != 0) return errno_error(failed, "start " + command);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return errno_error(errno, "wait for " + command);
  }
  if (status != 0) return Error(ErrorKind::kIo, command + " failed");
  return kOk;
}

class TemporaryFile {
 public:
  static Result<TemporaryFile> create(const std::string& text) {
    std::string path = "/tmp/cella_editor_XXXXXX.yaml";
    Fd fd(mkostemps(path.data(), 5, O_CLOEXEC));
    if (!fd) return errno_error(errno, "create " + path);
    TemporaryFile file(path);
    TRY(write_all(fd, text));
    return file;
  }
  TemporaryFile(TemporaryFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<void> apply_input(const std::function<Result<void>(const std::string&)>& apply) {
  Fd input(STDIN_FILENO);
  const Result<std::string> text = read_to_end(input);
  input.release();  // standard input stays open
  if (!text.ok()) return text.error();
  return apply(*text);
}

// Waits for Enter. False at the end of input.
bool wants_another_try(const Error& error) {
  std::fprintf(stderr, "Error: %s\nPress enter to open the editor again or ctrl+c to abort change\n",
               error.message().c_str());
  int c = std::getchar();
  while (c != '\n' && c != EOF) c = std::getchar();
  return c != EOF;
}

}  // namespace

Result<std::string> edit_text(const std::string& text) {
  const std::string command = TRY(editor_command());
  const TemporaryFile file = TRY(TemporaryFile::create(text));
  TRY(run_editor(command, file.path()));
  return read_file(file.path());
}

Result<void> edit_document(const std::string& comment, const std::string& document,
                           const std::function<Result<void>(const std::string&)>& apply) {
  if (!is_terminal(STDIN_FILENO)) return apply_input(apply);
  std::string text = comment + "\n" + document;
  const std::string before = text;
  while (true) {
    text = TRY(edit_text(text));
    if (text == before) return kOk;
    Result<void> applied = apply(text);
    if (applied.ok()) return kOk;
    if (!wants_another_try(applied.error())) return applied;
  }
}

}  // namespace cella::cli
