#include "manager/instance_metadata.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/rooted.h"
#include "manager/images.h"
#include "manager/pools.h"

namespace cella::manager {
namespace {

constexpr std::size_t kMaxTemplate = 1u << 20;
constexpr const char* kTemplates = "templates";

Result<void> check_template_name(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.size() > 255 || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return invalid_value("path", name, "is no template name");
  }
  return kOk;
}

}  // namespace

Result<DirFd> InstanceMetadata::directory(const std::string& instance) const {
  const auto record = set_.record(*TRY(set_.find(instance)));
  return pools_.open_directory(record.pool, record.name);
}

Result<ImageMetadata> InstanceMetadata::get(const std::string& instance) const {
  const auto record = set_.record(*TRY(set_.find(instance)));
  return TRY(pools_.metadata(record.pool, record.name)).value_or(ImageMetadata{});
}

Result<void> InstanceMetadata::put(const std::string& instance, const ImageMetadata& metadata) {
  const std::string text = format_image_metadata(metadata);
  TRY(parse_image_metadata(text));
  const EntryPtr entry = TRY(set_.find(instance));
  const std::lock_guard run(entry->run);
  return replace_file_at(TRY(directory(instance)), "metadata.yaml", text, 0644);
}

Result<std::vector<std::string>> InstanceMetadata::templates(const std::string& instance) const {
  const DirFd volume = TRY(directory(instance));
  const auto folder = open_beneath(volume, kTemplates, O_RDONLY | O_DIRECTORY);
  if (!folder.ok() && folder.error().kind() == ErrorKind::kNotFound) return std::vector<std::string>();
  if (!folder.ok()) return folder.error();
  auto names = TRY(list_names(*folder));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> InstanceMetadata::read_template(const std::string& instance, const std::string& name) const {
  TRY(check_template_name(name));
  const DirFd volume = TRY(directory(instance));
  const Fd file = TRY(open_beneath(volume, std::string(kTemplates) + "/" + name, O_RDONLY | O_NONBLOCK));
  return read_to_end(file, kMaxTemplate);
}

Result<void> InstanceMetadata::write_template(const std::string& instance, const std::string& name,
                                              std::string_view text) {
  TRY(check_template_name(name));
  if (text.size() > kMaxTemplate) return Error(ErrorKind::kNoSpace, "template " + name + ": longer than 1 MiB");
  const EntryPtr entry = TRY(set_.find(instance));
  const std::lock_guard run(entry->run);
  const DirFd volume = TRY(directory(instance));
  const Result<void> made = make_dir_at(volume, kTemplates, 0755);
  if (!made.ok() && made.error().kind() != ErrorKind::kExists) return made.error();
  const Fd folder = TRY(open_beneath(volume, kTemplates, O_RDONLY | O_DIRECTORY));
  return replace_file_at(folder, name, text, 0644);
}

Result<void> InstanceMetadata::remove_template(const std::string& instance, const std::string& name) {
  TRY(check_template_name(name));
  const EntryPtr entry = TRY(set_.find(instance));
  const std::lock_guard run(entry->run);
  const Fd folder = TRY(open_beneath(TRY(directory(instance)), kTemplates, O_RDONLY | O_DIRECTORY));
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return errno_error(errno, "remove template " + name);
  return kOk;
}

}  // namespace cella::manager
