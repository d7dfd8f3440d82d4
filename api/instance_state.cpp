#include "api/instance_state.h"

#include "api/instance_members.h"

namespace cella::api {

CELLA_API_CODEC(InstanceStateDisk)
CELLA_API_CODEC(InstanceStateCpu)
CELLA_API_CODEC(InstanceStateMemory)
CELLA_API_CODEC(InterfaceAddress)
CELLA_API_CODEC(InterfaceCounters)
CELLA_API_CODEC(InstanceStateNetwork)
CELLA_API_CODEC(InstanceState)
CELLA_API_CODEC(InstanceStatePut)
CELLA_API_CODEC(InstancesPut)

}  // namespace cella::api
