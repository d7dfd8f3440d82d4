#include "manager/image_index.h"

#include <algorithm>

namespace cella::manager {

ImageIndex::ImageIndex(std::map<std::string, Image> images) : images_(std::move(images)) {
  for (const auto& [fingerprint, image] : images_)
    for (const ImageAlias& alias : image.aliases)
      aliases_[alias.name] = Alias{alias.name, alias.description, fingerprint, image.type};
}

std::vector<Image> ImageIndex::list() const {
  std::vector<Image> result;
  for (const auto& [fingerprint, image] : images_) result.push_back(image);
  return result;
}

Result<Image> ImageIndex::find(const std::string& key) const {
  const Error missing(ErrorKind::kNotFound, "Image \"" + key.substr(0, 300) + "\" not found");
  if (key.empty()) return missing;
  const auto first = images_.lower_bound(key);
  if (first == images_.end() || !first->first.starts_with(key)) return missing;
  const auto second = std::next(first);
  if (second != images_.end() && second->first.starts_with(key))
    return invalid_value("fingerprint", key, "fits several images");
  return first->second;
}

void ImageIndex::put(Image image) {
  const std::string fingerprint = image.fingerprint;
  for (const ImageAlias& alias : image.aliases)
    aliases_[alias.name] = Alias{alias.name, alias.description, fingerprint, image.type};
  images_[fingerprint] = std::move(image);
  refresh(fingerprint);
}

void ImageIndex::erase(const std::string& fingerprint) {
  images_.erase(fingerprint);
  std::erase_if(aliases_, [&](const auto& entry) { return entry.second.target == fingerprint; });
}

std::vector<Alias> ImageIndex::list_aliases() const {
  std::vector<Alias> result;
  for (const auto& [name, alias] : aliases_) result.push_back(alias);
  return result;
}

Result<Alias> ImageIndex::find_alias(const std::string& name) const {
  const auto found = aliases_.find(name);
  if (found == aliases_.end())
    return Error(ErrorKind::kNotFound, "Image alias \"" + name.substr(0, 300) + "\" not found");
  return found->second;
}

void ImageIndex::put_alias(const Alias& alias) {
  const auto before = aliases_.find(alias.name);
  const std::string old_target = before == aliases_.end() ? std::string() : before->second.target;
  aliases_[alias.name] = alias;
  if (!old_target.empty()) refresh(old_target);
  refresh(alias.target);
}

void ImageIndex::erase_alias(const std::string& name) {
  const auto found = aliases_.find(name);
  if (found == aliases_.end()) return;
  const std::string target = found->second.target;
  aliases_.erase(found);
  refresh(target);
}

void ImageIndex::refresh(const std::string& fingerprint) {
  const auto image = images_.find(fingerprint);
  if (image == images_.end()) return;
  image->second.aliases.clear();
  for (const auto& [name, alias] : aliases_)
    if (alias.target == fingerprint) image->second.aliases.push_back({name, alias.description});
}

Result<void> check_alias_name(const std::string& name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) > 32 && c != 127; });
  if (name.empty() || name.size() > 255 || name[0] == '-' || !plain)
    return invalid_value("alias", name.substr(0, 300), "not a name for an image alias");
  return kOk;
}

}  // namespace cella::manager
