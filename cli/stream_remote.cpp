#include "cli/stream_remote.h"

#include <sys/utsname.h>

#include "api/codec.h"

namespace cella::cli {
namespace {

constexpr std::string_view kImages = "/1.0/images";
constexpr std::string_view kAliases = "/1.0/images/aliases";

}  // namespace

std::string own_architecture() {
  utsname name{};
  return ::uname(&name) == 0 ? name.machine : "";
}

Result<StreamRemote> StreamRemote::open(const std::string& server, const std::string& certificate) {
  return StreamRemote(TRY(api::fetch_stream_images(server, certificate)));
}

std::string StreamRemote::all_aliases() const {
  std::vector<api::Alias> aliases;
  for (const api::StreamImage& found : images_) {
    for (const api::ImageAlias& alias : found.image.aliases)
      aliases.push_back({"", found.image.fingerprint, alias.name, found.image.type});
  }
  return api::encode_list(aliases);
}

Result<std::string> StreamRemote::metadata_of(const std::string& path) const {
  if (path == kImages) {
    std::vector<api::Image> images;
    for (const api::StreamImage& found : images_) images.push_back(found.image);
    return api::encode_list(images);
  }
  if (path == kAliases) return all_aliases();
  if (path.starts_with(std::string(kAliases) + "/")) {
    const std::string name = TRY(api::percent_decode(path.substr(kAliases.size() + 1)));
    const auto found = TRY(api::find_stream_image(images_, name, own_architecture()));
    return api::encode(api::Alias{"", found.image.fingerprint, name, found.image.type});
  }
  const std::string name = TRY(api::percent_decode(path.substr(kImages.size() + 1)));
  return api::encode(TRY(api::find_stream_image(images_, name, own_architecture())).image);
}

Result<api::Answer> StreamRemote::answer(const std::string& method, const std::string& target) const {
  const std::string path = target.substr(0, target.find('?'));
  const bool known = path == kImages || path.starts_with(std::string(kImages) + "/");
  if (method != "GET" || !known) {
    return Error(ErrorKind::kUnsupported, "The remote is an image server: its images can be listed, copied and launched");
  }
  api::Answer answer;
  answer.http_status = 200;
  answer.response.metadata.text = TRY(metadata_of(path));
  return answer;
}

}  // namespace cella::cli
