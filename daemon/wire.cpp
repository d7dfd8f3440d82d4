#include "daemon/wire.h"

#include <pwd.h>
#include <unistd.h>

#include "api/client.h"
#include "api/codec.h"
#include "api/time.h"
#include "manager/instance_snapshots.h"

namespace cella::daemon {

std::string time_to_wire(std::optional<manager::Timestamp> time) {
  if (!time || time->time_since_epoch().count() == 0) return std::string(api::kNever);
  return api::format_time(std::chrono::time_point_cast<std::chrono::nanoseconds>(*time));
}

Result<std::optional<manager::Timestamp>> time_from_wire(std::string_view text) {
  const std::optional<api::Time> time = TRY(api::parse_time(text));
  if (!time) return std::optional<manager::Timestamp>();
  return std::optional(std::chrono::time_point_cast<manager::Timestamp::duration>(*time));
}

namespace {

void append_value(std::string& out, const manager::Value& value) {
  if (const std::string* text = value.text()) {
    out += api::quote(*text);
  } else if (const std::int64_t* number = value.number()) {
    out += std::to_string(*number);
  } else if (const bool* truth = std::get_if<bool>(&value.held)) {
    out += *truth ? "true" : "false";
  } else if (const manager::Value::List* list = value.list()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      append_value(out, (*list)[i]);
    }
    out += ']';
  } else if (const manager::Value::Object* object = value.object()) {
    out += '{';
    for (const auto& [name, member] : *object) {
      if (out.back() != '{') out += ',';
      out += api::quote(name);
      out += ':';
      append_value(out, member);
    }
    out += '}';
  } else {
    out += "null";
  }
}

std::string status_of(StatusCode code) { return std::string(status_text(code)); }

std::string url_of(const std::string& noun, const std::string& name) {
  return "/1.0/" + noun + "/" + api::percent_encode(name, api::Slash::kKeep);
}

std::vector<api::InterfaceAddress> addresses_of(const std::vector<manager::NetworkAddress>& addresses) {
  std::vector<api::InterfaceAddress> out;
  for (const auto& address : addresses)
    out.push_back({address.family, address.address, address.netmask, address.scope});
  return out;
}

api::InstanceStateNetwork interface_of(const manager::NetworkState& state) {
  api::InstanceStateNetwork out;
  out.addresses = addresses_of(state.addresses);
  out.counters = {
      state.bytes_received,  state.bytes_sent,  state.packets_received,         state.packets_sent,
      state.errors_received, state.errors_sent, state.packets_dropped_outbound, state.packets_dropped_inbound};
  out.hwaddr = state.hwaddr;
  out.host_name = state.host_name;
  out.mtu = state.mtu;
  out.state = state.state;
  out.type = state.type;
  return out;
}

}  // namespace

std::string encode_value(const manager::Value& value) {
  std::string out;
  append_value(out, value);
  return out;
}

api::Instance to_wire(const manager::Instance& instance) {
  api::Instance out;
  out.architecture = instance.architecture;
  out.config = instance.config;
  out.devices = instance.devices;
  out.ephemeral = instance.ephemeral;
  out.profiles = instance.profiles;
  out.stateful = instance.stateful;
  out.description = instance.description;
  out.created_at = time_to_wire(instance.created_at);
  out.expanded_config = instance.expanded_config;
  out.expanded_devices = instance.expanded_devices;
  out.name = instance.name;
  out.status = status_of(instance.status);
  out.status_code = static_cast<int>(instance.status);
  out.last_used_at = time_to_wire(instance.last_used_at);
  out.location = instance.location;
  out.type = instance.type;
  out.project = instance.project;
  return out;
}

api::Snapshot to_wire(const manager::Snapshot& snapshot) {
  const manager::SnapshotRecord& record = snapshot.record;
  api::Snapshot out;
  out.architecture = record.architecture;
  out.config = record.config;
  out.created_at = time_to_wire(record.created_at);
  out.devices = record.devices;
  out.ephemeral = record.ephemeral;
  out.expanded_config = snapshot.expanded_config;
  out.expanded_devices = snapshot.expanded_devices;
  out.expires_at = time_to_wire(record.expires_at);
  out.last_used_at = time_to_wire(record.last_used_at);
  out.name = record.name;
  out.profiles = record.profiles;
  return out;
}

api::InstanceState to_wire(const manager::InstanceState& state) {
  api::InstanceState out;
  out.status = status_of(state.status);
  out.status_code = static_cast<int>(state.status);
  for (const auto& [name, disk] : state.disk) out.disk[name].usage = disk.usage;
  out.memory = {state.memory.usage, state.memory.usage_peak, state.memory.swap_usage, state.memory.swap_usage_peak};
  for (const auto& [name, network] : state.network) out.network[name] = interface_of(network);
  out.pid = state.pid;
  out.processes = state.processes;
  out.cpu.usage = state.cpu_usage_ns;
  return out;
}

api::Image to_wire(const manager::Image& image) {
  api::Image out;
  out.auto_update = image.auto_update;
  out.properties = image.properties;
  out.is_public = image.is_public;
  out.expires_at = time_to_wire(image.expires_at);
  out.profiles = image.profiles;
  for (const auto& alias : image.aliases) out.aliases.push_back({alias.name, alias.description});
  out.architecture = image.architecture;
  out.cached = image.cached;
  out.filename = image.filename;
  out.fingerprint = image.fingerprint;
  out.size = image.size;
  out.type = image.type;
  out.created_at = time_to_wire(image.created_at);
  out.last_used_at = time_to_wire(image.last_used_at);
  out.uploaded_at = time_to_wire(image.uploaded_at);
  if (image.origin) {
    out.update_source = api::ImageUpdateSource{image.origin->alias, image.origin->certificate, image.origin->protocol,
                                               image.origin->server, image.type};
  }
  return out;
}

api::Alias to_wire(const manager::Alias& alias) { return {alias.description, alias.target, alias.name, alias.type}; }

api::Profile to_wire(const manager::Profile& profile) {
  return {profile.config, profile.description, profile.devices, profile.name, profile.used_by};
}

api::Network to_wire(const manager::Network& network) {
  api::Network out;
  out.config = network.config;
  out.description = network.description;
  out.name = network.name;
  out.type = network.type;
  out.used_by = network.used_by;
  out.managed = network.managed;
  out.status = network.status;
  if (network.managed) out.locations = {"none"};
  return out;
}

api::NetworkState to_wire(const manager::NetworkDetails& details) {
  api::NetworkState out;
  const manager::NetworkState& interface = details.interface;
  out.addresses = addresses_of(interface.addresses);
  out.counters = {interface.bytes_received, interface.bytes_sent, interface.packets_received, interface.packets_sent};
  out.hwaddr = interface.hwaddr;
  out.mtu = interface.mtu;
  out.state = interface.state;
  out.type = interface.type;
  if (details.bridge) {
    out.bridge = api::NetworkStateBridge{details.bridge->id,
                                         details.bridge->stp,
                                         static_cast<std::int64_t>(details.bridge->forward_delay),
                                         static_cast<std::int64_t>(details.bridge->vlan_default),
                                         details.bridge->vlan_filtering,
                                         details.bridge->upper_devices};
  }
  return out;
}

api::StoragePool to_wire(const manager::Pool& pool) {
  return {pool.config, pool.description, pool.name, pool.driver, pool.used_by, pool.status, {"none"}};
}

api::StorageVolume to_wire(const manager::PoolVolume& volume) {
  return {volume.config,       volume.description, volume.name,
          volume.type,         volume.used_by,     "none",
          volume.content_type, volume.project,     time_to_wire(volume.created_at)};
}

api::Operation to_wire(const manager::OperationRecord& record) {
  api::Operation out;
  out.id = record.id;
  out.op_class = manager::class_text(record.operation_class);
  out.description = record.description;
  out.created_at = time_to_wire(record.created_at);
  out.updated_at = time_to_wire(record.updated_at);
  out.status = status_of(record.status);
  out.status_code = static_cast<int>(record.status);
  for (const auto& [noun, names] : record.resources) {
    for (const std::string& name : names) out.resources[noun].push_back(url_of(noun, name));
  }
  // Clients from before "instances" look for this one.
  if (const auto found = record.resources.find("instances"); found != record.resources.end()) {
    for (const std::string& name : found->second) out.resources["containers"].push_back(url_of("containers", name));
  }
  if (!record.metadata.empty()) out.metadata.text = encode_value(record.metadata);
  out.may_cancel = record.may_cancel;
  out.err = record.error;
  out.location = record.location;
  return out;
}

api::Event to_wire(const manager::Event& event) {
  api::Event out;
  out.type = manager::event_type_text(event.type());
  out.timestamp = time_to_wire(event.timestamp);
  out.location = event.location;
  out.project = event.project;
  if (const auto* operation = std::get_if<manager::OperationRecord>(&event.metadata)) {
    out.metadata.text = api::encode(to_wire(*operation));
  } else if (const auto* lifecycle = std::get_if<manager::Lifecycle>(&event.metadata)) {
    api::LifecycleEvent wire;
    wire.action = lifecycle->action;
    wire.source = lifecycle->source;
    if (!lifecycle->context.empty()) wire.context.text = encode_value(lifecycle->context);
    if (lifecycle->requestor) {
      wire.requestor =
          api::Requestor{lifecycle->requestor->username, lifecycle->requestor->protocol, lifecycle->requestor->address};
    }
    out.metadata.text = api::encode(wire);
  } else if (const auto* line = std::get_if<manager::LogLine>(&event.metadata)) {
    out.metadata.text = api::encode(api::LoggingEvent{line->message, line->level, line->context});
  }
  return out;
}

api::InstancePut writable_part(const manager::Instance& instance) {
  api::InstancePut out;
  out.architecture = instance.architecture;
  out.config = instance.config;
  out.devices = instance.devices;
  out.ephemeral = instance.ephemeral;
  out.profiles = instance.profiles;
  out.stateful = instance.stateful;
  out.description = instance.description;
  return out;
}

api::ImagePut writable_part(const manager::Image& image) {
  return {image.auto_update, image.properties, image.is_public, time_to_wire(image.expires_at), image.profiles};
}

api::ProfilePut writable_part(const manager::Profile& profile) {
  return {profile.config, profile.description, profile.devices};
}

api::NetworkPut writable_part(const manager::Network& network) { return {network.config, network.description}; }

api::StoragePoolPut writable_part(const manager::Pool& pool) { return {pool.config, pool.description}; }

manager::Requestor requestor_of(const Request& request) {
  if (request.peer.transport == Transport::kTls) {
    return {request.access.fingerprint, "tls", request.peer.address};
  }
  std::string username = std::to_string(request.peer.uid);
  if (request.peer.uid == 0) {
    username = "root";
  } else {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (getpwuid_r(request.peer.uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
      username = found->pw_name;
    }
  }
  return {username, "unix", "@"};
}

Result<Reply> operation_reply(const manager::Operations& operations, const manager::OperationId& id) {
  const manager::OperationRecord record = TRY(operations.find(id));
  return async_reply("/1.0/operations/" + id, api::encode(to_wire(record)));
}

}  // namespace cella::daemon
