// The images in memory with their files and records. The implementation behind Images.
#pragma once

#include <mutex>
#include <set>

#include "manager/image_files.h"
#include "manager/image_index.h"
#include "manager/images.h"
#include "manager/operations.h"

namespace cella::manager {

class ImageSet final : public Images {
 public:
  explicit ImageSet(Wiring wiring) : wiring_(std::move(wiring)) {}
  ~ImageSet() override;
  Result<void> load();

  const std::string& upload_directory() const override { return directory_.uploads(); }
  Result<OperationId> import(ImageUpload upload) override;
  Result<void> import_within(const ImageUpload& upload, const OperationHandle& operation) override;
  std::vector<Image> list() const override;
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
  Result<void> carry_out_removal(const Image& image);
  void announce(const std::string& action, const std::string& source);

  Wiring wiring_;
  ImageDirectory directory_;
  mutable std::mutex mutex_;
  ImageIndex index_;
  std::set<std::string> in_work_;  // fingerprints being imported
};

}  // namespace cella::manager
