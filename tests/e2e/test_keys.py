"""Instance and server configuration keys: each has its effect inside the container, or is refused with a reason."""
import json
import os
import pathlib

from harness import Skip, busybox_image, has_controller, run


def image(host):
    if not any(item["name"] == "bb" for item in host.api("GET", "/1.0/images/aliases?recursion=1")[1]["metadata"]):
        host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    return "bb"


def config_of(host, name):
    return host.api("GET", f"/1.0/instances/{name}")[1]["metadata"]["config"]


def launch(host, name, *settings):
    words = [word for setting in settings for word in ("-c", setting)]
    host.cella("launch", image(host), name, *words)
    return name


def id_map(host, name, kind="uid"):
    lines = pathlib.Path(f"/proc/{host.pid(name)}/{kind}_map").read_text().split("\n")
    return [tuple(map(int, line.split())) for line in lines if line]


def seccomp_mode(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.split("\n") if line.startswith("Seccomp:")).split()[1])


def test_denied_calls_are_denied_in_init_and_in_exec(host):
    launch(host, "k1", "security.syscalls.deny=mkdir errno 1\nmkdirat errno 1")
    done = host.cella("exec", "k1", "--", "mkdir", "/tmp/x", check=False)
    assert done.returncode == 1 and "not permitted" in done.stderr, done
    host.exec("k1", "touch", "/tmp/y")
    # Another daemon takes the container over with its filter.
    host.restart()
    assert host.cella("exec", "k1", "--", "mkdir", "/tmp/x", check=False).returncode == 1
    host.cella("config", "unset", "k1", "security.syscalls.deny")
    done = host.cella("exec", "k1", "--", "mkdir", "/tmp/x", check=False)
    assert done.returncode == 1, "a running container keeps its filter"
    host.cella("restart", "-f", "k1")
    host.exec("k1", "mkdir", "/tmp/x")


def test_without_the_default_filter_there_is_none(host):
    launch(host, "k2")
    assert seccomp_mode(host.pid("k2")) == 2
    host.cella("config", "set", "k2", "security.syscalls.deny_default", "false")
    host.cella("restart", "-f", "k2")
    assert seccomp_mode(host.pid("k2")) == 0
    host.cella("config", "set", "k2", "security.syscalls.deny_compat", "true")
    host.cella("restart", "-f", "k2")
    assert seccomp_mode(host.pid("k2")) == 2


def test_bad_filters_are_refused(host):
    host.refused("config", "set", "k2", "security.syscalls.deny", "mkdirr errno 1",
                 naming=["security.syscalls.deny", "mkdirr"])
    host.refused("config", "set", "k2", "security.syscalls.allow=read\nwrite",
                 naming=["security.syscalls.allow", "excludes"])
    host.refused("config", "set", "k2", "raw.seccomp=x", naming="raw.seccomp")
    host.refused("config", "set", "k2", "security.syscalls.intercept.mknod=true", naming="intercept")


def test_raw_idmap_maps_single_ids(host):
    share = host.work / "share"
    share.mkdir()
    os.chown(share, 1234, 4321)
    launch(host, "k3", "raw.idmap=uid 1234 1000\ngid 4321 100")
    host.cella("config", "device", "add", "k3", "share", "disk", f"source={share}", "path=/share")
    assert host.exec("k3", "stat", "-c", "%u:%g", "/share") == "1000:100"
    host.cella("exec", "k3", "--user", "1000", "--group", "100", "--cwd", "/", "--", "touch", "/share/made")
    made = os.stat(share / "made")
    assert (made.st_uid, made.st_gid) == (1234, 4321)
    assert (1000, 1234, 1) in id_map(host, "k3") and (100, 4321, 1) in id_map(host, "k3", "gid")
    current = json.loads(config_of(host, "k3")["volatile.idmap.current"])
    assert {"Isuid": True, "Isgid": False, "Hostid": 1234, "Nsid": 1000, "Maprange": 1} in current
    # Files of the root are what they were.
    assert host.exec("k3", "stat", "-c", "%u:%g", "/bin/busybox") == "0:0"
    for bad, why in (("both 0 1", "host's root"), ("both 1", "raw.idmap"), ("uid 5-6 7", "length")):
        host.refused("config", "set", "k3", f"raw.idmap={bad}", naming=["raw.idmap", why])
    base = id_map(host, "k2")[0][1]
    host.refused("config", "set", "k3", f"raw.idmap=uid {base} 5", naming=["raw.idmap", str(base)])


def test_an_id_range_of_choice(host):
    first = id_map(host, "k2")[0][1]
    base = first + 50 * 65536 + 7
    launch(host, "k4", f"security.idmap.base={base}", "security.idmap.size=100000")
    assert id_map(host, "k4") == [(0, base, 100000)]
    assert config_of(host, "k4")["volatile.idmap.base"] == str(base)
    host.exec("k4", "sh", "-c", "touch /root/f && chown 99999:99999 /root/f")
    host.refused("init", image(host), "k5", "-c", f"security.idmap.base={base + 99999}",
                 naming=["security.idmap.base", str(base + 99999)])
    host.refused("init", image(host), "k5", "-c", "security.idmap.size=1000", naming="security.idmap.size")
    # A stopped instance moves to another range; its files go with it.
    host.cella("stop", "-f", "k4")
    host.cella("config", "set", "k4", f"security.idmap.base={base + 65536}")
    host.cella("start", "k4")
    assert id_map(host, "k4") == [(0, base + 65536, 100000)]
    assert host.exec("k4", "stat", "-c", "%u", "/root/f") == "99999"
    host.refused("config", "set", "k4", "security.idmap.isolated=false", naming="security.idmap.isolated")


def test_nesting_shows_full_kernel_views(host):
    launch(host, "k6", "security.nesting=true")
    mounts = host.exec("k6", "cat", "/proc/self/mountinfo")
    assert " /dev/.lxc/proc " in mounts and " /dev/.lxc/sys " in mounts
    assert " /dev/.lxc/proc " not in host.exec("k2", "cat", "/proc/self/mountinfo")
    # A namespace inside can then mount a proc of its own.
    assert "self" in host.exec("k6", "unshare", "-U", "-r", "-p", "-f", "-m", "sh", "-c", "mount -t proc p /tmp && ls /tmp")


def test_kernel_modules_are_checked_and_loaded(host):
    loaded = sorted(path.name for path in pathlib.Path("/sys/module").iterdir())
    launch(host, "k7", f"linux.kernel_modules={loaded[0]}, {loaded[-1]}")
    host.refused("config", "set", "k7", "linux.kernel_modules=../x", naming=["linux.kernel_modules", "../x"])
    host.refused("config", "set", "k7", "linux.kernel_modules=-r", naming="linux.kernel_modules")
    # Live: a running instance's new module is asked for at once.
    host.refused("config", "set", "k7", "linux.kernel_modules=cella_no_such_module",
                 naming=["linux.kernel_modules", "cella_no_such_module"])
    assert host.out("config", "get", "k7", "linux.kernel_modules") == f"{loaded[0]}, {loaded[-1]}"


def test_sysctls_limits_and_environment(host):
    launch(host, "k8", "linux.sysctl.net.ipv4.ip_forward=1", "limits.kernel.nofile=777:888", "environment.WHO=you")
    assert host.exec("k8", "cat", "/proc/sys/net/ipv4/ip_forward") == "1"
    assert host.exec("k8", "sh", "-c", "ulimit -n; ulimit -Hn") == "777\n888"
    assert host.exec("k8", "sh", "-c", "echo $WHO") == "you"
    host.cella("config", "set", "k8", "environment.WHO=me")
    assert host.exec("k8", "sh", "-c", "echo $WHO") == "me"


def test_a_limit_without_its_controller_names_key_and_instance(host):
    wanted = {"pids": "limits.processes=9", "memory": "limits.memory=64MiB", "cpuset": "limits.cpu=1",
              "io": "limits.disk.priority=3", "cpu": "limits.cpu.priority=3"}
    missing = [controller for controller in wanted if not has_controller(controller)]
    if not missing:
        raise Skip("every controller is here")
    for controller in missing:
        host.refused("config", "set", "k8", wanted[controller], naming=["k8", wanted[controller], controller])


def test_what_has_no_effect_is_refused_with_a_reason(host):
    for key in ("security.privileged=true", "raw.lxc=x", "raw.apparmor=x", "limits.memory.swap.priority=3",
                "limits.network.priority=3", "migration.incremental.memory=true", "nvidia.runtime=true",
                "cluster.evacuate=auto", "linux.kernel_modules.load=ondemand", "boot.autorestart=true"):
        name = key.split("=")[0]
        error = host.refused("config", "set", "k8", key, naming=[name, "not supported" if "priv" not in key else name])
        assert len(error) > len(name) + 30, f"no reason: {error}"
    host.refused("config", "set", "k8", "no.such.key=1", naming="unknown configuration key: no.such.key")


def test_protections_hold(host):
    host.cella("config", "set", "k8", "security.protection.delete=true")
    host.refused("delete", "-f", "k8", naming="protected")
    host.cella("config", "set", "k8", "security.protection.delete=false")


def test_server_keys(host):
    for key, value in (("core.shutdown_timeout", "5"), ("cluster.https_address", ":1"), ("maas.api.url", "x"),
                       ("storage.images_volume", "a/b"), ("core.proxy_http", "http://p"), ("core.bgp_asn", "1")):
        host.refused("config", "set", key, value, naming=[key, "not supported"])
    host.refused("config", "set", "core.nonsense", "1", naming="core.nonsense")
    host.refused("config", "set", "backups.compression_algorithm", "rm -rf", naming="backups.compression_algorithm")
    host.cella("config", "set", "backups.compression_algorithm", "none")
    host.cella("export", "k8", host.work / "plain.tar", timeout=200)
    assert (host.work / "plain.tar").read_bytes()[257:262] == b"ustar"
    host.cella("config", "unset", "backups.compression_algorithm")


def test_the_daemon_removes_its_socket(host):
    host.stop()
    assert not (host.dir / "unix.socket").exists()
    host.start()


run(globals())
