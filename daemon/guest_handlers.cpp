#include "daemon/guest_handlers.h"

#include <algorithm>

#include "api/codec.h"
#include "api/response.h"
#include "base/units.h"
#include "daemon/image_export.h"
#include "daemon/wire.h"

namespace cella::daemon {
namespace {

using manager::Guest;
using manager::Value;

Reply text_reply(int status, std::string text) {
  Reply reply;
  reply.status = status;
  reply.content_type = status == 200 ? "application/octet-stream" : "text/plain; charset=utf-8";
  reply.body = std::move(text);
  return reply;
}

Reply json_reply(const Value& value) {
  Reply reply;
  reply.body = encode_value(value);
  return reply;
}

Reply forbidden() { return text_reply(403, "not authorized\n"); }
Reply missing() { return text_reply(404, "not found\n"); }

bool allows(const Guest& guest, const std::string& key, bool absent) {
  const auto found = guest.config.find(key);
  if (found == guest.config.end() || found->second.empty()) return absent;
  const auto value = parse_bool(key, found->second);
  return value.ok() && *value;
}

class GuestHandlers {
 public:
  GuestHandlers(manager::GuestApi& guests, manager::Images& images, GuestEvents& events)
      : guests_(guests), images_(images), events_(events) {}

  Reply root(const Guest&, const Request&) { return json_reply(Value::List{"/1.0"}); }

  Reply about(const Guest& guest, const Request&) {
    return json_reply(Value::Object{{"state", guest.ready ? "Ready" : "Started"},
                                    {"api_version", "1.0"},
                                    {"instance_type", "container"},
                                    {"location", "none"}});
  }

  Reply set_state(const Guest&, const Request& request) {
    const std::string state = api::member_text(request.body, "state");
    if (state != "\"Ready\"" && state != "\"Started\"") {
      return text_reply(400, "Invalid state " + (state.empty() ? "\"\"" : state) + ": expected Ready or Started\n");
    }
    const auto set = guests_.set_ready({request.guest}, state == "\"Ready\"");
    return set.ok() ? text_reply(200, "") : failed(set.error());
  }

  Reply config(const Guest& guest, const Request&) {
    Value::List urls;
    for (const auto& [key, value] : guest.config) {
      if (manager::is_guest_key(key)) urls.emplace_back("/1.0/config/" + key);
    }
    return json_reply(urls);
  }

  Reply config_value(const Guest& guest, const Request& request) {
    const auto& key = request.parameter("key");
    if (!manager::is_guest_key(key)) return forbidden();
    const auto found = guest.config.find(key);
    return found == guest.config.end() ? missing() : text_reply(200, found->second);
  }

  Reply devices(const Guest& guest, const Request&) {
    Value::Object devices;
    for (const auto& [name, device] : guest.devices) {
      Value::Object keys;
      for (const auto& [key, value] : device) keys[key] = value;
      devices[name] = std::move(keys);
    }
    return json_reply(devices);
  }

  Reply meta_data(const Guest& guest, const Request&) {
    const auto own = guest.config.find("user.meta-data");
    return text_reply(200, "#cloud-config\ninstance-id: " + guest.cloud_init_id + "\nlocal-hostname: " + guest.name + "\n" +
                               (own == guest.config.end() ? "" : own->second));
  }

  // Only what is public or fetched from elsewhere: an image of this host alone is none of an instance's business.
  Reply export_image(const Guest& guest, const Request& request) {
    if (!allows(guest, "security.devlxd.images", false)) return forbidden();
    manager::Images& images = images_.in(guest.project_of_images);
    const auto image = images.find(request.parameter("fingerprint"));
    if (!image.ok() || !(image->is_public || image->cached)) return missing();
    const auto files = images.export_files(image->fingerprint);
    if (!files.ok()) return failed(files.error());
    auto reply = export_reply(*files);
    return reply.ok() ? *std::move(reply) : failed(reply.error());
  }

  Result<TakeWebSocket> events(const Request& request) {
    const auto guest = TRY(find(request));
    std::set<std::string> types;
    std::string_view text = request.query_value("type");
    while (!text.empty()) {
      const auto end = std::min(text.find(','), text.size());
      const std::string type(text.substr(0, end));
      if (type != "config" && type != "device") return invalid_value("type", type, "expected config or device");
      types.insert(type);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return events_.listener({request.guest}, std::move(types));
  }

  Result<Guest> find(const Request& request) const {
    auto guest = TRY(guests_.find({request.guest}));
    // Switched off while it runs: LXD answers so too.
    if (!allows(guest, "security.devlxd", true)) return Error(ErrorKind::kDenied, "not authorized");
    return guest;
  }

  static Reply failed(const Error& error) {
    return text_reply(api::http_status_of(error.kind()), error.message() + "\n");
  }

 private:
  manager::GuestApi& guests_;
  manager::Images& images_;
  GuestEvents& events_;
};

using Answer = Reply (GuestHandlers::*)(const Guest&, const Request&);

}  // namespace

void add_guest_routes(Router& router, manager::GuestApi& guests, manager::Images& images, GuestEvents& events) {
  auto handlers = std::make_shared<GuestHandlers>(guests, images, events);
  const auto add = [&](const char* method, const char* path, Answer answer) {
    router.add(method, path, [handlers, answer](const Request& request) -> Result<Reply> {
      const auto guest = handlers->find(request);
      return guest.ok() ? (handlers.get()->*answer)(*guest, request) : GuestHandlers::failed(guest.error());
    });
  };
  add("GET", "/", &GuestHandlers::root);
  add("GET", "/1.0", &GuestHandlers::about);
  add("PATCH", "/1.0", &GuestHandlers::set_state);
  add("GET", "/1.0/config", &GuestHandlers::config);
  add("GET", "/1.0/config/{key}", &GuestHandlers::config_value);
  add("GET", "/1.0/devices", &GuestHandlers::devices);
  add("GET", "/1.0/meta-data", &GuestHandlers::meta_data);
  add("GET", "/1.0/images/{fingerprint}/export", &GuestHandlers::export_image);
  router.add_websocket("/1.0/events", [handlers](const Request& request) { return handlers->events(request); });
}

}  // namespace cella::daemon
