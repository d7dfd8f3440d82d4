// Images and aliases in memory: lookup by fingerprint, prefix and alias. Values only; not synchronised.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "manager/image.h"

namespace cella::manager {

class ImageIndex {
 public:
  ImageIndex() = default;
  explicit ImageIndex(std::map<std::string, Image> images);

  std::vector<Image> list() const;
  // key: a fingerprint or an unambiguous prefix, hexadecimal; compared as text, no wildcards.
  // Errors: kNotFound; kInvalid when several fit.
  Result<Image> find(const std::string& key) const;
  bool contains(const std::string& fingerprint) const { return images_.contains(fingerprint); }
  void put(Image image);
  void erase(const std::string& fingerprint);

  std::vector<Alias> list_aliases() const;
  Result<Alias> find_alias(const std::string& name) const;
  void put_alias(const Alias& alias);
  void erase_alias(const std::string& name);

 private:
  // The images' own alias lists follow aliases_.
  void refresh(const std::string& fingerprint);
  std::map<std::string, Image> images_;
  std::map<std::string, Alias> aliases_;
};

// 1 to 255 bytes without spaces and control characters, not beginning with a dash; slashes are fine ("debian/12").
// Errors: kInvalid.
Result<void> check_alias_name(const std::string& name);

}  // namespace cella::manager
