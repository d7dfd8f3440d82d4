#include "manager/seccomp_programs.h"

namespace cella::manager {
namespace {

// A program is up to 32 KiB; few choices are in use at a time.
constexpr std::size_t kMostKept = 64;

}  // namespace

Result<SeccompProgram> SeccompPrograms::get(const runtime::SeccompChoices& choices) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = programs_.find(choices); found != programs_.end()) return found->second;
  }
  auto program = std::make_shared<const std::vector<sock_filter>>(TRY(runtime::compile_seccomp(choices)));
  const std::lock_guard lock(mutex_);
  if (programs_.size() >= kMostKept) programs_.clear();
  programs_[choices] = program;
  return SeccompProgram(std::move(program));
}

}  // namespace cella::manager
