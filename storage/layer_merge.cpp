#include "storage/layer_merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>

#include "base/files.h"
#include "storage/file_attributes.h"

namespace cella::storage {
namespace {

constexpr const char* kOpaque = "trusted.overlay.opaque";
constexpr const char* kRedirect = "trusted.overlay.redirect";
constexpr unsigned kDeepest = 1024;

// One layer's part of a directory.
struct Part {
  std::size_t layer;  // index, 0 is topmost
  std::shared_ptr<const Fd> directory;
};
using Parts = std::vector<Part>;

bool is_deletion_mark(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(0, 0);
}

std::optional<std::string> text_attribute(const Fd& directory, const char* name) {
  std::string value(4096, '\0');
  const ssize_t count = ::fgetxattr(directory.get(), name, value.data(), value.size());
  if (count < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(count));
  return value;
}

Result<std::shared_ptr<const Fd>> open_part(const Fd& parent, const std::string& name) {
  return std::make_shared<const Fd>(TRY(open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)));
}

// What a name is in one directory of one layer.
enum class Found : std::uint8_t { kNothing, kMark, kFile, kDirectory };
Result<Found> look(const Fd& directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    const int saved = errno;
    if (saved == ENOENT) return Found::kNothing;
    return errno_error(saved, "stat " + name);
  }
  if (is_deletion_mark(status)) return Found::kMark;
  return S_ISDIR(status.st_mode) ? Found::kDirectory : Found::kFile;
}

// One name followed down through the layers as the kernel does it. `sought` is a name in the parent's parts, or, once
// a redirect from the root was met, a path from the root of every further layer.
class Descent {
 public:
  Descent(const Parts& parent, const Parts& roots, std::string name)
      : parent_(parent), roots_(roots), name_(name), sought_(std::move(name)) {}

  Result<void> run() {
    std::size_t next_layer = 0;
    bool from_root = false;
    while (!closed_) {
      const Part* part = next_part(from_root ? roots_ : parent_, next_layer);
      if (part == nullptr) return kOk;
      next_layer = part->layer + 1;
      TRY(from_root ? visit_path(*part) : visit_name(*part));
      // A redirect from the root counts even where a directory on the way was closed to what is below.
      if (!from_root && sought_[0] == '/') from_root = true;
    }
    return kOk;
  }

  const Parts& parts() const { return parts_; }
  // The topmost thing of that name when it is no directory, with its layer's directory.
  const Part* leaf() const { return leaf_ ? &*leaf_ : nullptr; }
  bool closed() const { return closed_; }
  // Where the layers below are to look, when that is not under the name itself.
  std::optional<std::string> redirect() const {
    if (closed_ || sought_ == name_) return std::nullopt;
    return sought_;
  }

 private:
  static const Part* next_part(const Parts& parts, std::size_t first_layer) {
    for (const Part& part : parts)
      if (part.layer >= first_layer) return &part;
    return nullptr;
  }

  Result<void> visit_name(const Part& part) {
    const Found found = TRY(look(*part.directory, sought_));
    if (found == Found::kNothing) return kOk;
    if (found != Found::kDirectory) {
      if (parts_.empty()) leaf_ = part;
      closed_ = true;
      return kOk;
    }
    take(Part{part.layer, TRY(open_part(*part.directory, sought_))}, "");
    return kOk;
  }

  // The directories on the way may be redirected or closed themselves.
  Result<void> visit_path(const Part& root) {
    const std::string path = sought_;
    std::shared_ptr<const Fd> directory = root.directory;
    for (std::size_t at = 1; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string name = path.substr(at, end - at);
      const std::string rest = path.substr(end);
      const Found found = TRY(look(*directory, name));
      if (found == Found::kNothing) return kOk;
      if (found != Found::kDirectory) {
        closed_ = true;
        return kOk;
      }
      directory = TRY(open_part(*directory, name));
      read_marks(*directory, rest, path.substr(0, at));
      at = end + 1;
    }
    parts_.push_back(Part{root.layer, directory});
    return kOk;
  }

  void take(Part part, const std::string& rest) {
    read_marks(*part.directory, rest, "");
    parts_.push_back(std::move(part));
  }

  // before: the path up to the directory's own name; rest: what follows it.
  void read_marks(const Fd& directory, const std::string& rest, const std::string& before) {
    const auto opaque = text_attribute(directory, kOpaque);
    if (opaque && *opaque == "y") {
      closed_ = true;
      return;
    }
    const auto redirect = text_attribute(directory, kRedirect);
    if (!redirect || redirect->empty()) return;
    if (redirect->front() == '/') {
      closed_ = false;
      sought_ = *redirect + rest;
    } else {
      sought_ = before + *redirect + rest;
    }
  }

  const Parts& parent_;
  const Parts& roots_;
  const std::string name_;
  std::string sought_;
  Parts parts_;
  std::optional<Part> leaf_;
  bool closed_ = false;
};

class Merge {
 public:
  Merge(Parts roots, const Watch& watch) : roots_(std::move(roots)), watch_(watch) {}

  Result<void> fill_root(const Fd& to) { return fill(roots_, to, "", 0); }

 private:
  // relative: "" or "path/", for error texts.
  Result<void> fill(const Parts& parts, const Fd& to, const std::string& relative, unsigned depth) {
    if (depth > kDeepest) return Error(ErrorKind::kNoSpace, "merge: directories nested too deep");
    std::set<std::string> names;
    for (const Part& part : parts)
      for (std::string& name : TRY(list_names(*part.directory))) names.insert(std::move(name));
    for (const std::string& name : names)
      TRY_CONTEXT("merge /" + relative + name, merge_name(parts, to, relative, name, depth));
    return copy_directory_attributes(*parts.front().directory, to);
  }

  Result<void> merge_name(const Parts& parts, const Fd& to, const std::string& relative, const std::string& name,
                          unsigned depth) {
    if (++entries_ % 64 == 0 && watch_.cancelled && watch_.cancelled()) return Error(ErrorKind::kCancelled, "merge");
    Descent descent(parts, roots_, name);
    TRY(descent.run());
    if (descent.leaf() != nullptr) return link_leaf(*descent.leaf()->directory, to, name);
    if (descent.parts().empty()) return Error(ErrorKind::kInternal, "a name is in no layer");
    if (::mkdirat(to.get(), name.c_str(), 0700) != 0) return errno_error(errno, "mkdir");
    const Fd made = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(fill(descent.parts(), made, relative + name + "/", depth + 1));
    TRY(set_mark(made, kOpaque, descent.closed() ? std::optional<std::string>("y") : std::nullopt));
    return set_mark(made, kRedirect, descent.redirect());
  }

  Result<void> link_leaf(const Fd& from, const Fd& to, const std::string& name) {
    if (::linkat(from.get(), name.c_str(), to.get(), name.c_str(), 0) == 0) return kOk;
    const int saved = errno;
    // The kernel makes all marks of a layer links of one node, up to the most a node may have.
    if (saved == EMLINK && TRY(look(from, name)) == Found::kMark) {
      if (::mknodat(to.get(), name.c_str(), S_IFCHR, ::makedev(0, 0)) == 0) return kOk;
      return errno_error(errno, "mknod");
    }
    return errno_error(saved, "link");
  }

  Result<void> copy_directory_attributes(const Fd& from, const Fd& to) {
    struct stat status {};
    if (::fstat(from.get(), &status) != 0) return errno_error(errno, "stat");
    TRY(copy_attributes(from, to));
    return set_owner_mode_times(to, status);
  }

  static Result<void> set_mark(const Fd& directory, const char* name, const std::optional<std::string>& value) {
    if (value) {
      if (::fsetxattr(directory.get(), name, value->data(), value->size(), 0) == 0) return kOk;
    } else if (::fremovexattr(directory.get(), name) == 0 || errno == ENODATA || errno == EOPNOTSUPP) {
      return kOk;
    }
    return errno_error(errno, std::string("set ") + name);
  }

  const Parts roots_;
  const Watch& watch_;
  std::uint64_t entries_ = 0;
};

}  // namespace

Result<void> merge_layers(const Fd& layers, const LayerNames& names, const Fd& to, const Watch& watch) {
  Parts roots;
  for (const std::string& name : names)
    roots.push_back(Part{roots.size(), TRY_CONTEXT("layer " + name, open_part(layers, name))});
  return Merge(std::move(roots), watch).fill_root(to);
}

}  // namespace cella::storage
