// Images and aliases in the database.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manager/image.h"

namespace cella::manager {

class Database;

// Of all projects, with their aliases.
Result<std::vector<Image>> read_images(Database& database);
// The image with its properties, profiles and aliases. Errors: kExists.
Result<void> insert_image(Database& database, const Image& image);
// What a client may change, and whether it is cached.
Result<void> update_image(Database& database, const Image& image);
Result<void> touch_image(Database& database, const Image& image);
// Its aliases go with it.
Result<void> delete_image(Database& database, const std::string& project, const std::string& fingerprint);

// Errors: kExists.
Result<void> insert_alias(Database& database, const std::string& project, const Alias& alias);
Result<void> update_alias(Database& database, const std::string& project, const Alias& alias);
Result<void> rename_alias(Database& database, const std::string& project, const std::string& from,
                          const std::string& to);
Result<void> delete_alias(Database& database, const std::string& project, const std::string& name);

}  // namespace cella::manager
