#include "manager/instances.h"

#include "manager/instance_parts.h"

namespace cella::manager {

Instances::Instances(std::unique_ptr<InstanceParts> parts) : parts_(std::move(parts)) {}
Instances::~Instances() = default;

std::vector<Instance> Instances::list() const {
  std::vector<Instance> instances;
  for (const auto& entry : parts_->set.list()) instances.push_back(parts_->set.view(*entry));
  return instances;
}

Result<Instance> Instances::find(const std::string& name) const {
  return parts_->set.view(*TRY(parts_->set.find(name)));
}

Result<OperationId> Instances::create(const InstanceCreate& request, const Caller& caller, const FetchImage& fetch) {
  const std::string name = qualified_name(request.project, request.name);
  if (request.copy && request.copy->refresh && parts_->set.find(name).ok()) {
    return parts_->refresh.refresh(name, *request.copy, caller);
  }
  if (request.copy) return parts_->copies.copy(request, caller);
  return parts_->creation.create(request, fetch, caller);
}
Result<OperationId> Instances::update(const std::string& name, const InstancePut& put, const Caller& caller) {
  return parts_->update.update(name, put, caller);
}
Result<void> Instances::patch(const std::string& name, const InstancePatch& patch, const Caller& caller) {
  return parts_->update.patch(name, patch, caller);
}
Result<OperationId> Instances::rename(const std::string& name, const std::string& to, const Caller& caller) {
  return parts_->removal.rename(name, to, caller);
}
Result<OperationId> Instances::move(const std::string& name, const std::string& to, const std::string& pool,
                                    const Caller& caller) {
  return parts_->copies.move(name, to, pool, caller);
}
Result<OperationId> Instances::remove(const std::string& name, const Caller& caller) {
  return parts_->removal.remove(name, caller);
}
Result<OperationId> Instances::change_state(const std::string& name, const StateChange& change,
                                            const Caller& caller) {
  return parts_->control.change_state(name, change, caller);
}

Result<InstanceState> Instances::state(const std::string& name) const { return parts_->views.state(name); }
Result<ExecProcess> Instances::exec(const std::string& name, const ExecRequest& request, const int (&stdio)[3],
                                    std::function<void(int wait_status)> on_exit) {
  return parts_->views.exec(name, request, stdio, std::move(on_exit));
}
Result<ConsoleSession> Instances::console(const std::string& name) { return parts_->views.console(name); }
Result<void> Instances::resize_console(const std::string& name, int columns, int rows) {
  return parts_->views.resize_console(name, columns, rows);
}
Result<std::string> Instances::console_log(const std::string& name) const { return parts_->views.console_log(name); }
Result<void> Instances::clear_console_log(const std::string& name) { return parts_->views.clear_console_log(name); }
InstanceFiles& Instances::files() { return parts_->files; }
InstanceMigration& Instances::migration() { return parts_->migration; }
InstanceMetadata& Instances::metadata() { return parts_->metadata; }
Result<LaunchTrace> Instances::launch_trace(const std::string& name) const {
  return parts_->views.launch_trace(name);
}

}  // namespace cella::manager
