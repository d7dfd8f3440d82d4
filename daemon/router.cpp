#include "daemon/router.h"

#include <algorithm>

#include "api/client.h"

namespace cella::daemon {
namespace {

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

bool is_placeholder(std::string_view part) { return part.size() > 2 && part.front() == '{' && part.back() == '}'; }

}  // namespace

Result<std::string> canonical_path(std::string_view path) {
  const std::vector<std::string> parts = split_path(path);
  std::string canonical;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i < 2 && parts[i].find('%') != std::string::npos) {
      return invalid_value("path", path.substr(0, 300), "only names can hold escapes");
    }
    canonical += "/" + parts[i];
  }
  return canonical.empty() ? "/" : canonical;
}

void Router::add(const std::string& method, std::string_view pattern, Handler handler) {
  insert(method, pattern, std::move(handler));
}
void Router::add_deferred(const std::string& method, std::string_view pattern, DeferredHandler handler) {
  insert(method, pattern, std::move(handler));
}
void Router::add_upload(const std::string& method, std::string_view pattern, UploadHandler handler) {
  insert(method, pattern, std::move(handler));
}
void Router::add_websocket(std::string_view pattern, WebSocketHandler handler) {
  insert("GET", pattern, std::move(handler));
}

void Router::insert(const std::string& method, std::string_view pattern, AnyHandler handler) {
  Node* node = &root_;
  std::vector<std::string> names;
  for (const std::string& part : split_path(pattern)) {
    std::unique_ptr<Node>* child = &node->any;
    if (is_placeholder(part)) {
      names.push_back(part.substr(1, part.size() - 2));
    } else {
      child = &node->children[part];
    }
    if (!*child) *child = std::make_unique<Node>();
    node = child->get();
  }
  node->names[method] = std::move(names);
  node->handlers[method] = std::move(handler);
}

// Fixed parts win over placeholders: /images/aliases is no fingerprint.
const Router::Node* Router::walk(const Node& node, const std::vector<std::string>& parts, std::size_t at,
                                 std::vector<std::string>& taken) {
  if (at == parts.size()) return node.handlers.empty() ? nullptr : &node;
  if (const auto child = node.children.find(parts[at]); child != node.children.end()) {
    if (const Node* found = walk(*child->second, parts, at + 1, taken)) return found;
  }
  if (!node.any) return nullptr;
  taken.push_back(parts[at]);
  if (const Node* found = walk(*node.any, parts, at + 1, taken)) return found;
  taken.pop_back();
  return nullptr;
}

Result<Router::Match> Router::find(std::string_view method, std::string_view path) const {
  std::vector<std::string> parts = split_path(path);
  for (std::string& part : parts) part = TRY(api::percent_decode(part));
  Match match;
  match.parameters["kind"] = "instances";
  if (parts.size() >= 2 && parts[0] == "1.0" && (parts[1] == "containers" || parts[1] == "virtual-machines")) {
    match.parameters["kind"] = std::exchange(parts[1], "instances");
  }
  std::vector<std::string> taken;
  const Node* node = walk(root_, parts, 0, taken);
  if (node == nullptr) return Error(ErrorKind::kNotFound, "not found");
  const auto handler = node->handlers.find(method == "HEAD" ? "GET" : method);
  if (handler == node->handlers.end()) {
    return Error(ErrorKind::kUnsupported, std::string(method) + " " + std::string(path) + ": no such method here");
  }
  const std::vector<std::string>& names = node->names.find(handler->first)->second;
  for (std::size_t i = 0; i < names.size() && i < taken.size(); ++i) match.parameters[names[i]] = taken[i];
  match.handler = &handler->second;
  return match;
}

}  // namespace cella::daemon
