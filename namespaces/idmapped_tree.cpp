#include "namespaces/idmapped_tree.h"

#include <cerrno>

#include "base/syscalls.h"

namespace cella::namespaces {
namespace {

constexpr unsigned kOpenFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;

Error tree_error(int errno_value, const TreeCopy& copy, std::string_view object) {
  // EINVAL with a valid map means FS_ALLOW_IDMAP is missing (or the mount is id-mapped already).
  if (errno_value == EINVAL && copy.user_namespace != nullptr)
    return Error(ErrorKind::kUnsupported, errno_value,
                 "id-map " + std::string(object) + ": its file system does not take id-mapped mounts");
  return errno_error(errno_value, "copy mount of " + std::string(object));
}

}  // namespace

Result<Fd> copy_tree(const Fd& tree, const TreeCopy& copy, std::string_view object) {
  const unsigned depth = copy.depth == TreeDepth::kRecursive ? AT_RECURSIVE : 0u;
  mount_attr attr{};
  attr.attr_set = copy.attributes;
  if (copy.user_namespace != nullptr) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = static_cast<std::uint64_t>(copy.user_namespace->get());
  }
  if (copy.method == TreeMethod::kFused && attr.attr_set != 0) {
    const int fused = sys_open_tree_attr(tree.get(), "", kOpenFlags | depth, &attr);
    if (fused >= 0) return Fd(fused);
    if (errno != ENOSYS) return tree_error(errno, copy, object);
  }
  Fd mount(sys_open_tree(tree.get(), "", kOpenFlags | depth));
  if (!mount) return errno_error(errno, "copy mount of " + std::string(object));
  if (attr.attr_set != 0 && sys_mount_setattr(mount.get(), "", AT_EMPTY_PATH | depth, &attr) != 0)
    return tree_error(errno, copy, object);
  return mount;
}

}  // namespace cella::namespaces
