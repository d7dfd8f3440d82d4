#include <gtest/gtest.h>

#include "manager/config_keys.h"
#include "manager/server_keys.h"

namespace cella::manager {
namespace {

// Every key of LXD 5.0, 6 and Incus for instances and servers, families with one member: each is known here, with an
// effect or a reason why not.
constexpr const char* kInstanceKeys[] = {
    "agent.nic_config",
    "boot.autorestart",
    "boot.autostart",
    "boot.autostart.delay",
    "boot.autostart.priority",
    "boot.debug_edk2",
    "boot.host_shutdown_action",
    "boot.host_shutdown_timeout",
    "boot.mode",
    "boot.stop.priority",
    "cloud-init.network-config",
    "cloud-init.ssh-keys.x",
    "cloud-init.user-data",
    "cloud-init.vendor-data",
    "cluster.evacuate",
    "environment.x",
    "limits.cpu",
    "limits.cpu.allowance",
    "limits.cpu.nodes",
    "limits.cpu.pin_strategy",
    "limits.cpu.priority",
    "limits.disk.priority",
    "limits.hugepages.1GB",
    "limits.hugepages.1MB",
    "limits.hugepages.2MB",
    "limits.hugepages.64KB",
    "limits.kernel.as",
    "limits.kernel.core",
    "limits.kernel.cpu",
    "limits.kernel.data",
    "limits.kernel.fsize",
    "limits.kernel.locks",
    "limits.kernel.memlock",
    "limits.kernel.nice",
    "limits.kernel.nofile",
    "limits.kernel.nproc",
    "limits.kernel.rtprio",
    "limits.kernel.sigpending",
    "limits.max_bus_ports",
    "limits.memory",
    "limits.memory.enforce",
    "limits.memory.hotplug",
    "limits.memory.hugepages",
    "limits.memory.oom_priority",
    "limits.memory.swap",
    "limits.memory.swap.priority",
    "limits.network.priority",
    "limits.processes",
    "linux.kernel_modules",
    "linux.kernel_modules.load",
    "linux.sysctl.x",
    "migration.incremental.memory",
    "migration.incremental.memory.goal",
    "migration.incremental.memory.iterations",
    "migration.stateful",
    "nvidia.driver.capabilities",
    "nvidia.require.cuda",
    "nvidia.require.driver",
    "nvidia.runtime",
    "oci.cwd",
    "oci.entrypoint",
    "oci.gid",
    "oci.uid",
    "placement.group",
    "raw.apparmor",
    "raw.idmap",
    "raw.lxc",
    "raw.qemu",
    "raw.qemu.conf",
    "raw.qemu.qmp.early",
    "raw.qemu.qmp.post-start",
    "raw.qemu.qmp.pre-start",
    "raw.qemu.scriptlet",
    "raw.seccomp",
    "security.agent.metrics",
    "security.bpffs.delegate_attachs",
    "security.bpffs.delegate_cmds",
    "security.bpffs.delegate_maps",
    "security.bpffs.delegate_progs",
    "security.bpffs.path",
    "security.csm",
    "security.delegate_bpf",
    "security.delegate_bpf.attach_types",
    "security.delegate_bpf.cmd_types",
    "security.delegate_bpf.map_types",
    "security.delegate_bpf.prog_types",
    "security.devlxd",
    "security.devlxd.images",
    "security.devlxd.management.volumes",
    "security.guestapi",
    "security.guestapi.images",
    "security.idmap.base",
    "security.idmap.isolated",
    "security.idmap.size",
    "security.iommu",
    "security.nesting",
    "security.privileged",
    "security.protection.delete",
    "security.protection.shift",
    "security.protection.start",
    "security.secureboot",
    "security.sev",
    "security.sev.policy.es",
    "security.sev.session.data",
    "security.sev.session.dh",
    "security.syscalls.allow",
    "security.syscalls.deny",
    "security.syscalls.deny_compat",
    "security.syscalls.deny_default",
    "security.syscalls.intercept.bpf",
    "security.syscalls.intercept.bpf.devices",
    "security.syscalls.intercept.mknod",
    "security.syscalls.intercept.mount",
    "security.syscalls.intercept.mount.allowed",
    "security.syscalls.intercept.mount.fuse",
    "security.syscalls.intercept.mount.shift",
    "security.syscalls.intercept.sched_setscheduler",
    "security.syscalls.intercept.setxattr",
    "security.syscalls.intercept.sysinfo",
    "smbios11.x",
    "snapshots.expiry",
    "snapshots.expiry.manual",
    "snapshots.pattern",
    "snapshots.schedule",
    "snapshots.schedule.stopped",
    "systemd.credential-binary.x",
    "systemd.credential.x",
    "ubuntu_pro.guest_attach",
    "user.meta-data",
    "user.network-config",
    "user.user-data",
    "user.vendor-data",
    "user.x",
    "volatile.apply_nvram",
    "volatile.apply_template",
    "volatile.attached_volumes",
    "volatile.base_image",
    "volatile.bus.mode",
    "volatile.cloud-init.instance-id",
    "volatile.cloud_init.instance-id",
    "volatile.cluster.group",
    "volatile.container.oci",
    "volatile.cpu.nodes",
    "volatile.eth0.apply_quota",
    "volatile.eth0.bus",
    "volatile.eth0.ceph_rbd",
    "volatile.eth0.devlxd.owner",
    "volatile.eth0.host_name",
    "volatile.eth0.hwaddr",
    "volatile.eth0.io.bus",
    "volatile.eth0.last_state.created",
    "volatile.eth0.last_state.hwaddr",
    "volatile.eth0.last_state.ip_addresses",
    "volatile.eth0.last_state.mtu",
    "volatile.eth0.last_state.pci.driver",
    "volatile.eth0.last_state.pci.parent",
    "volatile.eth0.last_state.pci.slot.name",
    "volatile.eth0.last_state.usb.bus",
    "volatile.eth0.last_state.usb.device",
    "volatile.eth0.last_state.vdpa.name",
    "volatile.eth0.last_state.vf.hwaddr",
    "volatile.eth0.last_state.vf.id",
    "volatile.eth0.last_state.vf.parent",
    "volatile.eth0.last_state.vf.spoofcheck",
    "volatile.eth0.last_state.vf.trusted",
    "volatile.eth0.last_state.vf.vlan",
    "volatile.eth0.mig.uuid",
    "volatile.eth0.name",
    "volatile.eth0.vgpu.uuid",
    "volatile.evacuate.origin",
    "volatile.idmap.base",
    "volatile.idmap.current",
    "volatile.idmap.next",
    "volatile.last_state.idmap",
    "volatile.last_state.power",
    "volatile.last_state.ready",
    "volatile.rebalance.last_move",
    "volatile.uuid",
    "volatile.uuid.generation",
    "volatile.vm.definition",
    "volatile.vm.hotplug.memory",
    "volatile.vm.needs_reset",
    "volatile.vm.rtc_adjustment",
    "volatile.vm.rtc_offset",
    "volatile.vsock_id",
};

constexpr const char* kServerKeys[] = {
    "acme.agree_tos",
    "acme.ca_url",
    "acme.challenge",
    "acme.domain",
    "acme.email",
    "acme.http.port",
    "acme.provider",
    "acme.provider.environment",
    "acme.provider.resolvers",
    "authorization.scriptlet",
    "backups.compression_algorithm",
    "cluster.healing_threshold",
    "cluster.https_address",
    "cluster.images_minimal_replica",
    "cluster.join_token_expiry",
    "cluster.max_standby",
    "cluster.max_voters",
    "cluster.offline_threshold",
    "cluster.rebalance.batch",
    "cluster.rebalance.cooldown",
    "cluster.rebalance.interval",
    "cluster.rebalance.threshold",
    "core.auth_secret_expiry",
    "core.bgp_address",
    "core.bgp_asn",
    "core.bgp_routerid",
    "core.debug_address",
    "core.dns_address",
    "core.https_address",
    "core.https_allowed_credentials",
    "core.https_allowed_headers",
    "core.https_allowed_methods",
    "core.https_allowed_origin",
    "core.https_trusted_proxy",
    "core.metrics_address",
    "core.metrics_authentication",
    "core.proxy_http",
    "core.proxy_https",
    "core.proxy_ignore_hosts",
    "core.remote_token_expiry",
    "core.shutdown_timeout",
    "core.storage_buckets_address",
    "core.syslog_socket",
    "core.trust_ca_certificates",
    "core.trust_password",
    "images.auto_update_cached",
    "images.auto_update_interval",
    "images.compression_algorithm",
    "images.default_architecture",
    "images.remote_cache_expiry",
    "instances.lxcfs.per_instance",
    "instances.migration.stateful",
    "instances.nic.host_name",
    "instances.placement.scriptlet",
    "loki.api.ca_cert",
    "loki.api.url",
    "loki.auth.password",
    "loki.auth.username",
    "loki.instance",
    "loki.labels",
    "loki.loglevel",
    "loki.types",
    "maas.api.key",
    "maas.api.url",
    "maas.machine",
    "network.ovn.ca_cert",
    "network.ovn.client_cert",
    "network.ovn.client_key",
    "network.ovn.integration_bridge",
    "network.ovn.northbound_connection",
    "network.ovs.connection",
    "oidc.audience",
    "oidc.claim",
    "oidc.client.id",
    "oidc.client.secret",
    "oidc.device.client.id",
    "oidc.groups.claim",
    "oidc.issuer",
    "oidc.scopes",
    "oidc.session.expiry",
    "storage.backups_volume",
    "storage.images_volume",
    "storage.linstor.ca_cert",
    "storage.linstor.client_cert",
    "storage.linstor.client_key",
    "storage.linstor.controller_connection",
    "storage.linstor.satellite.name",
    "storage.logs_volume",
    "storage.project.x.backups_volume",
    "storage.project.x.images_volume",
    "user.instances.placement.scriptlet",
    "volatile.uuid",
};

// Those that LXD changes in running instances.
constexpr const char* kLiveKeys[] = {
    "boot.host_shutdown_timeout",
    "environment.x",
    "linux.kernel_modules",
    "limits.cpu",
    "limits.cpu.allowance",
    "limits.cpu.priority",
    "limits.disk.priority",
    "limits.hugepages.64KB",
    "limits.hugepages.1MB",
    "limits.hugepages.2MB",
    "limits.hugepages.1GB",
    "limits.memory",
    "limits.memory.enforce",
    "limits.memory.swap",
    "limits.processes",
    "security.protection.delete",
    "security.protection.shift",
};

TEST(InstanceKeys, AreAllEffectiveOrRefusedWithAReason) {
  for (const char* key : kInstanceKeys) {
    const KeyRule* rule = find_key_rule(key);
    ASSERT_NE(rule, nullptr) << key;
    if (rule->refused.empty()) continue;
    EXPECT_GT(rule->refused.size(), 10u) << key;
    const auto refused = check_config({{key, "1"}}, ConfigOwner::kInstance);
    ASSERT_FALSE(refused.ok()) << key;
    EXPECT_EQ(refused.error().kind(), ErrorKind::kUnsupported) << key;
    EXPECT_NE(refused.error().message().find(key), std::string::npos) << key;
  }
}

TEST(InstanceKeys, ThatLxdChangesLiveAreLive) {
  for (const char* key : kLiveKeys) {
    const KeyRule* rule = find_key_rule(key);
    ASSERT_NE(rule, nullptr) << key;
    EXPECT_EQ(rule->live, Live::kNow) << key;
    EXPECT_TRUE(rule->refused.empty()) << key;
  }
}

TEST(InstanceKeys, AreUnknownElsewhere) {
  for (const char* key : {"", "limits", "limits.", "limits.cpus", "security", "nonsense"}) {
    const auto refused = check_config({{key, "1"}}, ConfigOwner::kInstance);
    EXPECT_FALSE(refused.ok()) << key;
  }
}

TEST(InstanceKeys, TakeWhatTheirTableSays) {
  const Config good{{"security.syscalls.deny", "mkdir errno 1\nsocket errno 97 [0,16,SCMP_CMP_EQ]"},
                    {"security.syscalls.deny_compat", "true"},
                    {"raw.idmap", "both 1000 1000"},
                    {"security.idmap.base", "1500000"},
                    {"security.idmap.size", "100000"},
                    {"linux.kernel_modules", "ip_tables, nf-nat"},
                    {"limits.memory.swap", "512MiB"},
                    {"snapshots.schedule", "@daily, 0 6 * * *"},
                    {"snapshots.schedule.stopped", "true"}};
  for (const auto& [key, value] : good) {
    const auto checked = check_config({{key, value}}, ConfigOwner::kProfile);
    EXPECT_TRUE(checked.ok()) << checked.error().message();
  }
  const Config bad{{"security.syscalls.deny", "mkdirr"},   {"security.syscalls.allow", "read [x]"},
                   {"security.syscalls.deny_compat", "x"}, {"raw.idmap", "both 0 0"},
                   {"security.idmap.base", "0"},           {"security.idmap.size", "10"},
                   {"linux.kernel_modules", "a;b"},        {"limits.memory.swap", "much"},
                   {"snapshots.schedule", "daily"},        {"snapshots.schedule.stopped", "2"}};
  for (const auto& [key, value] : bad) {
    const auto checked = check_config({{key, value}}, ConfigOwner::kInstance);
    ASSERT_FALSE(checked.ok()) << key << "=" << value;
    EXPECT_EQ(checked.error().kind(), ErrorKind::kInvalid) << key;
    EXPECT_NE(checked.error().message().find(key), std::string::npos) << checked.error().message();
  }
}

TEST(ServerKeys, AreAllEffectiveOrRefusedWithAReason) {
  for (const char* key : kServerKeys) {
    const auto checked = check_server_key(key, "");
    if (checked.ok()) continue;
    EXPECT_EQ(checked.error().kind(), ErrorKind::kUnsupported) << key;
    EXPECT_NE(checked.error().message().find(key), std::string::npos) << key;
    EXPECT_GT(checked.error().message().size(), std::string(key).size() + 40) << key;
  }
  EXPECT_EQ(check_server_key("core.nonsense", "1").error().kind(), ErrorKind::kInvalid);
  EXPECT_FALSE(check_server_key("backups.compression_algorithm", "; rm").ok());
  EXPECT_FALSE(check_server_key("core.metrics_authentication", "maybe").ok());
}

}  // namespace
}  // namespace cella::manager
