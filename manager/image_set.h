// The images in memory with their files and records. The implementation behind Images.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "manager/image_files.h"
#include "manager/image_index.h"
#include "manager/images.h"
#include "manager/operations.h"

namespace cella::manager {

// What the images of all projects share.
struct ImageStore {
  explicit ImageStore(Images::Wiring given) : wiring(std::move(given)) {}
  Result<void> load();
  // Whether an image is in any project; with the mutex held.
  bool contains(const std::string& fingerprint) const;

  Images::Wiring wiring;
  ImageDirectory directory;
  mutable std::mutex mutex;
  std::map<std::string, ImageIndex> by_project;
  std::set<std::string> in_work;  // fingerprints being imported or removed
};

class ImageSet final : public Images {
 public:
  ImageSet(std::shared_ptr<ImageStore> store, std::string project);
  ~ImageSet() override;

  Images& in(const std::string& project) override;
  const std::string& upload_directory() const override { return directory_.uploads(); }
  Result<OperationId> import(ImageUpload upload) override;
  Result<void> import_within(const ImageUpload& upload, const OperationHandle& operation) override;
  std::vector<Image> list() const override;
  std::vector<Image> list_all() const override;
  Result<Image> find(const std::string& key) const override;
  Result<Image> resolve(const std::string& alias_or_fingerprint) const override;
  Result<void> update(const std::string& key, const ImagePut& put) override;
  Result<void> patch(const std::string& key, const ImagePatch& patch) override;
  Result<OperationId> remove(const std::string& key) override;
  Result<ImageExport> export_files(const std::string& key) const override;
  Result<void> keep(const std::string& fingerprint) override;
  Result<void> supersede(const std::string& from, const std::string& to) override;
  Result<void> remove_unused(Timestamp before) override;
  void mark_used(const std::string& fingerprint) override;

  std::vector<Alias> list_aliases() const override;
  Result<Alias> find_alias(const std::string& name) const override;
  Result<void> create_alias(const Alias& alias) override;
  Result<void> update_alias(const std::string& name, const Alias& alias) override;
  Result<void> rename_alias(const std::string& from, const std::string& to) override;
  Result<void> remove_alias(const std::string& name) override;

 private:
  Result<void> check_upload(const ImageUpload& upload) const;
  Result<void> carry_out_import(const ImageUpload& upload, const OperationHandle& operation);
  Result<Image> examine(const ImageUpload& upload, const std::string& fingerprint,
                        const OperationHandle& operation) const;
  Result<void> claim(const std::string& fingerprint);
  // Another project has it: its files are there.
  bool is_elsewhere(const std::string& fingerprint) const;
  Result<void> carry_out_removal(const Image& image);
  void announce(const std::string& action, const std::string& source);

  const std::shared_ptr<ImageStore> store_;
  const std::string project_;
  Wiring& wiring_;
  ImageDirectory& directory_;
  std::mutex& mutex_;  // of all that follows
  ImageIndex& index_;  // this project's
  std::set<std::string>& in_work_;
  // Of other projects; in the default project's only.
  std::map<std::string, std::unique_ptr<ImageSet>> others_;
};

}  // namespace cella::manager
