#include "manager/image_set.h"

#include <algorithm>

#include "manager/database.h"
#include "manager/events.h"
#include "manager/image_records.h"
#include "manager/names.h"
#include "manager/pools.h"

namespace cella::manager {

Result<std::unique_ptr<Images>> Images::open(Wiring wiring) {
  auto store = std::make_shared<ImageStore>(std::move(wiring));
  TRY(store->load());
  return std::unique_ptr<Images>(std::make_unique<ImageSet>(std::move(store), std::string(kDefaultProject)));
}

Result<void> ImageStore::load() {
  for (Image& image : TRY_CONTEXT("images", read_images(wiring.database))) {
    by_project[image.project].put(std::move(image));
  }
  directory = TRY(ImageDirectory::open(wiring.state_dir,
                                       [this](const std::string& fingerprint) { return contains(fingerprint); }));
  wiring.pools.set_image_known([this](const std::string& fingerprint) {
    const std::lock_guard lock(mutex);
    return contains(fingerprint);
  });
  return kOk;
}

bool ImageStore::contains(const std::string& fingerprint) const {
  return std::any_of(by_project.begin(), by_project.end(),
                     [&](const auto& project) { return project.second.contains(fingerprint); });
}

ImageSet::ImageSet(std::shared_ptr<ImageStore> store, std::string project)
    : store_(std::move(store)),
      project_(std::move(project)),
      wiring_(store_->wiring),
      directory_(store_->directory),
      mutex_(store_->mutex),
      index_(store_->by_project[project_]),
      in_work_(store_->in_work) {}

ImageSet::~ImageSet() {
  if (project_ == kDefaultProject) wiring_.pools.set_image_known({});
}

Images& ImageSet::in(const std::string& project) {
  if (project == project_) return *this;
  const std::lock_guard lock(mutex_);
  auto& other = others_[project];
  if (!other) other = std::make_unique<ImageSet>(store_, project);
  return *other;
}

void ImageSet::announce(const std::string& action, const std::string& source) {
  wiring_.events.lifecycle({action, source + project_query(project_), {}, {}}, project_);
}

std::vector<Image> ImageSet::list() const {
  const std::lock_guard lock(mutex_);
  return index_.list();
}

std::vector<Image> ImageSet::list_all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Image> images;
  for (const auto& [project, index] : store_->by_project) {
    for (Image& image : index.list()) images.push_back(std::move(image));
  }
  return images;
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
  request.project = project_;
  request.resources["images"] = {image.fingerprint};
  return wiring_.operations.start(std::move(request),
                                  [this, image](const OperationHandle&) { return carry_out_removal(image); });
}

Result<void> ImageSet::carry_out_removal(const Image& image) {
  bool shared = false;  // another project has it
  {
    const std::lock_guard lock(mutex_);
    if (!index_.contains(image.fingerprint))
      return Error(ErrorKind::kNotFound, "Image \"" + image.fingerprint + "\" not found");
    // The record first: files without one are swept at the next start.
    TRY(delete_image(wiring_.database, project_, image.fingerprint));
    index_.erase(image.fingerprint);
    shared = store_->contains(image.fingerprint) || !in_work_.insert(image.fingerprint).second;
  }
  if (!shared) {
    const auto removed = directory_.remove(image.fingerprint);
    {
      const std::lock_guard lock(mutex_);
      in_work_.erase(image.fingerprint);
    }
    TRY(removed);
    wiring_.pools.release_image(image.fingerprint);
  }
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
    TRY(insert_alias(wiring_.database, project_, full));
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
    TRY(manager::update_alias(wiring_.database, project_, full));
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
    TRY(manager::rename_alias(wiring_.database, project_, from, to));
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
    TRY(delete_alias(wiring_.database, project_, name));
    index_.erase_alias(name);
  }
  announce("image-alias-deleted", "/1.0/images/aliases/" + name);
  return kOk;
}

}  // namespace cella::manager
