// The guest API: what an instance's own processes find at /dev/lxd/sock.
#pragma once

#include "daemon/guest_events.h"
#include "daemon/router.h"
#include "manager/guest_api.h"
#include "manager/images.h"

namespace cella::daemon {

// LXD's paths and answers: bare JSON or text without an envelope, errors as text. Which instance asks is told by the
// socket (Request::guest). Everything given outlives the router.
void add_guest_routes(Router& router, manager::GuestApi& guests, manager::Images& images, GuestEvents& events);

}  // namespace cella::daemon
