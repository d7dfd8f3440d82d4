#include "api/simplestreams.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "api/web.h"

namespace cella::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxImages = 100'000;
constexpr std::size_t kMaxProductFiles = 64;

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code code;
  json::parse_options options;
  options.max_depth = 16;
  json::value value = json::parse({text.data(), text.size()}, code, {}, options);
  if (code) return Error(ErrorKind::kInvalid, "image list: " + code.message());
  if (!value.is_object()) return Error(ErrorKind::kInvalid, "image list: must be an object");
  return std::move(value.get_object());
}

const json::object* object_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value == nullptr ? nullptr : value->if_object();
}

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  return value == nullptr || !value->is_string() ? std::string() : std::string(value->get_string().c_str());
}

std::uint64_t number_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains({key.data(), key.size()});
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return 0;
  return static_cast<std::uint64_t>(value->get_int64());
}

bool is_digest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Debian's and Ubuntu's names of architectures, as the kernel says them.
std::string kernel_architecture(const std::string& name) {
  static const std::map<std::string, std::string> names{{"amd64", "x86_64"},    {"arm64", "aarch64"},  {"i386", "i686"},
                                                        {"armhf", "armv7l"},    {"armel", "armv6l"},   {"powerpc", "ppc"},
                                                        {"ppc64el", "ppc64le"}, {"riscv64", "riscv64"}};
  const auto found = names.find(name);
  return found == names.end() ? name : found->second;
}

// "20240131_07:42" → RFC 3339; empty when it does not begin with a day.
std::string time_of_serial(const std::string& serial) {
  if (serial.size() < 8 || serial.find_first_not_of("0123456789") < 8) return {};
  return serial.substr(0, 4) + "-" + serial.substr(4, 2) + "-" + serial.substr(6, 2) + "T00:00:00Z";
}

StreamFile file_of(const json::object& item) {
  return {text_in(item, "path"), number_in(item, "size"), text_in(item, "sha256")};
}

struct Version {
  const json::object& product;
  const json::object& version;
  std::string serial;
};

Image described(const Version& of, const std::string& type) {
  const json::object& product = of.product;
  Image image;
  image.is_public = true;
  image.type = "container";
  image.architecture = kernel_architecture(text_in(product, "arch"));
  image.created_at = image.uploaded_at = time_of_serial(of.serial);
  const std::string end = text_in(product, "support_eol");
  if (end.size() == 10) image.expires_at = end + "T00:00:00Z";
  const std::string title = text_in(product, "release_title");
  const std::string label = text_in(of.version, "label");
  std::string description = text_in(product, "os") + " " + (title.empty() ? text_in(product, "release") : title) + " " +
                            text_in(product, "arch");
  if (!label.empty()) description += " (" + label + ")";
  image.properties = {{"architecture", text_in(product, "arch")}, {"description", description + " (" + of.serial + ")"},
                      {"os", text_in(product, "os")},             {"release", text_in(product, "release")},
                      {"serial", of.serial},                      {"type", type}};
  for (const char* key : {"version", "variant"}) {
    if (const std::string value = text_in(product, key); !value.empty()) image.properties[key] = value;
  }
  if (!label.empty()) image.properties["label"] = label;
  for (const char* key : {"lxd_requirements", "requirements"}) {
    const json::object* requirements = object_in(product, key);
    if (requirements == nullptr) continue;
    for (const auto& entry : *requirements) {
      if (entry.value().is_string())
        image.properties["requirements." + std::string(entry.key())] = entry.value().get_string().c_str();
    }
  }
  return image;
}

void add_aliases(const std::string& list, const std::string& architecture, Image& image) {
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    if (end > start) {
      const std::string alias = list.substr(start, end - start);
      image.aliases.push_back({alias, ""});
      image.aliases.push_back({alias + "/" + architecture, ""});
    }
    start = end + 1;
  }
}

void add_image(const Version& of, const json::object& metadata, const json::object* rootfs,
               const std::string& fingerprint, const std::string& type, std::vector<StreamImage>& images) {
  StreamImage found{described(of, type), file_of(metadata), std::nullopt};
  if (rootfs != nullptr) found.rootfs = file_of(*rootfs);
  const bool whole = is_digest(fingerprint) && !found.metadata.path.empty() &&
                     (!found.rootfs || !found.rootfs->path.empty()) && !found.image.created_at.empty();
  if (!whole || images.size() >= kMaxImages) return;
  found.image.fingerprint = fingerprint;
  found.image.size = static_cast<std::int64_t>(found.metadata.size + (found.rootfs ? found.rootfs->size : 0));
  found.image.filename = found.metadata.path.substr(found.metadata.path.rfind('/') + 1);
  add_aliases(text_in(of.product, "aliases"), text_in(of.product, "arch"), found.image);
  images.push_back(std::move(found));
}

void add_version(const Version& of, std::vector<StreamImage>& images) {
  const json::object* items = object_in(of.version, "items");
  if (items == nullptr) return;
  std::map<std::string, const json::object*> by_type;
  for (const auto& item : *items) {
    if (item.value().is_object()) by_type[text_in(item.value().get_object(), "ftype")] = &item.value().get_object();
  }
  for (const char* unified : {"lxd_combined.tar.gz", "incus_combined.tar.gz"}) {
    const auto item = by_type.find(unified);
    if (item == by_type.end()) continue;
    add_image(of, *item->second, nullptr, text_in(*item->second, "sha256"), "tar.gz", images);
    break;
  }
  for (const char* split : {"lxd.tar.xz", "incus.tar.xz"}) {
    const auto item = by_type.find(split);
    if (item == by_type.end()) continue;
    const json::object& metadata = *item->second;
    if (const auto root = by_type.find("squashfs"); root != by_type.end())
      add_image(of, metadata, root->second, text_in(metadata, "combined_squashfs_sha256"), "squashfs", images);
    if (const auto root = by_type.find("root.tar.xz"); root != by_type.end()) {
      std::string digest = text_in(metadata, "combined_rootxz_sha256");
      if (digest.empty()) digest = text_in(metadata, "combined_sha256");
      add_image(of, metadata, root->second, digest, "root.tar.xz", images);
    }
    break;
  }
}

bool has_alias(const StreamImage& image, const std::string& name) {
  return std::any_of(image.image.aliases.begin(), image.image.aliases.end(),
                     [&](const ImageAlias& alias) { return alias.name == name; });
}

}  // namespace

Result<std::vector<std::string>> parse_stream_index(std::string_view text) {
  const json::object root = TRY(parse_object(text));
  const json::object* index = object_in(root, "index");
  if (index == nullptr) return Error(ErrorKind::kInvalid, "image list: no \"index\"");
  std::vector<std::string> paths;
  for (const auto& entry : *index) {
    if (!entry.value().is_object()) continue;
    const json::object& stream = entry.value().get_object();
    const json::value* products = stream.if_contains("products");
    const bool some = products != nullptr && products->is_array() && !products->get_array().empty();
    if (text_in(stream, "datatype") == "image-downloads" && some) paths.push_back(text_in(stream, "path"));
  }
  if (paths.size() > kMaxProductFiles) return Error(ErrorKind::kInvalid, "image list: too many product files");
  return paths;
}

Result<std::vector<StreamImage>> parse_stream_products(std::string_view text) {
  const json::object root = TRY(parse_object(text));
  const json::object* products = object_in(root, "products");
  if (products == nullptr) return Error(ErrorKind::kInvalid, "image list: no \"products\"");
  std::vector<StreamImage> images;
  for (const auto& entry : *products) {
    const json::object* product = entry.value().if_object();
    const json::object* versions = product == nullptr ? nullptr : object_in(*product, "versions");
    if (versions == nullptr) continue;
    for (const auto& version : *versions) {
      if (version.value().is_object())
        add_version({*product, version.value().get_object(), std::string(version.key())}, images);
    }
  }
  return images;
}

void settle_stream_aliases(std::vector<StreamImage>& images) {
  std::stable_sort(images.begin(), images.end(), [](const StreamImage& a, const StreamImage& b) {
    const auto& left = a.image.properties.at("serial");
    const auto& right = b.image.properties.at("serial");
    if (left != right) return left > right;
    return a.image.properties.at("type") == "squashfs" && b.image.properties.at("type") != "squashfs";
  });
  // A plain alias stands once per architecture.
  std::set<std::pair<std::string, std::string>> taken;
  for (StreamImage& found : images) {
    std::erase_if(found.image.aliases, [&](const ImageAlias& alias) {
      return !taken.insert({alias.name, found.image.architecture}).second;
    });
  }
}

Result<StreamImage> find_stream_image(const std::vector<StreamImage>& images, const std::string& name,
                                      const std::string& architecture) {
  for (const StreamImage& found : images) {
    if (found.image.architecture == architecture && has_alias(found, name)) return found;
  }
  for (const StreamImage& found : images) {
    if (has_alias(found, name)) return found;
  }
  const StreamImage* match = nullptr;
  for (const StreamImage& found : images) {
    if (name.empty() || !found.image.fingerprint.starts_with(name) ||
        (match != nullptr && match->image.fingerprint == found.image.fingerprint))
      continue;
    if (match != nullptr) return invalid_value("fingerprint", name, "fits several images");
    match = &found;
  }
  if (match == nullptr) return Error(ErrorKind::kNotFound, "Image \"" + name + "\" not found");
  return *match;
}

Result<std::string> stream_url(const std::string& base, const std::string& path) {
  const bool odd = path.empty() || path.front() == '/' || path.find("..") != std::string::npos ||
                   path.find("//") != std::string::npos || path.find_first_of("?#\\ ") != std::string::npos ||
                   std::any_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (odd) return invalid_value("path", path.substr(0, 200), "not a path below the image server");
  return base + (base.ends_with('/') ? "" : "/") + path;
}

Result<std::vector<StreamImage>> fetch_stream_images(const std::string& server, const std::string& certificate) {
  const auto get = [&](const std::string& path) -> Result<std::string> {
    const WebRequest request{.url = TRY(stream_url(server, path)), .certificate = certificate, .limit = kMaxStreamBytes};
    return TRY(web_get(request)).body;
  };
  std::vector<StreamImage> images;
  for (const std::string& path : TRY_CONTEXT(server, parse_stream_index(TRY(get(std::string(kStreamIndexPath)))))) {
    for (StreamImage& image : TRY_CONTEXT(server, parse_stream_products(TRY(get(path)))))
      images.push_back(std::move(image));
  }
  settle_stream_aliases(images);
  return images;
}

}  // namespace cella::api
