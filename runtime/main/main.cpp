// cella-runtime: the lean executable that makes containers.
#include <unistd.h>
#include <span>
#include <string>
#include <vector>

#include "runtime/keeper_main.h"
#include "runtime/proxy_worker.h"
#include "runtime/run.h"

namespace {

constexpr std::string_view kUsage =
    "Usage: cella-runtime run --rootfs DIR [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "       cella-runtime run --help\n";

int usage(int stream, int status) {
  [[maybe_unused]] const ssize_t written = ::write(stream, kUsage.data(), kUsage.size());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return usage(STDERR_FILENO, cella::runtime::kRunFailed);
  const std::span<const std::string> rest = std::span(arguments).subspan(1);
  if (arguments[0] == "keeper") return cella::runtime::keeper_main(argc, argv);
  if (arguments[0] == "proxy") return cella::runtime::proxy_main(argc, argv);
  if (arguments[0] == "run") return cella::runtime::run_command(rest);
  if (arguments[0] == "--help" || arguments[0] == "help") return usage(STDOUT_FILENO, 0);
  return usage(STDERR_FILENO, cella::runtime::kRunFailed);
}
