// `storage volume …`: what its verbs share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/object.h"

namespace cella::cli {

Command storage_volume_command();
std::vector<Command> volume_attach_commands();  // attach, attach-profile, detach, detach-profile
std::vector<Command> volume_copy_commands();    // copy, move
std::vector<Command> volume_backup_commands();  // export, import
Command volume_info_command();
Command volume_list_command();

// "[<type>/]<volume>[/<snapshot>]" as a user writes it; without a type a custom volume.
struct VolumeName {
  std::string type = "custom";
  std::string name;
  std::string snapshot;
};
// Errors: kInvalid naming the word.
Result<VolumeName> volume_name(std::string_view word);
// Of the volume, or of its snapshot when one is named.
std::string volume_target(const std::string& pool, const VolumeName& volume);

// The first word, a pool.
Result<std::string> pool_word(const Arguments& arguments);

}  // namespace cella::cli
