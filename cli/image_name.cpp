#include "cli/image_name.h"

#include "cli/words.h"

namespace cella::cli {

Result<api::Image> image_named(Server& server, std::string_view word) {
  const std::string name = TRY(required_name(word, "image"));
  std::string fingerprint = name;
  auto alias = server.get<api::Alias>(url({"images", "aliases", name}));
  if (alias.ok())
    fingerprint = alias->target;
  else if (alias.error().kind() != ErrorKind::kNotFound)
    return std::move(alias).error();
  auto image = server.get<api::Image>(url({"images", fingerprint}));
  if (!image.ok() && image.error().kind() == ErrorKind::kNotFound) {
    return Error(ErrorKind::kNotFound, "Image \"" + name + "\" not found");
  }
  return image;
}

}  // namespace cella::cli
