#include "api/resources.h"

#include "api/json_codec.h"

namespace cella::api {

template <>
struct Members<CpuThread> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("numa_node", x.numa_node);
    v("thread", x.thread);
    v("online", x.online);
    v("isolated", x.isolated);
  }
};

template <>
struct Members<CpuCore> {
  static void visit(auto& v, auto& x) {
    v("core", x.core);
    v("die", x.die);
    v("threads", x.threads);
    v("frequency", x.frequency);
  }
};

template <>
struct Members<CpuCache> {
  static void visit(auto& v, auto& x) {
    v("level", x.level);
    v("type", x.type);
    v("size", x.size);
  }
};

template <>
struct Members<CpuSocket> {
  static void visit(auto& v, auto& x) {
    v("name", x.name, Empty::kOmit);
    v("vendor", x.vendor, Empty::kOmit);
    v("socket", x.socket);
    v("cache", x.cache, Empty::kOmit);
    v("cores", x.cores);
    v("frequency", x.frequency);
    v("frequency_minimum", x.frequency_minimum);
    v("frequency_turbo", x.frequency_turbo);
  }
};

template <>
struct Members<CpuResources> {
  static void visit(auto& v, auto& x) {
    v("architecture", x.architecture);
    v("sockets", x.sockets);
    v("total", x.total);
  }
};

template <>
struct Members<MemoryNode> {
  static void visit(auto& v, auto& x) {
    v("numa_node", x.numa_node);
    v("hugepages_used", x.hugepages_used);
    v("hugepages_total", x.hugepages_total);
    v("used", x.used);
    v("total", x.total);
  }
};

template <>
struct Members<MemoryResources> {
  static void visit(auto& v, auto& x) {
    v("nodes", x.nodes);
    v("hugepages_total", x.hugepages_total);
    v("hugepages_used", x.hugepages_used);
    v("hugepages_size", x.hugepages_size);
    v("used", x.used);
    v("total", x.total);
  }
};

template <>
struct Members<DrmNode> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("card_name", x.card_name);
    v("card_device", x.card_device);
    v("render_name", x.render_name, Empty::kOmit);
    v("render_device", x.render_device, Empty::kOmit);
  }
};

template <>
struct Members<GpuCard> {
  static void visit(auto& v, auto& x) {
    v("driver", x.driver, Empty::kOmit);
    v("driver_version", x.driver_version, Empty::kOmit);
    v("drm", x.drm);
    v("numa_node", x.numa_node);
    v("pci_address", x.pci_address, Empty::kOmit);
    v("vendor_id", x.vendor_id, Empty::kOmit);
    v("product_id", x.product_id, Empty::kOmit);
  }
};

template <>
struct Members<GpuResources> {
  static void visit(auto& v, auto& x) {
    v("cards", x.cards);
    v("total", x.total);
  }
};

template <>
struct Members<NetworkPort> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("address", x.address, Empty::kOmit);
    v("port", x.port);
    v("protocol", x.protocol);
    v("auto_negotiation", x.auto_negotiation);
    v("link_detected", x.link_detected);
    v("link_speed", x.link_speed);
    v("link_duplex", x.link_duplex, Empty::kOmit);
  }
};

template <>
struct Members<NetworkCard> {
  static void visit(auto& v, auto& x) {
    v("driver", x.driver, Empty::kOmit);
    v("driver_version", x.driver_version, Empty::kOmit);
    v("ports", x.ports, Empty::kOmit);
    v("numa_node", x.numa_node);
    v("pci_address", x.pci_address, Empty::kOmit);
    v("vendor_id", x.vendor_id, Empty::kOmit);
    v("product_id", x.product_id, Empty::kOmit);
  }
};

template <>
struct Members<NetworkResources> {
  static void visit(auto& v, auto& x) {
    v("cards", x.cards);
    v("total", x.total);
  }
};

template <>
struct Members<DiskPartition> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("device", x.device);
    v("read_only", x.read_only);
    v("size", x.size);
    v("partition", x.partition);
    v("mounted", x.mounted);
  }
};

template <>
struct Members<StorageDisk> {
  static void visit(auto& v, auto& x) {
    v("id", x.id);
    v("device", x.device);
    v("model", x.model, Empty::kOmit);
    v("type", x.type, Empty::kOmit);
    v("read_only", x.read_only);
    v("mounted", x.mounted);
    v("size", x.size);
    v("removable", x.removable);
    v("wwn", x.wwn, Empty::kOmit);
    v("numa_node", x.numa_node);
    v("block_size", x.block_size);
    v("firmware_version", x.firmware_version, Empty::kOmit);
    v("rpm", x.rpm);
    v("serial", x.serial, Empty::kOmit);
    v("partitions", x.partitions);
    v("pci_address", x.pci_address, Empty::kOmit);
  }
};

template <>
struct Members<StorageResources> {
  static void visit(auto& v, auto& x) {
    v("disks", x.disks);
    v("total", x.total);
  }
};

template <>
struct Members<UsbInterface> {
  static void visit(auto& v, auto& x) {
    v("class_id", x.class_id);
    v("driver", x.driver, Empty::kOmit);
    v("driver_version", x.driver_version, Empty::kOmit);
    v("number", x.number);
    v("subclass_id", x.subclass_id);
  }
};

template <>
struct Members<UsbDevice> {
  static void visit(auto& v, auto& x) {
    v("bus_address", x.bus_address);
    v("device_address", x.device_address);
    v("interfaces", x.interfaces);
    v("vendor", x.vendor);
    v("vendor_id", x.vendor_id);
    v("product", x.product);
    v("product_id", x.product_id);
    v("speed", x.speed);
  }
};

template <>
struct Members<UsbResources> {
  static void visit(auto& v, auto& x) {
    v("devices", x.devices);
    v("total", x.total);
  }
};

template <>
struct Members<PciDevice> {
  static void visit(auto& v, auto& x) {
    v("driver", x.driver);
    v("driver_version", x.driver_version);
    v("numa_node", x.numa_node);
    v("pci_address", x.pci_address);
    v("vendor_id", x.vendor_id);
    v("product_id", x.product_id);
    v("iommu_group", x.iommu_group);
  }
};

template <>
struct Members<PciResources> {
  static void visit(auto& v, auto& x) {
    v("devices", x.devices);
    v("total", x.total);
  }
};

template <>
struct Members<SystemFirmware> {
  static void visit(auto& v, auto& x) {
    v("vendor", x.vendor);
    v("date", x.date);
    v("version", x.version);
  }
};

template <>
struct Members<SystemChassis> {
  static void visit(auto& v, auto& x) {
    v("vendor", x.vendor);
    v("type", x.type);
    v("serial", x.serial);
    v("version", x.version);
  }
};

template <>
struct Members<SystemMotherboard> {
  static void visit(auto& v, auto& x) {
    v("vendor", x.vendor);
    v("product", x.product);
    v("serial", x.serial);
    v("version", x.version);
  }
};

template <>
struct Members<SystemResources> {
  static void visit(auto& v, auto& x) {
    v("uuid", x.uuid);
    v("vendor", x.vendor);
    v("product", x.product);
    v("family", x.family);
    v("version", x.version);
    v("sku", x.sku);
    v("serial", x.serial);
    v("type", x.type);
    v("firmware", x.firmware);
    v("chassis", x.chassis);
    v("motherboard", x.motherboard);
  }
};

template <>
struct Members<Resources> {
  static void visit(auto& v, auto& x) {
    v("cpu", x.cpu);
    v("memory", x.memory);
    v("gpu", x.gpu);
    v("network", x.network);
    v("storage", x.storage);
    v("usb", x.usb);
    v("pci", x.pci);
    v("system", x.system);
  }
};

CELLA_API_CODEC(Resources)

}  // namespace cella::api
