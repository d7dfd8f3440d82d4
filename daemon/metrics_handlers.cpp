#include "daemon/metrics_handlers.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/files.h"
#include "base/units.h"
#include "daemon/metrics_text.h"
#include "manager/operations.h"
#include "manager/warnings.h"

namespace cella::daemon {
namespace {

using Type = MetricFamilies::Type;

// The second number of /proc/self/statm is in pages.
double resident_bytes() {
  const auto text = read_file("/proc/self/statm");
  if (!text.ok()) return 0;
  const auto begin = text->find(' ') + 1;
  const auto pages = parse_unsigned("pages", std::string_view(*text).substr(begin, text->find(' ', begin) - begin));
  return pages.ok() ? static_cast<double>(*pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double open_descriptors() {
  const auto directory = open_dir("/proc/self/fd");
  if (!directory.ok()) return 0;
  const auto names = list_names(*directory);
  return names.ok() ? static_cast<double>(names->size()) : 0;
}

class MetricsHandlers {
 public:
  explicit MetricsHandlers(manager::Server& server) : server_(server) {}

  Result<Reply> get(const Request& request) {
    MetricFamilies families;
    const std::string_view project = request.query_value("project");
    for (const auto& instance : server_.metrics()) {
      if (project.empty() || instance.project == project) add_instance(families, instance);
    }
    add_daemon(families);
    add_launches(families, server_.launches());
    Reply reply;
    reply.content_type = "text/plain";
    reply.body = families.text();
    return reply;
  }

 private:
  void add_daemon(MetricFamilies& families) {
    const auto instances = server_.instances().list();
    families.add("lxd_instances", Type::kGauge, "The number of instances.", {{"type", "container"}},
                 static_cast<double>(instances.size()));
    families.add("lxd_operations_total", Type::kGauge, "The number of running operations", {},
                 static_cast<double>(server_.operations().list().size()));
    const auto warnings = server_.warnings().list();
    families.add("lxd_warnings_total", Type::kGauge, "The number of active warnings.", {},
                 static_cast<double>(std::count_if(warnings.begin(), warnings.end(), [](const auto& warning) {
                   return warning.status != manager::WarningStatus::kResolved;
                 })));
    const std::chrono::duration<double> up = std::chrono::steady_clock::now() - started_;
    families.add("lxd_uptime_seconds", Type::kGauge, "The daemon uptime in seconds.", {}, up.count());
    families.add("cella_daemon_resident_bytes", Type::kGauge, "Memory of the daemon.", {}, resident_bytes());
    families.add("cella_daemon_open_descriptors", Type::kGauge, "Files and sockets the daemon has open.", {},
                 open_descriptors());
  }

  manager::Server& server_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

void add_metrics_routes(Router& router, manager::Server& server) {
  auto handlers = std::make_shared<MetricsHandlers>(server);
  router.add("GET", "/1.0/metrics", [handlers](const Request& request) { return handlers->get(request); });
}

}  // namespace cella::daemon
