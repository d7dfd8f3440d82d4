"""Nodes, NICs and disks that come, change and go while a container runs, driven by the stock client where it is there."""
import json
import os
import shutil
import stat
import subprocess

from harness import Skip, busybox_image, cgroup_root, eventually, has_controller, run, run_checked


def lxc(host, *arguments, check=True):
    """The stock client, else our own."""
    if not shutil.which("lxc"):
        return host.cella(*arguments, check=check)
    environment = {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work)}
    done = subprocess.run(["lxc", *map(str, arguments)], env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    if check and done.returncode != 0:
        raise AssertionError(f"lxc {arguments}: {done.stderr}")
    return done


def refused(host, *arguments, naming):
    done = lxc(host, *arguments, check=False)
    assert done.returncode != 0, arguments
    for text in naming:
        assert text.lower() in done.stderr.lower(), f"{text!r} not in {done.stderr!r}"


def prepare(host, name="a"):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    if name not in {item["name"] for item in host.json("list")}:
        host.cella("launch", "busybox", name)


def node(host, name, path):
    return host.cella("exec", name, "--", "stat", "-c", "%F %a %u:%g %t:%T", path, check=False).stdout.strip()


def device(host, *arguments, **options):
    return lxc(host, "config", "device", *arguments, **options)


def test_character_nodes(host):
    prepare(host)
    device(host, "add", "a", "n", "unix-char", "source=/dev/full", "path=/dev/mine", "mode=0642", "uid=5", "gid=6")
    assert node(host, "a", "/dev/mine") == "character special file 642 5:6 1:7", node(host, "a", "/dev/mine")
    device(host, "remove", "a", "n")
    assert node(host, "a", "/dev/mine") == ""
    # One that no container has by itself (loop-control): the device program must let it through.
    device(host, "add", "a", "n", "unix-char", "path=/dev/deep/er/loops", "major=10", "minor=237")
    assert node(host, "a", "/dev/deep/er/loops") == "character special file 660 0:0 a:ed"
    host.exec("a", "sh", "-c", ": </dev/deep/er/loops")
    host.cella("restart", "--force", "a")
    assert node(host, "a", "/dev/deep/er/loops") == "character special file 660 0:0 a:ed"
    host.exec("a", "sh", "-c", ": </dev/deep/er/loops")
    device(host, "remove", "a", "n")


def test_block_nodes(host):
    prepare(host)
    image = host.work / "disk.img"
    image.write_bytes(b"block" + bytes((1 << 20) - 5))
    loop = run_checked("losetup", "--show", "-f", str(image)).strip()
    try:
        device(host, "add", "a", "disk", "unix-block", f"source={loop}", "path=/dev/mydisk")
        assert node(host, "a", "/dev/mydisk").startswith("block special file 660 0:0"), node(host, "a", "/dev/mydisk")
        assert host.exec("a", "head", "-c", "5", "/dev/mydisk") == "block"
        refused(host, "config", "device", "add", "a", "wrong", "unix-char", f"source={loop}", "path=/dev/wrong",
                naming=["wrong", "character"])
        device(host, "remove", "a", "disk")
        assert node(host, "a", "/dev/mydisk") == ""
    finally:
        run_checked("losetup", "-d", loop)


def test_nodes_that_are_not_there(host):
    prepare(host)
    refused(host, "config", "device", "add", "a", "n", "unix-char", "source=/dev/cella-none", naming=["/dev/cella-none"])
    device(host, "add", "a", "n", "unix-char", "source=/dev/cella-none", "required=false")
    host.cella("restart", "--force", "a")
    device(host, "remove", "a", "n")
    for keys, naming in (["source=relative"], ["source", "relative"]), (["path=/etc/x", "source=/dev/null"], ["path", "/etc/x"]), \
                        (["source=/dev/null", "mode=9"], ["mode", "9"]), (["source=/dev/null", "major=1"], ["major", "minor"]):
        refused(host, "config", "device", "add", "a", "n", "unix-char", *keys, naming=naming)


def test_a_node_that_comes_later(host):
    prepare(host)
    made = "/dev/cella-e2e/later"
    shutil.rmtree("/dev/cella-e2e", ignore_errors=True)
    device(host, "add", "a", "n", "unix-char", f"source={made}", "path=/dev/later", "required=false")
    assert node(host, "a", "/dev/later") == ""
    try:
        os.mkdir("/dev/cella-e2e")
        os.mknod(made, 0o600 | stat.S_IFCHR, os.makedev(10, 237))
        eventually(lambda: node(host, "a", "/dev/later").endswith("a:ed"), 10, "the node comes")
        host.exec("a", "sh", "-c", ": </dev/later")
        os.unlink(made)
        eventually(lambda: node(host, "a", "/dev/later") == "", 10, "the node goes")
        host.restart()
        os.mknod(made, 0o600 | stat.S_IFCHR, os.makedev(10, 237))
        eventually(lambda: node(host, "a", "/dev/later").endswith("a:ed"), 10, "the node comes to another daemon")
    finally:
        shutil.rmtree("/dev/cella-e2e", ignore_errors=True)
    device(host, "remove", "a", "n")


def test_none_hides_what_a_profile_brings(host):
    prepare(host)
    assert "eth0" in host.exec("a", "ip", "link")
    device(host, "add", "a", "eth0", "none")
    assert "eth0" not in host.exec("a", "ip", "link")
    device(host, "remove", "a", "eth0")
    assert "eth0" in host.exec("a", "ip", "link")


def test_types_without_an_implementation(host):
    prepare(host)
    for kind in ("gpu", "usb", "infiniband", "tpm", "unix-hotplug", "pci"):
        refused(host, "config", "device", "add", "a", "x", kind, naming=["x", kind])
    assert "x" not in host.instance("a")["devices"]


def test_point_to_point(host):
    prepare(host)
    device(host, "add", "a", "wan", "nic", "nictype=p2p", "name=wan", "host_name=p2phost", "mtu=1400",
           "hwaddr=00:16:3e:11:22:33", "ipv4.routes=192.0.2.7/32")
    link = host.exec("a", "ip", "link", "show", "wan")
    assert "00:16:3e:11:22:33" in link and "mtu 1400" in link, link
    assert "p2phost" in run_checked("ip", "route", "show", "192.0.2.7/32")
    run_checked("ip", "addr", "add", "192.0.2.1/32", "dev", "p2phost")
    host.exec("a", "ip", "addr", "add", "192.0.2.7/32", "dev", "wan")
    host.exec("a", "ip", "link", "set", "wan", "up")
    host.exec("a", "ip", "route", "add", "192.0.2.1/32", "dev", "wan")
    host.exec("a", "ping", "-c", "1", "-W", "3", "192.0.2.1")
    device(host, "remove", "a", "wan")
    eventually(lambda: "p2phost" not in run_checked("ip", "link"), 5, "the host's end goes")


def test_rates_and_filters_change_in_place(host):
    prepare(host)
    device(host, "override", "a", "eth0")
    index = host.exec("a", "cat", "/sys/class/net/eth0/ifindex")
    veth = host.instance("a")["config"]["volatile.eth0.host_name"]
    device(host, "set", "a", "eth0", "limits.ingress", "8Mbit")
    assert "8Mbit" in run_checked("tc", "class", "show", "dev", veth) + run_checked("tc", "qdisc", "show", "dev", veth)
    device(host, "set", "a", "eth0", "limits.ingress", "16Mbit")
    assert "16Mbit" in run_checked("tc", "class", "show", "dev", veth) + run_checked("tc", "qdisc", "show", "dev", veth)
    device(host, "unset", "a", "eth0", "limits.ingress")
    assert "Mbit" not in run_checked("tc", "class", "show", "dev", veth)
    device(host, "set", "a", "eth0", "security.mac_filtering", "true")
    if shutil.which("nft"):
        assert veth in run_checked("nft", "list", "ruleset")
    device(host, "set", "a", "eth0", "security.port_isolation", "true")
    assert "isolated on" in run_checked("bridge", "-d", "link", "show", "dev", veth)
    assert host.exec("a", "cat", "/sys/class/net/eth0/ifindex") == index, "the link was made anew"
    device(host, "remove", "a", "eth0")
    if shutil.which("nft"):
        eventually(lambda: veth not in run_checked("nft", "list", "ruleset"), 5, "no rule is left")


def vlans(veth):
    shown = json.loads(run_checked("bridge", "-j", "vlan", "show", "dev", veth))
    found = {}
    for entry in (shown[0]["vlans"] if shown else []):
        for number in range(entry["vlan"], entry.get("vlanEnd", entry["vlan"]) + 1):
            found[number] = "PVID" in entry.get("flags", [])
    return found


def test_vlans(host):
    prepare(host)
    prepare(host, "b")
    target = host.address("b")
    host.exec("a", "ping", "-c", "1", "-W", "3", target)
    tried = device(host, "override", "a", "eth0", "vlan=10", "vlan.tagged=20,30-32", check=False)
    if "CONFIG_BRIDGE_VLAN_FILTERING" in tried.stderr:
        raise Skip("bridges of this kernel do not filter by VLAN")
    assert tried.returncode == 0, tried.stderr
    veth = host.instance("a")["config"]["volatile.eth0.host_name"]
    assert vlans(veth) == {10: True, 20: False, 30: False, 31: False, 32: False}, vlans(veth)
    assert host.cella("exec", "a", "--", "ping", "-c", "1", "-W", "1", target, check=False).returncode != 0
    device(host, "override", "b", "eth0", "vlan=10")
    host.exec("a", "ping", "-c", "1", "-W", "3", target)
    device(host, "set", "a", "eth0", "vlan", "none")
    assert vlans(host.instance("a")["config"]["volatile.eth0.host_name"]) == {20: False, 30: False, 31: False, 32: False}
    for keys, naming in (["vlan", "4095"], ["vlan", "4095"]), (["vlan.tagged", "7-5"], ["vlan.tagged", "7-5"]):
        refused(host, "config", "device", "set", "a", "eth0", *keys, naming=naming)
    for name in ("a", "b"):
        device(host, "remove", name, "eth0")
    host.exec("a", "ping", "-c", "1", "-W", "3", target)


def test_nics_that_cannot_be(host):
    prepare(host)
    for keys, naming in (["nictype=macvlan", "parent=lo"], ["nictype", "macvlan"]), \
                        (["nictype=p2p", "vlan=5"], ["vlan"]), \
                        (["nictype=p2p", "security.mac_filtering=true"], ["security"]), \
                        (["nictype=p2p", "limits.max=1Mbit", "limits.egress=1Mbit"], ["limits.egress"]), \
                        (["nictype=p2p", "colour=red"], ["colour"]):
        refused(host, "config", "device", "add", "a", "x", "nic", *keys, naming=naming)


def test_disk_rates(host):
    prepare(host)
    (host.work / "data").mkdir(exist_ok=True)
    if not has_controller("io"):
        refused(host, "config", "device", "add", "a", "data", "disk", f"source={host.work}/data", "path=/mnt",
                "limits.read=1MB", naming=["data", "limits.read", "io"])
        assert "data" not in host.instance("a")["devices"]
        host.cella("init", "busybox", "limited")
        host.cella("config", "device", "override", "limited", "root", "limits.max=5iops")
        host.refused("start", "limited", naming=["root", "limits.max", "io"])
        host.cella("delete", "limited")
        return
    device(host, "add", "a", "data", "disk", f"source={host.work}/data", "path=/mnt", "limits.read=10MB", "limits.write=20iops")
    group = cgroup_root() / "lxc.payload.a" / "io.max"
    text = group.read_text()
    assert "rbps=10000000" in text and "wiops=20" in text, text
    device(host, "set", "a", "data", "limits.read", "30MB")
    assert "rbps=30000000" in group.read_text()
    device(host, "remove", "a", "data")
    assert "rbps" not in group.read_text()


def test_bad_rates(host):
    prepare(host)
    for keys, naming in (["limits.read=fast"], ["limits.read", "fast"]), \
                        (["limits.read=1MB", "limits.max=1MB"], ["limits.max"]):
        refused(host, "config", "device", "add", "a", "data", "disk", "source=/tmp", "path=/mnt", *keys, naming=naming)


def test_a_profiles_node_reaches_its_users(host):
    prepare(host)
    lxc(host, "profile", "create", "noded")
    lxc(host, "profile", "add", "a", "noded")
    lxc(host, "profile", "device", "add", "noded", "n", "unix-char", "source=/dev/full", "path=/dev/shared")
    assert node(host, "a", "/dev/shared").endswith("1:7")
    lxc(host, "profile", "device", "set", "noded", "n", "mode", "0600")
    assert " 600 " in node(host, "a", "/dev/shared")
    lxc(host, "profile", "remove", "a", "noded")
    assert node(host, "a", "/dev/shared") == ""


if __name__ == "__main__":
    run(globals())
