// GET /1.0/resources: what the host is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/values.h"

namespace cella::api {

struct CpuThread {
  std::int64_t id = 0;
  std::uint64_t numa_node = 0;
  std::uint64_t thread = 0;
  bool online = true;
  bool isolated = false;
};

struct CpuCore {
  std::uint64_t core = 0;
  std::uint64_t die = 0;
  std::vector<CpuThread> threads;
  std::uint64_t frequency = 0;  // MHz; 0: unknown
};

struct CpuCache {
  std::uint64_t level = 0;
  std::string type;
  std::uint64_t size = 0;  // bytes
};

struct CpuSocket {
  std::string name;
  std::string vendor;
  std::uint64_t socket = 0;
  std::vector<CpuCache> cache;
  std::vector<CpuCore> cores;
  std::uint64_t frequency = 0;  // MHz, here and below
  std::uint64_t frequency_minimum = 0;
  std::uint64_t frequency_turbo = 0;
};

struct CpuResources {
  std::string architecture;
  std::vector<CpuSocket> sockets;
  std::uint64_t total = 0;
};

// Sizes in bytes.
struct MemoryNode {
  std::uint64_t numa_node = 0;
  std::uint64_t hugepages_used = 0;
  std::uint64_t hugepages_total = 0;
  std::uint64_t used = 0;
  std::uint64_t total = 0;
};

struct MemoryResources {
  std::vector<MemoryNode> nodes;
  std::uint64_t hugepages_total = 0;
  std::uint64_t hugepages_used = 0;
  std::uint64_t hugepages_size = 0;
  std::uint64_t used = 0;
  std::uint64_t total = 0;
};

struct DrmNode {
  std::uint64_t id = 0;
  std::string card_name;
  std::string card_device;
  std::string render_name;
  std::string render_device;
};

struct GpuCard {
  std::string driver;
  std::string driver_version;
  std::optional<DrmNode> drm;
  std::uint64_t numa_node = 0;
  std::string pci_address;
  std::string vendor_id;
  std::string product_id;
};

struct GpuResources {
  std::vector<GpuCard> cards;
  std::uint64_t total = 0;
};

struct NetworkPort {
  std::string id;
  std::string address;
  std::uint64_t port = 0;
  std::string protocol;
  bool auto_negotiation = false;
  bool link_detected = false;
  std::uint64_t link_speed = 0;  // Mbit/s
  std::string link_duplex;
};

struct NetworkCard {
  std::string driver;
  std::string driver_version;
  std::vector<NetworkPort> ports;
  std::uint64_t numa_node = 0;
  std::string pci_address;
  std::string vendor_id;
  std::string product_id;
};

struct NetworkResources {
  std::vector<NetworkCard> cards;
  std::uint64_t total = 0;
};

struct DiskPartition {
  std::string id;
  std::string device;  // "8:1"
  bool read_only = false;
  std::uint64_t size = 0;
  std::uint64_t partition = 0;
  bool mounted = false;
};

struct StorageDisk {
  std::string id;
  std::string device;
  std::string model;
  std::string type;
  bool read_only = false;
  bool mounted = false;
  std::uint64_t size = 0;
  bool removable = false;
  std::string wwn;
  std::uint64_t numa_node = 0;
  std::uint64_t block_size = 0;
  std::string firmware_version;
  std::uint64_t rpm = 0;
  std::string serial;
  std::vector<DiskPartition> partitions;
  std::string pci_address;
};

struct StorageResources {
  std::vector<StorageDisk> disks;
  std::uint64_t total = 0;
};

struct UsbInterface {
  std::uint64_t class_id = 0;
  std::string driver;
  std::string driver_version;
  std::uint64_t number = 0;
  std::uint64_t subclass_id = 0;
};

struct UsbDevice {
  std::uint64_t bus_address = 0;
  std::uint64_t device_address = 0;
  std::vector<UsbInterface> interfaces;
  std::string vendor;
  std::string vendor_id;
  std::string product;
  std::string product_id;
  RawJson speed;  // Mbit/s, 1.5 for the slowest
};

struct UsbResources {
  std::vector<UsbDevice> devices;
  std::uint64_t total = 0;
};

struct PciDevice {
  std::string driver;
  std::string driver_version;
  std::uint64_t numa_node = 0;
  std::string pci_address;
  std::string vendor_id;
  std::string product_id;
  std::uint64_t iommu_group = 0;
};

struct PciResources {
  std::vector<PciDevice> devices;
  std::uint64_t total = 0;
};

struct SystemFirmware {
  std::string vendor, date, version;
};
struct SystemChassis {
  std::string vendor, type, serial, version;
};
struct SystemMotherboard {
  std::string vendor, product, serial, version;
};

struct SystemResources {
  std::string uuid, vendor, product, family, version, sku, serial;
  std::string type;  // "physical", "virtual-machine", "container", "unknown"
  std::optional<SystemFirmware> firmware;
  std::optional<SystemChassis> chassis;
  std::optional<SystemMotherboard> motherboard;
};

struct Resources {
  CpuResources cpu;
  MemoryResources memory;
  GpuResources gpu;
  NetworkResources network;
  StorageResources storage;
  UsbResources usb;
  PciResources pci;
  SystemResources system;
};

}  // namespace cella::api
