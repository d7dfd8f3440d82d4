// Which paths of the host a project's disk devices may have as their source: restricted.devices.disk.paths.
// Source of the key: LXD 5.0 doc/projects.md; it counts where `restricted` is true and not where it is empty.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "manager/config.h"

namespace cella::manager {

// The named directory that the source is in, by its text alone ("." and ".." taken out), the outermost of several.
// Empty: it is in none of them. nullopt: the project does not name any, so every path may be a source.
std::optional<std::string> allowed_parent(const Config& project, const std::string& source);

// The source opened O_PATH, walking down from allowed_parent: links count only as long as they stay beneath it.
// Errors: kDenied naming the source and the key; kNotFound and the like, as open(2).
Result<Fd> open_confined(const std::string& parent, const std::string& source);

}  // namespace cella::manager
