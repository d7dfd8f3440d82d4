// Images that were fetched from elsewhere: kept, superseded by newer ones, and removed when nobody uses them.
#include "manager/database.h"
#include "manager/events.h"
#include "manager/image_records.h"
#include "manager/image_set.h"

namespace cella::manager {

Result<void> ImageSet::keep(const std::string& fingerprint) {
  {
    const std::lock_guard lock(mutex_);
    Image image = TRY(index_.find(fingerprint));
    if (!image.cached) return kOk;
    image.cached = false;
    TRY(update_image(wiring_.database, image));
    index_.put(std::move(image));
  }
  announce("image-updated", "/1.0/images/" + fingerprint);
  return kOk;
}

Result<void> ImageSet::supersede(const std::string& from, const std::string& to) {
  Image old;
  {
    const std::lock_guard lock(mutex_);
    old = TRY(index_.find(from));
    Image next = TRY(index_.find(to));
    next.is_public = old.is_public;
    next.auto_update = old.auto_update;
    next.cached = old.cached;
    next.profiles = old.profiles;
    next.last_used_at = old.last_used_at;
    TRY(update_image(wiring_.database, next));
    TRY(touch_image(wiring_.database, next));
    index_.put(std::move(next));
    for (const ImageAlias& alias : old.aliases) {
      const Alias moved{alias.name, alias.description, to, old.type};
      TRY(manager::update_alias(wiring_.database, project_, moved));
      index_.put_alias(moved);
    }
  }
  return carry_out_removal(old);
}

Result<void> ImageSet::remove_unused(Timestamp before) {
  std::vector<Image> ended;
  for (Image& image : list()) {
    const bool used = image.last_used_at != Timestamp();
    if (image.cached && (used ? image.last_used_at : image.uploaded_at) < before) ended.push_back(std::move(image));
  }
  for (const Image& image : ended) {
    const Result<void> removed = carry_out_removal(image);
    if (!removed.ok() && removed.error().kind() != ErrorKind::kNotFound) return removed;
  }
  return kOk;
}

}  // namespace cella::manager
