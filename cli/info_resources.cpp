#include "cli/info_resources.h"

#include <boost/json.hpp>

#include "cli/quantity.h"

namespace cella::cli {
namespace {

namespace json = boost::json;

const json::object& object_at(const json::object& parent, json::string_view key) {
  static const json::object kEmpty;
  const json::value* found = parent.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : kEmpty;
}

const json::array& array_at(const json::object& parent, json::string_view key) {
  static const json::array kEmpty;
  const json::value* found = parent.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : kEmpty;
}

std::string text_at(const json::object& parent, json::string_view key) {
  const json::value* found = parent.if_contains(key);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

std::uint64_t number_at(const json::object& parent, json::string_view key) {
  const json::value* found = parent.if_contains(key);
  boost::system::error_code code;
  return found == nullptr ? 0 : found->to_number<std::uint64_t>(code);
}

void line(std::string& out, int indent, const char* label, const std::string& value) {
  if (!value.empty())
    out.append(static_cast<std::size_t>(indent), ' ').append(label).append(": ").append(value).append("\n");
}

void append_core(std::string& out, const json::object& core) {
  out += "    - Core " + text_at(core, "core") + "\n";
  line(out, 6, "Frequency", std::to_string(number_at(core, "frequency")) + "Mhz");
  out += "      Threads:\n";
  for (const json::value& item : array_at(core, "threads")) {
    if (!item.is_object()) continue;
    const json::object& thread = item.get_object();
    out += "        - " + text_at(thread, "thread") + " (id: " + text_at(thread, "id") +
           ", online: " + text_at(thread, "online") + ", NUMA node: " + text_at(thread, "numa_node") + ")\n";
  }
}

void append_cpu(std::string& out, const json::object& cpu) {
  out += "CPU (" + text_at(cpu, "architecture") + "):\n";
  for (const json::value& item : array_at(cpu, "sockets")) {
    if (!item.is_object()) continue;
    const json::object& socket = item.get_object();
    line(out, 2, "Vendor", text_at(socket, "vendor"));
    line(out, 2, "Name", text_at(socket, "name"));
    if (!array_at(socket, "cache").empty()) out += "  Caches:\n";
    for (const json::value& cache : array_at(socket, "cache")) {
      if (!cache.is_object()) continue;
      out += "    - Level " + text_at(cache.get_object(), "level") + " (type: " + text_at(cache.get_object(), "type") +
             "): " + binary_size(number_at(cache.get_object(), "size"), 0) + "\n";
    }
    if (!array_at(socket, "cores").empty()) out += "  Cores:\n";
    for (const json::value& core : array_at(socket, "cores")) {
      if (core.is_object()) append_core(out, core.get_object());
    }
  }
}

void append_memory(std::string& out, const json::object& memory) {
  const std::uint64_t total = number_at(memory, "total");
  const std::uint64_t used = number_at(memory, "used");
  out += "\nMemory:\n";
  line(out, 2, "Free", binary_size(total > used ? total - used : 0));
  line(out, 2, "Used", binary_size(used));
  line(out, 2, "Total", binary_size(total));
}

void append_disks(std::string& out, const json::object& storage) {
  const json::array& disks = array_at(storage, "disks");
  if (disks.empty()) return;
  out += disks.size() == 1 ? "\nDisk:\n" : "\nDisks:\n";
  for (const json::value& item : disks) {
    if (!item.is_object()) continue;
    const json::object& disk = item.get_object();
    line(out, 2, "ID", text_at(disk, "id"));
    line(out, 2, "Device", text_at(disk, "device"));
    line(out, 2, "Type", text_at(disk, "type"));
    line(out, 2, "Size", binary_size(number_at(disk, "size")));
  }
}

}  // namespace

Result<std::string> resources_text(std::string_view metadata) {
  boost::system::error_code code;
  const json::value value = json::parse(json::string_view(metadata.data(), metadata.size()), code);
  if (code || !value.is_object()) return Error(ErrorKind::kInvalid, "the server's resources are no JSON object");
  const json::object& resources = value.get_object();
  std::string out;
  append_cpu(out, object_at(resources, "cpu"));
  append_memory(out, object_at(resources, "memory"));
  append_disks(out, object_at(resources, "storage"));
  return out;
}

}  // namespace cella::cli
