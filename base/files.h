// Whole-file and directory work relative to a directory descriptor. Names here are ours, never a container's:
// paths a container controls go through base/rooted.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace cella {

// Reads a file to its end. max_bytes: refuse (kNoSpace) anything longer.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 16u << 20);
Result<std::string> read_file_at(const Fd& dir, const std::string& name, std::size_t max_bytes = 16u << 20);

// Reads an open descriptor from its present offset to end of file.
Result<std::string> read_to_end(const Fd& fd, std::size_t max_bytes = 16u << 20);

// Writes all of data, resuming short writes and EINTR.
Result<void> write_all(const Fd& fd, std::string_view data);

// Writes one kernel attribute (cgroup, sysctl, proc) with a single write(2). Errors carry "write VALUE to NAME".
Result<void> write_kernel_file_at(const Fd& dir, const std::string& name, std::string_view value);
Result<void> write_kernel_file(const std::string& path, std::string_view value);

// Replaces a file durably: temporary name, fsync, rename, fsync of the directory. mode: permission bits.
Result<void> replace_file_at(const Fd& dir, const std::string& name, std::string_view data, unsigned mode);

// mkdir -p with the given mode for every directory it makes. Existing directories keep their mode.
Result<void> make_dirs(const std::string& path, unsigned mode);
// mkdirat(2). An existing directory is kExists.
Result<void> make_dir_at(const Fd& dir, const std::string& name, unsigned mode);

// Removes a tree below dir without following a symbolic link or crossing a mount. A missing name is success.
Result<void> remove_tree_at(const Fd& dir, const std::string& name);

// Names in a directory without "." and "..", unsorted.
Result<std::vector<std::string>> list_names(const Fd& dir);

bool exists_at(const Fd& dir, const std::string& name);
bool path_exists(const std::string& path);

// fsync(2) of a directory or file, so that a name created in it survives a power cut.
Result<void> sync_fd(const Fd& fd, std::string_view object);

}  // namespace cella
