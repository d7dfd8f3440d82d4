// Network cards, GPUs, USB and PCI devices of the host.
#include <algorithm>
#include <cstdlib>

#include "base/files.h"
#include "daemon/host_resources.h"
#include "daemon/sysfs.h"

namespace cella::daemon {
namespace {

const std::string kNet = "/sys/class/net/";
const std::string kPci = "/sys/bus/pci/devices/";
const std::string kUsb = "/sys/bus/usb/devices/";
const std::string kDrm = "/sys/class/drm/";

// What all devices on a PCI bus tell. device: its directory.
template <typename Card>
void add_pci(const std::string& device, Card& card) {
  card.driver = sysfs_link(device + "/driver");
  card.driver_version = driver_version_of(device);
  card.numa_node = sysfs_number(device + "/numa_node");
  card.pci_address = pci_address_of(sysfs_resolve(device));
  const std::string pci = kPci + card.pci_address;
  card.vendor_id = sysfs_id((card.pci_address.empty() ? device : pci) + "/vendor");
  card.product_id = sysfs_id((card.pci_address.empty() ? device : pci) + "/device");
}

api::NetworkPort port_of(const std::string& name) {
  const std::string directory = kNet + name + "/";
  api::NetworkPort port;
  port.id = name;
  port.address = sysfs_text(directory + "address");
  port.port = sysfs_number(directory + "dev_port");
  port.protocol = sysfs_number(directory + "type") == 32 ? "infiniband" : "ethernet";
  port.link_detected = sysfs_number(directory + "carrier") == 1;
  port.link_speed = sysfs_number(directory + "speed");
  port.link_duplex = sysfs_text(directory + "duplex");
  if (port.link_duplex == "unknown") port.link_duplex.clear();
  return port;
}

std::uint64_t hex_of(const std::string& path) {
  const std::string text = sysfs_text(path);
  return text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 16);
}

api::UsbDevice usb_device(const std::string& name) {
  const std::string directory = kUsb + name + "/";
  api::UsbDevice device;
  device.bus_address = sysfs_number(directory + "busnum");
  device.device_address = sysfs_number(directory + "devnum");
  device.vendor = sysfs_text(directory + "manufacturer");
  device.vendor_id = sysfs_text(directory + "idVendor");
  device.product = sysfs_text(directory + "product");
  device.product_id = sysfs_text(directory + "idProduct");
  const std::string speed = sysfs_text(directory + "speed");
  device.speed.text = speed.empty() || speed.find_first_not_of("0123456789.") != std::string::npos ? "0" : speed;
  for (const std::string& child : sysfs_list(kUsb + name)) {
    // "1-1:1.0"
    if (!child.starts_with(name + ":")) continue;
    const std::string interface = directory + child;
    device.interfaces.push_back({hex_of(interface + "/bInterfaceClass"), sysfs_link(interface + "/driver"),
                                 driver_version_of(interface), hex_of(interface + "/bInterfaceNumber"),
                                 hex_of(interface + "/bInterfaceSubClass")});
  }
  return device;
}

api::DrmNode drm_node(const std::string& device, const std::string& card) {
  api::DrmNode node;
  node.id = std::strtoull(card.c_str() + 4, nullptr, 10);
  node.card_name = card;
  node.card_device = sysfs_text(kDrm + card + "/dev");
  for (const std::string& name : sysfs_list(device + "/drm")) {
    if (!name.starts_with("renderD")) continue;
    node.render_name = name;
    node.render_device = sysfs_text(kDrm + name + "/dev");
  }
  return node;
}

bool is_card(const std::string& name) {
  return name.starts_with("card") && name.find_first_not_of("0123456789", 4) == std::string::npos;
}

}  // namespace

// Interfaces of one device are the ports of one card; those without a device are software.
api::NetworkResources host_network_cards() {
  api::NetworkResources out;
  std::vector<std::string> devices;
  for (const std::string& name : sysfs_list(kNet)) {
    const std::string device = sysfs_resolve(kNet + name + "/device");
    if (device.empty()) continue;
    const auto known = std::find(devices.begin(), devices.end(), device);
    if (known != devices.end()) {
      out.cards[static_cast<std::size_t>(known - devices.begin())].ports.push_back(port_of(name));
      continue;
    }
    devices.push_back(device);
    api::NetworkCard card;
    add_pci(device, card);
    card.ports.push_back(port_of(name));
    out.cards.push_back(std::move(card));
  }
  out.total = out.cards.size();
  return out;
}

api::GpuResources host_gpus() {
  api::GpuResources out;
  for (const std::string& name : sysfs_list(kDrm)) {
    const std::string device = sysfs_resolve(kDrm + name + "/device");
    if (!is_card(name) || device.empty()) continue;
    api::GpuCard card;
    add_pci(device, card);
    card.drm = drm_node(device, name);
    out.cards.push_back(std::move(card));
  }
  out.total = out.cards.size();
  return out;
}

api::UsbResources host_usb() {
  api::UsbResources out;
  for (const std::string& name : sysfs_list(kUsb)) {
    // Without interfaces ("1-1:1.0") and root hubs ("usb1").
    if (name.find(':') != std::string::npos || name.starts_with("usb")) continue;
    out.devices.push_back(usb_device(name));
  }
  out.total = out.devices.size();
  return out;
}

api::PciResources host_pci() {
  api::PciResources out;
  for (const std::string& name : sysfs_list(kPci)) {
    api::PciDevice device;
    add_pci(kPci + name, device);
    const std::string group = sysfs_link(kPci + name + "/iommu_group");
    device.iommu_group = std::strtoull(group.c_str(), nullptr, 10);
    out.devices.push_back(std::move(device));
  }
  out.total = out.devices.size();
  return out;
}

}  // namespace cella::daemon
