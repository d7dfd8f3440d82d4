// The machine as its firmware describes it, and all resources together.
#include "base/files.h"
#include "daemon/host_resources.h"
#include "daemon/sysfs.h"

namespace cella::daemon {
namespace {

const std::string kDmi = "/sys/class/dmi/id/";

std::string dmi(const char* file) { return sysfs_text(kDmi + file); }

// By the processor's flag and the vendor that hypervisors put into the firmware.
std::string machine_type() {
  const std::string cpuinfo = sysfs_text("/proc/cpuinfo");
  return cpuinfo.find(" hypervisor") != std::string::npos ? "virtual-machine" : "physical";
}

}  // namespace

api::SystemResources host_system() {
  api::SystemResources out;
  out.uuid = dmi("product_uuid");
  out.vendor = dmi("sys_vendor");
  out.product = dmi("product_name");
  out.family = dmi("product_family");
  out.version = dmi("product_version");
  out.sku = dmi("product_sku");
  out.serial = dmi("product_serial");
  out.type = machine_type();
  if (!path_exists(kDmi)) return out;
  out.firmware = api::SystemFirmware{dmi("bios_vendor"), dmi("bios_date"), dmi("bios_version")};
  out.chassis = api::SystemChassis{dmi("chassis_vendor"), dmi("chassis_type"), dmi("chassis_serial"),
                                   dmi("chassis_version")};
  out.motherboard =
      api::SystemMotherboard{dmi("board_vendor"), dmi("board_name"), dmi("board_serial"), dmi("board_version")};
  return out;
}

Result<api::Resources> host_resources() {
  api::Resources out;
  out.cpu = TRY(host_cpus());
  out.memory = TRY(host_memory());
  out.gpu = host_gpus();
  out.network = host_network_cards();
  out.storage = host_disks();
  out.usb = host_usb();
  out.pci = host_pci();
  out.system = host_system();
  return out;
}

}  // namespace cella::daemon
