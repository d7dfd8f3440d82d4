#include "storage/archive_members.h"

namespace cella::storage {
namespace {

Error bad_member(std::string_view name, std::string_view reason) {
  return invalid_value("archive member", name.substr(0, 300), reason);
}

MemberPart part_of(const std::string& path) {
  const std::string_view first = std::string_view(path).substr(0, path.find('/'));
  if (path == "metadata.yaml") return MemberPart::kMetadata;
  if (first == "templates") return MemberPart::kTemplate;
  if (first == "rootfs") return MemberPart::kRootfs;
  return MemberPart::kIgnored;
}

// Members outside the part count for nothing.
MemberPath member_of_part(std::string path, std::string_view part) {
  if (!path.starts_with(part)) return {};
  path.erase(0, part.size());
  if (!path.starts_with('/')) return {};
  path.erase(0, 1);
  const MemberPart kind = part_of(path);
  return {std::move(path), kind};
}

MemberPath member_of_volume(const std::string& path, std::string_view part) {
  if (!path.starts_with(part)) return {};
  const std::string rest = path.substr(part.size());
  if (rest == ".img") return {"rootfs/root.img", MemberPart::kRootfs};
  if (!rest.empty() && !rest.starts_with('/')) return {};
  return {"rootfs" + rest, MemberPart::kRootfs};
}

}  // namespace

Result<MemberPath> plain_member_path(std::string_view name, ArchiveLayout layout, std::string_view backup_part) {
  if (name.empty()) return bad_member(name, "empty name");
  if (name.front() == '/') return bad_member(name, "absolute name");
  if (name.size() > 4095) return bad_member(name, "name longer than 4095 bytes");
  MemberPath member;
  if (layout == ArchiveLayout::kRootfs) member.path = "rootfs";
  std::string_view rest = name;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (component.empty() || component == ".") continue;
    if (component == "..") return bad_member(name, "\"..\" in the name");
    if (component.size() > 255) return bad_member(name, "a component longer than 255 bytes");
    if (!member.path.empty()) member.path += '/';
    member.path += component;
  }
  if (layout == ArchiveLayout::kBackupPart) return member_of_part(std::move(member.path), backup_part);
  if (layout == ArchiveLayout::kBackupVolume) return member_of_volume(member.path, backup_part);
  if (layout == ArchiveLayout::kBackupIndex) {
    member.part = member.path == "backup/index.yaml" ? MemberPart::kMetadata : MemberPart::kIgnored;
    return member;
  }
  member.part = part_of(member.path);
  if (layout == ArchiveLayout::kMetadata && member.part == MemberPart::kRootfs) member.part = MemberPart::kIgnored;
  return member;
}

Result<void> MemberIndex::add_parents(const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    const auto [entry, fresh] = seen_.try_emplace(parent, MemberType::kDirectory);
    if (entry->second != MemberType::kDirectory)
      return bad_member(path, "its parent \"" + parent + "\" is not a directory");
  }
  return kOk;
}

Result<MemberAction> MemberIndex::add(const MemberPath& member, MemberType type) {
  TRY(add_parents(member.path));
  const auto [entry, fresh] = seen_.try_emplace(member.path, type);
  if (fresh) return MemberAction::kMake;
  if (entry->second != type) return bad_member(member.path, "the same name came before as another type");
  return type == MemberType::kDirectory ? MemberAction::kMerge : MemberAction::kReplace;
}

Result<MemberAction> MemberIndex::add_hard_link(const MemberPath& member, const MemberPath& target) {
  const auto found = seen_.find(target.path);
  if (found == seen_.end())
    return bad_member(member.path, "hard link to \"" + target.path + "\", which did not come before");
  if (found->second == MemberType::kDirectory) return bad_member(member.path, "hard link to a directory");
  if (target.part != member.part) return bad_member(member.path, "hard link out of its tree");
  if (target.path == member.path) return bad_member(member.path, "hard link to itself");
  const MemberType type = found->second;
  return add(member, type);
}

bool MemberIndex::has_directory(const std::string& path) const {
  const auto found = seen_.find(path);
  return found != seen_.end() && found->second == MemberType::kDirectory;
}

bool MemberIndex::is_device(const std::string& path) const {
  const auto found = seen_.find(path);
  return found != seen_.end() && (found->second == MemberType::kDevice || found->second == MemberType::kSocket);
}

Result<void> check_member_type(const MemberPath& member, MemberType type) {
  const bool plain = type == MemberType::kFile || type == MemberType::kDirectory;
  if (member.part == MemberPart::kMetadata && type != MemberType::kFile)
    return bad_member(member.path, "not a plain file");
  if (member.part == MemberPart::kTemplate && !plain)
    return bad_member(member.path, "neither plain file nor directory");
  if ((member.path == "rootfs" || member.path == "templates" || member.path.empty()) && type != MemberType::kDirectory)
    return bad_member(member.path, "not a directory");
  return kOk;
}

Result<void> check_link_text(const MemberPath& member, std::string_view text) {
  if (text.empty() || text.size() > 4095) return bad_member(member.path, "link text empty or longer than 4095 bytes");
  return kOk;
}

}  // namespace cella::storage
