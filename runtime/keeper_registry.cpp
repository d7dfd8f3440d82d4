#include "runtime/keeper_registry.h"

#include <algorithm>

namespace cella::runtime {
namespace {

constexpr std::size_t kMaxName = 200;

}  // namespace

Result<ContainerRecord*> Registry::add(std::unique_ptr<ContainerRecord> record) {
  if (find_running(record->name) != nullptr)
    return Error(ErrorKind::kExists, "container " + record->name + " runs already");
  Key key = key_of(record->name, record->init);
  auto [place, fresh] = containers_.try_emplace(std::move(key), std::move(record));
  if (!fresh) return Error(ErrorKind::kExists, "container " + std::get<0>(place->first) + " is known with this init already");
  return place->second.get();
}

ContainerRecord* Registry::find_running(const std::string& name) {
  for (auto it = first_of(name); it != containers_.end() && it->second->name == name; ++it)
    if (!it->second->exited) return it->second.get();
  return nullptr;
}

ContainerRecord* Registry::find_latest(const std::string& name) {
  ContainerRecord* latest = nullptr;
  for (auto it = first_of(name); it != containers_.end() && it->second->name == name; ++it) {
    latest = it->second.get();
    if (!latest->exited) return latest;
  }
  return latest;
}

ContainerRecord* Registry::find(const std::string& name, const ProcessIdentity& init) {
  const auto found = containers_.find(key_of(name, init));
  return found == containers_.end() ? nullptr : found->second.get();
}

void Registry::remove(const ContainerRecord& record) { containers_.erase(key_of(record.name, record.init)); }

std::vector<const ContainerRecord*> Registry::after(const std::string& name, const ProcessIdentity& init,
                                                    std::size_t count) const {
  std::vector<const ContainerRecord*> page;
  auto it = name.empty() ? containers_.begin() : containers_.upper_bound(key_of(name, init));
  for (; it != containers_.end() && page.size() < count; ++it) page.push_back(it->second.get());
  return page;
}

Result<SessionRecord*> Registry::add_session(std::unique_ptr<SessionRecord> record) {
  const std::uint64_t id = record->id.value;
  auto [place, fresh] = sessions_.try_emplace(id, std::move(record));
  if (!fresh) return Error(ErrorKind::kExists, "session " + std::to_string(id) + " exists already");
  return place->second.get();
}

SessionRecord* Registry::find_session(ExecId id) {
  const auto found = sessions_.find(id.value);
  return found == sessions_.end() ? nullptr : found->second.get();
}

void Registry::remove_session(ExecId id) { sessions_.erase(id.value); }

std::uint32_t Registry::running_sessions(const std::string& container) const {
  return static_cast<std::uint32_t>(std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return !entry.second->exited && entry.second->container == container;
  }));
}

Result<void> check_container_name(const std::string& name) {
  const auto bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty() || name.size() > kMaxName || name == "." || name == ".." || std::any_of(name.begin(), name.end(), bad))
    return invalid_value("container name", name, "not 1 to 200 bytes without \"/\" and control characters");
  return kOk;
}

}  // namespace cella::runtime
