// GET /1.0/metrics: for Prometheus and what reads its format.
#pragma once

#include "daemon/router.h"
#include "manager/server.h"

namespace cella::daemon {

void add_metrics_routes(Router& router, manager::Server& server);

}  // namespace cella::daemon
