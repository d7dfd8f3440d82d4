#include "cgroups/hierarchy.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/rollback.h"
#include "cgroups/events.h"
#include "cgroups/lines.h"

namespace cella::cgroups {

namespace {

using Clock = std::chrono::steady_clock;

// "\040" and its like stand for blanks in mountinfo.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Splits "a/b/c" into its components. Errors: kInvalid for an empty one or "..".
Result<std::vector<std::string>> components(const std::string& name) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= name.size()) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    parts.push_back(name.substr(start, end - start));
    if (parts.back().empty() || parts.back() == "." || parts.back() == "..")
      return invalid_value("cgroup", name, "not the name of a cgroup");
    start = end + 1;
  }
  return parts;
}

// Waits until no process is left below; what is still there when the time is over shows as EBUSY of rmdir.
Result<void> wait_empty(const Cgroup& cgroup, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  const auto events = EventsFile::open(cgroup);
  if (!events && events.error().kind() == ErrorKind::kNotFound) return kOk;
  if (!events) return events.error();
  auto waited = events->wait([](const Events& now) { return !now.populated; }, left);
  if (waited || waited.error().kind() == ErrorKind::kNotFound) return kOk;  // not found: removed by someone else
  if (waited.error().kind() == ErrorKind::kTimeout)
    return Error(ErrorKind::kBusy, EBUSY, "remove " + cgroup.path() + ", which still has processes");
  return std::move(waited).error();
}

Result<void> remove_tree(const Cgroup& parent, const std::string& name, Clock::time_point deadline);

Result<void> remove_children(const Cgroup& cgroup, Clock::time_point deadline) {
  for (const std::string& child : TRY(cgroup.children())) TRY(remove_tree(cgroup, child, deadline));
  return kOk;
}

// One rmdir is enough for the usual cgroup (no children, nobody left), so it comes first.
Result<void> remove_tree(const Cgroup& parent, const std::string& name, Clock::time_point deadline) {
  for (;;) {
    const bool last_try = Clock::now() >= deadline;
    if (::unlinkat(parent.dir().get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return kOk;
    const int error = errno;
    if (error != EBUSY && error != ENOTEMPTY) return errno_error(error, "remove " + parent.path() + "/" + name);
    const auto cgroup = parent.open_child(name);
    if (!cgroup && cgroup.error().kind() == ErrorKind::kNotFound) return kOk;
    if (!cgroup) return cgroup.error();
    TRY(wait_empty(*cgroup, deadline));
    TRY(remove_children(*cgroup, deadline));
    if (last_try && ::unlinkat(parent.dir().get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
      return Error(ErrorKind::kBusy, errno, "remove " + cgroup->path());
  }
}

Result<void> give_to(const Cgroup& cgroup, const std::vector<std::string>& files, const Delegation& to) {
  if (::fchown(cgroup.dir().get(), 0, to.group.value) != 0) return errno_error(errno, "chown " + cgroup.path());
  if (::fchmod(cgroup.dir().get(), 0775) != 0) return errno_error(errno, "chmod " + cgroup.path());
  for (const std::string& file : files) {
    if (::fchownat(cgroup.dir().get(), file.c_str(), to.owner.value, to.group.value, AT_SYMLINK_NOFOLLOW) != 0 &&
        errno != ENOENT)
      return errno_error(errno, "chown " + cgroup.path() + "/" + file);
  }
  return kOk;
}

}  // namespace

Result<std::string> find_mount_point(std::string_view mountinfo) {
  std::string first;
  for (const std::string_view line : split_lines(mountinfo)) {
    // 36 25 0:31 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
    const std::size_t separator = line.find(" - ");
    if (separator == std::string_view::npos || line.substr(separator + 3, 8) != "cgroup2 ") continue;
    const auto fields = split_words(line.substr(0, separator));
    if (fields.size() < 5) continue;
    if (fields[3] == "/") return unescape(fields[4]);
    if (first.empty()) first = unescape(fields[4]);
  }
  if (first.empty()) return Error(ErrorKind::kUnsupported, "cgroup v2 is not mounted on this host");
  return first;
}

std::vector<std::string> read_delegated_files() {
  const auto text = read_file("/sys/kernel/cgroup/delegate");
  if (!text) return {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "memory.reclaim"};
  std::vector<std::string> names;
  for (const std::string_view line : split_lines(*text)) names.emplace_back(line);
  return names;
}

Result<Hierarchy> Hierarchy::find() {
  return open(TRY(find_mount_point(TRY(read_file("/proc/self/mountinfo")))));
}

Result<Hierarchy> Hierarchy::open(const std::string& path) {
  return Hierarchy(TRY(open_dir(path)), path, read_delegated_files());
}

Result<ControllerSet> Hierarchy::enable_all() const {
  const ControllerSet wanted = TRY(available());
  if (root_.enable_for_children(wanted)) return root_.subtree_control();
  // All in one write is all or nothing: find out one by one which controller the kernel holds back.
  for (int i = 0; i < kControllerCount; ++i) {
    const auto controller = static_cast<Controller>(i);
    if (wanted.has(controller)) (void)root_.enable_for_children({controller}).ok();
  }
  return root_.subtree_control();
}

Result<Cgroup> Hierarchy::open_parent(const std::string& name) const {
  auto parts = TRY(components(name));
  parts.pop_back();
  Cgroup parent(DirFd(TRY(root_.dir().duplicate())), root_.path());
  for (const std::string& part : parts) {
    auto child = parent.open_child(part);
    if (!child && child.error().kind() == ErrorKind::kNotFound) child = parent.create_child(part);
    Cgroup next = TRY(std::move(child));
    TRY(next.enable_for_children(TRY(next.controllers())));
    parent = std::move(next);
  }
  return parent;
}

Result<Cgroup> Hierarchy::create(const std::string& name) const {
  const Cgroup parent = TRY(open_parent(name));
  const std::string leaf = name.substr(name.rfind('/') + 1);
  auto made = parent.create_child(leaf);
  if (made || made.error().kind() != ErrorKind::kExists) return made;
  TRY(remove_tree(parent, leaf, Clock::now()));
  return parent.create_child(leaf);
}

Result<Cgroup> Hierarchy::create(const std::string& name, const Delegation& to) const {
  Cgroup cgroup = TRY(create(name));
  Rollback undo;
  undo.add([&] { (void)destroy(name, std::chrono::milliseconds(0)).ok(); });
  TRY(give_to(cgroup, delegated_files_, to));
  undo.commit();
  return cgroup;
}

Result<Cgroup> Hierarchy::open_cgroup(const std::string& name) const {
  Cgroup cgroup(DirFd(TRY(root_.dir().duplicate())), root_.path());
  for (const std::string& part : TRY(components(name))) {
    Cgroup next = TRY(cgroup.open_child(part));
    cgroup = std::move(next);
  }
  return cgroup;
}

Result<std::vector<std::string>> Hierarchy::list() const { return root_.children(); }

Result<void> Hierarchy::destroy(const std::string& name, std::chrono::milliseconds patience) const {
  const auto deadline = Clock::now() + patience;
  auto parts = TRY(components(name));
  const std::string leaf = parts.back();
  parts.pop_back();
  Cgroup parent(DirFd(TRY(root_.dir().duplicate())), root_.path());
  for (const std::string& part : parts) {
    auto child = parent.open_child(part);
    if (!child && child.error().kind() == ErrorKind::kNotFound) return kOk;
    Cgroup next = TRY(std::move(child));
    parent = std::move(next);
  }
  return remove_tree(parent, leaf, deadline);
}

}  // namespace cella::cgroups
