#include "api/snapshot.h"

#include "api/instance_members.h"

namespace cella::api {

CELLA_API_CODEC(Snapshot)

}  // namespace cella::api
