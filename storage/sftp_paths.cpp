#include "storage/sftp_paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <vector>

#include "base/rooted.h"
#include "storage/sftp_server.h"

namespace cella::storage {
namespace {

Result<void> set_owner(const Fd& fd, const std::string& path, const SftpOwner& owner) {
  if (::fchownat(fd.get(), "", owner.user, owner.group, AT_EMPTY_PATH) != 0)
    return errno_error(errno, "change owner of " + path);
  return kOk;
}

Result<void> set_times(const Fd& fd, const std::string& path, const SftpTimes& times) {
  const timespec values[2] = {{static_cast<time_t>(times.accessed), 0}, {static_cast<time_t>(times.modified), 0}};
  // AT_EMPTY_PATH: Linux 5.8.
  if (::utimensat(fd.get(), "", values, AT_EMPTY_PATH) != 0) return errno_error(errno, "set times of " + path);
  return kOk;
}

// fchmod(2) takes no O_PATH descriptor, so what can be opened without an effect is opened.
Result<void> set_mode(const Fd& root, const Fd& fd, const std::string& path, std::uint32_t mode) {
  const struct stat facts = TRY(facts_of(fd, path));
  if (S_ISLNK(facts.st_mode)) return kOk;
  if (S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode)) {
    const Fd opened = TRY(open_in_root(root, rooted(path), O_RDONLY | O_NONBLOCK));
    if (::fchmod(opened.get(), mode & 07777) != 0) return errno_error(errno, "change mode of " + path);
    return kOk;
  }
  const Place place = TRY(place_of(root, path));
  if (::fchmodat(place.directory.get(), place.name.c_str(), mode & 07777, 0) != 0)
    return errno_error(errno, "change mode of " + path);
  return kOk;
}

Result<void> set_size(const Fd& root, const std::string& path, std::uint64_t size) {
  const Fd opened = TRY(open_in_root(root, rooted(path), O_WRONLY | O_NONBLOCK));
  if (::ftruncate(opened.get(), static_cast<off_t>(size)) != 0) return errno_error(errno, "set size of " + path);
  return kOk;
}

}  // namespace

std::string rooted(const std::string& path) { return path.empty() ? "/" : path; }

Result<Place> place_of(const Fd& root, const std::string& path) {
  std::string whole = path;
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  const std::size_t slash = whole.rfind('/');
  Place place;
  place.path = whole;
  place.name = slash == std::string::npos ? whole : whole.substr(slash + 1);
  if (place.name.empty() || place.name == "." || place.name == "..") return errno_error(EINVAL, "path " + path);
  const std::string parent = slash == std::string::npos ? "/" : whole.substr(0, slash + 1);
  place.directory = TRY(open_in_root(root, parent, O_PATH | O_DIRECTORY));
  return place;
}

Result<struct stat> facts_of(const Fd& fd, const std::string& path) {
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return errno_error(errno, "stat " + path);
  return facts;
}

SftpAttributes attributes_of(const struct stat& facts) {
  SftpAttributes attributes;
  attributes.size = static_cast<std::uint64_t>(facts.st_size);
  attributes.owner = SftpOwner{facts.st_uid, facts.st_gid};
  attributes.mode = facts.st_mode;
  attributes.times =
      SftpTimes{static_cast<std::uint32_t>(facts.st_atim.tv_sec), static_cast<std::uint32_t>(facts.st_mtim.tv_sec)};
  return attributes;
}

Result<void> set_attributes(const Fd& root, const std::string& path, const SftpAttributes& wanted, int flags) {
  const Fd fd = TRY(open_in_root(root, rooted(path), O_PATH | flags));
  const bool link = S_ISLNK(TRY(facts_of(fd, path)).st_mode);
  if (wanted.size && !link) TRY(set_size(root, path, *wanted.size));
  if (wanted.owner) TRY(set_owner(fd, path, *wanted.owner));
  if (wanted.mode) TRY(set_mode(root, fd, path, *wanted.mode));
  if (wanted.times) TRY(set_times(fd, path, *wanted.times));
  return kOk;
}

Result<void> set_attributes(const Fd& file, const std::string& path, const SftpAttributes& wanted) {
  if (wanted.size && ::ftruncate(file.get(), static_cast<off_t>(*wanted.size)) != 0)
    return errno_error(errno, "set size of " + path);
  if (wanted.owner) TRY(set_owner(file, path, *wanted.owner));
  if (wanted.mode && ::fchmod(file.get(), *wanted.mode & 07777) != 0)
    return errno_error(errno, "change mode of " + path);
  if (wanted.times) TRY(set_times(file, path, *wanted.times));
  return kOk;
}

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string clean;
  for (const std::string_view part : parts) clean.append("/").append(part);
  return clean.empty() ? "/" : clean;
}

}  // namespace cella::storage
