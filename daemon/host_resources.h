// The host's hardware, from /proc and sysfs.
#pragma once

#include "api/resources.h"
#include "base/result.h"

namespace cella::daemon {

// Errors: those of reading /proc.
Result<api::Resources> host_resources();

// Its parts, each in a file of its own.
Result<api::CpuResources> host_cpus();
Result<api::MemoryResources> host_memory();
api::StorageResources host_disks();
api::NetworkResources host_network_cards();
api::GpuResources host_gpus();
api::UsbResources host_usb();
api::PciResources host_pci();
api::SystemResources host_system();

}  // namespace cella::daemon
