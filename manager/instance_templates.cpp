#include "manager/instance_templates.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "base/files.h"
#include "base/rooted.h"
#include "manager/instance_files.h"
#include "manager/names.h"
#include "manager/pools.h"
#include "manager/template_engine.h"

namespace cella::manager {
namespace {

constexpr std::size_t kMaxTemplate = 1u << 20;

TemplateValue value_of(const std::map<std::string, std::string>& texts) {
  TemplateValue::Map map;
  for (const auto& [key, text] : texts) map.emplace(key, TemplateValue(text));
  return TemplateValue(std::move(map));
}

TemplateValue instance_value(const InstanceRecord& record) {
  TemplateValue::Map map;
  map.emplace("name", short_name(record.name));
  map.emplace("type", "container");
  map.emplace("architecture", record.architecture);
  map.emplace("ephemeral", record.ephemeral ? "true" : "false");
  map.emplace("privileged", "false");
  return TemplateValue(std::move(map));
}

TemplateContext context_of(const TemplateSubject& subject, const ImageTemplate& entry, const std::string& trigger) {
  TemplateContext context;
  context.values.emplace("trigger", trigger);
  context.values.emplace("path", entry.path);
  context.values.emplace("instance", instance_value(subject.record));
  context.values.emplace("container", instance_value(subject.record));
  context.values.emplace("config", value_of(subject.config));
  TemplateValue::Map devices;
  for (const auto& [name, device] : subject.devices) devices.emplace(name, value_of(device));
  context.values.emplace("devices", TemplateValue(std::move(devices)));
  context.values.emplace("properties", value_of(entry.properties));
  context.functions["config_get"] = [&config = subject.config](const std::vector<TemplateValue>& arguments) {
    if (arguments.empty()) return TemplateValue();
    const auto found = config.find(arguments[0].text());
    if (found == config.end()) return arguments.size() > 1 ? arguments[1] : TemplateValue();
    std::string text = found->second;
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.pop_back();
    return TemplateValue(std::move(text));
  };
  return context;
}

// The bytes of a text, piece by piece.
ByteSource source_of(std::string_view text) {
  return [text](char* into, std::size_t capacity) mutable -> Result<std::size_t> {
    const std::size_t count = std::min(capacity, text.size());
    std::memcpy(into, text.data(), count);
    text.remove_prefix(count);
    return count;
  };
}

Result<void> apply_one(FileSession& session, const DirFd& directory, const TemplateSubject& subject,
                       const ImageTemplate& entry, const std::string& trigger) {
  const auto present = session.facts(entry.path);
  if (!present.ok() && present.error().kind() != ErrorKind::kNotFound) return present.error();
  if (present.ok() && entry.create_only) return kOk;
  const Fd file = TRY(open_beneath(directory, "templates/" + entry.source, O_RDONLY | O_NONBLOCK));
  const std::string text = TRY_CONTEXT(entry.source, read_to_end(file, kMaxTemplate));
  const std::string rendered = TRY_CONTEXT(entry.source, render_template(text, context_of(subject, entry, trigger)));
  if (!present.ok()) TRY(session.make_parents(entry.path));
  return session.write(entry.path, FileWrite::kReplace, {}, source_of(rendered));
}

}  // namespace

Result<void> apply_templates(Pools& pools, const TemplateSubject& subject, const std::vector<std::string>& triggers) {
  const auto& record = subject.record;
  const auto metadata = TRY(pools.metadata(record.pool, record.name));
  if (!metadata) return kOk;
  std::optional<FileSession> session;
  DirFd directory;
  for (const std::string& trigger : triggers) {
    for (const ImageTemplate& entry : metadata->templates) {
      if (std::find(entry.when.begin(), entry.when.end(), trigger) == entry.when.end()) continue;
      if (!session) {
        directory = TRY(pools.open_directory(record.pool, record.name));
        session = TRY(InstanceFiles::open_root(subject.root, subject.map));
      }
      TRY_CONTEXT("template " + entry.path, apply_one(*session, directory, subject, entry, trigger));
    }
  }
  return kOk;
}

}  // namespace cella::manager
