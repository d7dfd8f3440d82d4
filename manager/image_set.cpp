#include "manager/image_set.h"

#include "manager/database.h"
#include "manager/events.h"
#include "manager/image_records.h"
#include "manager/pools.h"

namespace cella::manager {

Result<std::unique_ptr<Images>> Images::open(Wiring wiring) {
  auto images = std::make_unique<ImageSet>(std::move(wiring));
  TRY(images->load());
  return std::unique_ptr<Images>(std::move(images));
}

ImageSet::~ImageSet() { wiring_.pools.set_image_known({}); }

Result<void> ImageSet::load() {
  index_ = ImageIndex(TRY_CONTEXT("images", read_images(wiring_.database)));
  directory_ = TRY(ImageDirectory::open(
      wiring_.state_dir, [this](const std::string& fingerprint) { return index_.contains(fingerprint); }));
  wiring_.pools.set_image_known([this](const std::string& fingerprint) {
    const std::lock_guard lock(mutex_);
    return index_.contains(fingerprint);
  });
  return kOk;
}

void ImageSet::announce(const std::string& action, const std::string& source) {
  wiring_.events.lifecycle({action, source, {}, {}});
}

std::vector<Image> ImageSet::list() const {
  const std::lock_guard lock(mutex_);
  return index_.list();
}

Result<Image> ImageSet::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return index_.find(key);
}

Result<Image> ImageSet::resolve(const std::string& alias_or_fingerprint) const {
  const std::lock_guard lock(mutex_);
  const Result<Alias> alias = index_.find_alias(alias_or_fingerprint);
  return index_.find(alias.ok() ? alias->target : alias_or_fingerprint);
}

Result<void> ImageSet::update(const std::string& key, const ImagePut& put) {
  std::string fingerprint;
  {
    const std::lock_guard lock(mutex_);
    Image image = TRY(index_.find(key));
    image.auto_update = put.auto_update;
    image.is_public = put.is_public;
    image.properties = put.properties;
    image.profiles = put.profiles.empty() ? std::vector<std::string>{"default"} : put.profiles;
    image.expires_at = put.expires_at;
    TRY(update_image(wiring_.database, image));
    fingerprint = image.fingerprint;
    index_.put(std::move(image));
  }
  announce("image-updated", "/1.0/images/" + fingerprint);
  return kOk;
}

Result<void> ImageSet::patch(const std::string& key, const ImagePatch& patch) {
  const Image image = TRY(find(key));
  ImagePut put;
  put.auto_update = patch.auto_update.value_or(image.auto_update);
  put.is_public = patch.is_public.value_or(image.is_public);
  put.properties = image.properties;
  if (patch.properties) {
    for (const auto& [key, value] : *patch.properties) put.properties[key] = value;
  }
  put.profiles = patch.profiles.value_or(image.profiles);
  put.expires_at = patch.expires_at ? patch.expires_at : image.expires_at;
  return update(image.fingerprint, put);
}

Result<OperationId> ImageSet::remove(const std::string& key) {
  const Image image = TRY(find(key));
  OperationRequest request;
  request.description = "Deleting image";
  request.resources["images"] = {image.fingerprint};
  return wiring_.operations.start(std::move(request),
                                  [this, image](const OperationHandle&) { return carry_out_removal(image); });
}

Result<void> ImageSet::carry_out_removal(const Image& image) {
  {
    const std::lock_guard lock(mutex_);
    if (!index_.contains(image.fingerprint))
      return Error(ErrorKind::kNotFound, "Image \"" + image.fingerprint + "\" not found");
    // The record first: files without one are swept at the next start.
    TRY(delete_image(wiring_.database, image.fingerprint));
    index_.erase(image.fingerprint);
  }
  TRY(directory_.remove(image.fingerprint));
  wiring_.pools.release_image(image.fingerprint);
  announce("image-deleted", "/1.0/images/" + image.fingerprint);
  return kOk;
}

Result<ImageExport> ImageSet::export_files(const std::string& key) const {
  return directory_.exported(TRY(find(key)).fingerprint);
}

void ImageSet::mark_used(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  Result<Image> image = index_.find(fingerprint);
  if (!image.ok()) return;
  const Timestamp before = image->last_used_at;
  image->last_used_at = std::chrono::system_clock::now();
  // A durable write per launch would be most of the launch; a minute is exact enough for a clean-up by age.
  if (image->last_used_at - before >= std::chrono::minutes(1)) {
    const Result<void> stored = touch_image(wiring_.database, *image);
    if (!stored.ok()) wiring_.events.log({"warn", "cannot note the use of an image: " + stored.error().message(), {}});
  } else {
    image->last_used_at = before;
  }
  index_.put(std::move(*image));
}

std::vector<Alias> ImageSet::list_aliases() const {
  const std::lock_guard lock(mutex_);
  return index_.list_aliases();
}

Result<Alias> ImageSet::find_alias(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return index_.find_alias(name);
}

Result<void> ImageSet::create_alias(const Alias& alias) {
  TRY(check_alias_name(alias.name));
  {
    const std::lock_guard lock(mutex_);
    if (index_.find_alias(alias.name).ok())
      return Error(ErrorKind::kExists, "Alias \"" + alias.name + "\" already exists");
    const Image image = TRY(index_.find(alias.target));
    const Alias full{alias.name, alias.description, image.fingerprint, image.type};
    TRY(insert_alias(wiring_.database, full));
    index_.put_alias(full);
  }
  announce("image-alias-created", "/1.0/images/aliases/" + alias.name);
  return kOk;
}

Result<void> ImageSet::update_alias(const std::string& name, const Alias& alias) {
  {
    const std::lock_guard lock(mutex_);
    Alias full = TRY(index_.find_alias(name));
    const Image image = TRY(index_.find(alias.target));
    full.description = alias.description;
    full.target = image.fingerprint;
    full.type = image.type;
    TRY(manager::update_alias(wiring_.database, full));
    index_.put_alias(full);
  }
  announce("image-alias-updated", "/1.0/images/aliases/" + name);
  return kOk;
}

Result<void> ImageSet::rename_alias(const std::string& from, const std::string& to) {
  TRY(check_alias_name(to));
  {
    const std::lock_guard lock(mutex_);
    Alias alias = TRY(index_.find_alias(from));
    if (index_.find_alias(to).ok()) return Error(ErrorKind::kExists, "Alias \"" + to + "\" already exists");
    TRY(manager::rename_alias(wiring_.database, from, to));
    index_.erase_alias(from);
    alias.name = to;
    index_.put_alias(alias);
  }
  announce("image-alias-renamed", "/1.0/images/aliases/" + to);
  return kOk;
}

Result<void> ImageSet::remove_alias(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    TRY(index_.find_alias(name));
    TRY(delete_alias(wiring_.database, name));
    index_.erase_alias(name);
  }
  announce("image-alias-deleted", "/1.0/images/aliases/" + name);
  return kOk;
}

}  // namespace cella::manager
