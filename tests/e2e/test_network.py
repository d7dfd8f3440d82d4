"""Managed bridges: addresses, DHCP, names, address translation, and what must not leak."""
import json
import shutil
import subprocess

from harness import busybox_image, eventually, run, run_checked


def prepare(host, *names):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    existing = {item["name"] for item in host.json("list")}
    for name in names:
        if name not in existing:
            host.cella("launch", "busybox", name)


def test_the_address_is_there_when_init_starts(host):
    prepare(host, "a", "b")
    inside = host.exec("a", "ip", "-4", "addr", "show", "eth0")
    assert host.address("a") and host.address("a") in inside, inside
    assert "default via" in host.exec("a", "ip", "route")
    assert host.address("a") != host.address("b")


def test_dhcp_answers_with_the_same_address(host):
    prepare(host, "a")
    host.exec("a", "udhcpc", "-s", "/usr/share/udhcpc/default.script", "-i", "eth0", "-n", "-q", "-t", "5", "-T", "1")
    assert host.exec("a", "cat", "/run/leased") == host.address("a")


def test_containers_reach_each_other_and_the_bridge(host):
    prepare(host, "a", "b")
    host.exec("a", "ping", "-c", "1", "-W", "3", host.address("b"))
    gateway = host.exec("a", "sh", "-c", "ip route | awk '/default/{print $3}'")
    host.exec("a", "ping", "-c", "1", "-W", "3", gateway)
    answer = eventually(lambda: host.cella("exec", "a", "--", "nslookup", "b.lxd", gateway, check=False).stdout, 10, "name")
    assert host.address("b") in answer, answer


def test_ipv6_is_there_too(host):
    prepare(host, "a", "b")
    target = eventually(lambda: host.address("b", "inet6"), 15, "IPv6 address of b")
    eventually(lambda: host.cella("exec", "a", "--", "ping", "-6", "-c", "1", "-W", "2", target, check=False).returncode == 0,
               15, "ping over IPv6")


def test_packets_leave_with_the_hosts_address(host):
    prepare(host, "a")
    run_checked("ip", "netns", "add", "cella-e2e-out")
    try:
        run_checked("ip", "link", "add", "e2eout", "type", "veth", "peer", "name", "eth0", "netns", "cella-e2e-out")
        run_checked("ip", "addr", "add", "192.0.2.1/24", "dev", "e2eout")
        run_checked("ip", "link", "set", "e2eout", "up")
        run_checked("ip", "-n", "cella-e2e-out", "addr", "add", "192.0.2.2/24", "dev", "eth0")
        run_checked("ip", "-n", "cella-e2e-out", "link", "set", "eth0", "up")
        # The far side has no route to the bridge: an answer proves that the source address was translated.
        host.exec("a", "ping", "-c", "1", "-W", "3", "192.0.2.2")
    finally:
        subprocess.run(["ip", "netns", "del", "cella-e2e-out"], check=False)
        subprocess.run(["ip", "link", "del", "e2eout"], check=False, capture_output=True)


def test_networks_are_created_changed_and_deleted(host):
    host.cella("network", "create", "nettest", "ipv4.address=10.77.0.1/24", "ipv6.address=none")
    assert "10.77.0.1/24" in host.out("network", "show", "nettest")
    assert "10.77.0.1" in run_checked("ip", "-4", "addr", "show", "nettest")
    host.cella("network", "set", "nettest", "ipv4.address", "10.78.0.1/24")
    assert "10.78.0.1" in run_checked("ip", "-4", "addr", "show", "nettest")
    host.cella("launch", "busybox", "n1", "-n", "nettest")
    assert host.address("n1").startswith("10.78.0."), host.address("n1")
    host.refused("network", "delete", "nettest", naming="in use")
    host.cella("delete", "--force", "n1")
    host.cella("network", "delete", "nettest")
    assert subprocess.run(["ip", "link", "show", "nettest"], capture_output=True).returncode != 0


def test_a_subnet_in_use_is_refused(host):
    taken = host.out("network", "get", "cellabr0", "ipv4.address")
    host.refused("network", "create", "clash", f"ipv4.address={taken}", naming=taken.rsplit(".", 1)[0])
    assert "clash" not in host.out("network", "list", "--format", "csv")
    assert subprocess.run(["ip", "link", "show", "clash"], capture_output=True).returncode != 0


def test_wrong_network_settings_name_key_and_value(host):
    for setting in ("ipv4.address=10.0.0.300/24", "ipv4.nat=perhaps", "nonsense.key=1", "bridge.mtu=-5"):
        key, value = setting.split("=")
        host.refused("network", "create", "bad", setting, naming=[key])
    host.refused("network", "create", "name-that-is-too-long", naming="name-that-is-too-long")
    assert "bad" not in host.out("network", "list", "--format", "csv")


def test_a_parent_that_is_not_there_is_named_once(host):
    prepare(host, "a")
    host.cella("init", "busybox", "unplugged")
    add = ("config", "device", "add")
    nic = ("d2", "nic", "nictype=bridged", "parent=nosuch0")
    host.cella(*add, "unplugged", *nic)
    for command in ((*add, "a", *nic), ("start", "unplugged")):
        text = host.refused(*command, naming=("d2", "parent", "nosuch0", "there is no such interface"))
        assert text.count("d2") == 1 and text.count("nosuch0") == 1, text
    assert "d2" not in host.instance("a")["devices"]
    host.cella("delete", "unplugged")


def test_an_address_is_kept_over_restarts(host):
    prepare(host, "a")
    before = host.address("a")
    host.cella("restart", "--force", "a")
    assert host.address("a") == before


def test_a_fixed_address_is_honoured(host):
    prefix = host.out("network", "get", "cellabr0", "ipv4.address").rsplit(".", 1)[0]
    host.cella("init", "busybox", "fixed")
    host.cella("config", "device", "override", "fixed", "eth0", f"ipv4.address={prefix}.77")
    host.cella("start", "fixed")
    assert host.address("fixed") == f"{prefix}.77"
    host.cella("delete", "--force", "fixed")


if __name__ == "__main__":
    run(globals())
