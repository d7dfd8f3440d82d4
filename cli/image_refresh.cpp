// image refresh: asks the origin of an image for a newer one.
#include "api/operation.h"
#include "cli/image_name.h"
#include "cli/image_verbs.h"
#include "cli/object.h"

namespace cella::cli {
namespace {

Result<int> run(Server& server, const Arguments& arguments) {
  for (const std::string& word : arguments.words) {
    const api::Image image = TRY(image_named(server, word));
    const auto done =
        TRY(server.change("POST", url({"images", image.fingerprint, "refresh"}), {}, {}, "Refreshing the image"));
    const bool refreshed = api::member_text(done.metadata.text, "refreshed") == "true";
    say(server, refreshed ? "Image refreshed successfully!" : "Image already up to date.");
  }
  return 0;
}

}  // namespace

Command image_refresh_command() {
  return {.name = "refresh",
          .usage = "<image> [<image>...]",
          .summary = "Fetch newer images from where images came from",
          .details = "The newer one takes over the aliases; the older one is deleted. Instances made of it stay.",
          .min_words = 1,
          .max_words = kAnyNumber,
          .completes = {Names::kImage},
          .run = run};
}

}  // namespace cella::cli
