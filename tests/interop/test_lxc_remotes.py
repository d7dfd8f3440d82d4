"""What only the stock client and Debian's own LXD can tell about images and instances on their way between servers."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import BIN, Host, Skip, busybox_image, eventually, run
from real_lxd import RealLxd

servers = {}


def ready(host):
    """The stock client knows this daemon as `here`, another one as `there` and Debian's LXD as `lxd`, by their sockets."""
    if "there" in servers:
        return servers["there"]
    (host.work / "lxc-conf").mkdir()
    there = servers["there"] = Host()
    there.start()
    for server in (host, there):
        if not server.json("storage", "list"):
            server.cella("storage", "create", "default", "dir")
            server.cella("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    host.cella("init", "busybox", "c1")
    host.cella("snapshot", "c1", "s0")
    for name, server in (("here", host), ("there", there)):
        lxc(host, "remote", "add", name, f"unix:{server.dir}/unix.socket")
        cella(host, "remote", "add", name, f"unix://{server.dir}/unix.socket")
    return there


def environment(host):
    return {**os.environ, "LXD_CONF": str(host.work / "lxc-conf"), "CELLA_CONF": str(host.work / "conf"),
            "LXD_DIR": "/nonexistent", "CELLA_DIR": "/nonexistent", "LC_ALL": "C.UTF-8"}


def command(host, program, words, check):
    if shutil.which(program) is None:
        raise Skip(f"no {program} client")
    done = subprocess.run([program, *map(str, words)], env=environment(host), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{program} {' '.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()}")
    return done


def lxc(host, *words, check=True):
    return command(host, "lxc", words, check)


def cella(host, *words, check=True):
    return command(host, BIN / "cella", words, check)


def real(host):
    """Debian's LXD with a pool of directories and the same image, made at the first use."""
    ready(host)
    if "lxd" not in servers:
        servers["lxd"] = RealLxd(host.work)
        socket = servers["lxd"].dir / "unix.socket"
        lxc(host, "remote", "add", "lxd", f"unix:{socket}")
        cella(host, "remote", "add", "lxd", f"unix://{socket}")
        lxc(host, "storage", "create", "lxd:default", "dir")
        lxc(host, "profile", "device", "add", "lxd:default", "root", "disk", "path=/", "pool=default")


def test_relay_by_unix_sockets(host):
    there = ready(host)
    for program in (lxc, cella):
        program(host, "copy", "here:c1", "there:c1", "--mode", "relay")
        assert json.loads(there.out("query", "/1.0/instances/c1/snapshots")) == ["/1.0/instances/c1/snapshots/s0"]
        program(host, "move", "there:c1", "here:c2", "--mode", "relay")
        assert there.json("list") == []
        host.cella("delete", "c2")


def test_not_on_the_network(host):
    ready(host)
    refused = cella(host, "copy", "here:c1", "there:c1", check=False)
    assert refused.returncode == 1 and "core.https_address" in refused.stderr, refused.stderr


def test_publish_to_another_server(host):
    there = ready(host)
    for server, port in ((host, 8443), (there, 8444)):
        server.cella("config", "set", f"core.https_address=127.0.0.1:{port}")
    lxc(host, "publish", "here:c1", "there:", "--alias", "published")
    lxc(host, "init", "there:published", "there:p1")
    there.cella("delete", "p1")
    there.cella("image", "delete", "published")
    for server in (host, there):
        server.cella("config", "unset", "core.https_address")


def test_images_to_and_from_lxd(host):
    real(host)
    fingerprint = json.loads(host.out("query", "/1.0/images/aliases/busybox"))["target"]
    for program in (lxc, cella):
        program(host, "image", "copy", f"here:{fingerprint}", "lxd:", "--mode", "relay")
        lxc(host, "init", f"lxd:{fingerprint}", "lxd:x1")
        lxc(host, "delete", "lxd:x1")
        servers["there"].cella("image", "delete", fingerprint, check=False)
        program(host, "image", "copy", f"lxd:{fingerprint}", "there:", "--mode", "relay")
        assert servers["there"].json("image", "list")[0]["fingerprint"] == fingerprint
        lxc(host, "image", "delete", f"lxd:{fingerprint}")


def test_instances_to_and_from_lxd_are_refused_clearly(host):
    real(host)
    lxc(host, "image", "copy", "here:" + json.loads(host.out("query", "/1.0/images/aliases/busybox"))["target"], "lxd:",
        "--mode", "relay", "--alias", "busybox")
    lxc(host, "init", "lxd:busybox", "lxd:x1")
    for program in (lxc, cella):
        to_lxd = program(host, "copy", "here:c1", "lxd:c1", "--mode", "relay", check=False)
        assert to_lxd.returncode == 1 and "rsync" in to_lxd.stderr, to_lxd.stderr
        from_lxd = program(host, "copy", "lxd:x1", "here:x1", "--mode", "relay", check=False)
        assert from_lxd.returncode == 1 and "rsync" in from_lxd.stderr, from_lxd.stderr
    assert [item["name"] for item in host.json("list")] == ["c1"]
    assert "c1" not in lxc(host, "list", "lxd:", "--format", "csv", "-c", "n").stdout
    # Both are free again.
    eventually(lambda: host.cella("snapshot", "c1", "free", check=False).returncode == 0, 90, "the source is free")


def test_zz_the_others_end(host):
    if "lxd" in servers:
        lxc(host, "delete", "lxd:x1", check=False)
        lxc(host, "profile", "device", "remove", "lxd:default", "root", check=False)
        lxc(host, "image", "delete", "lxd:busybox", check=False)
        lxc(host, "storage", "delete", "lxd:default", check=False)
        servers["lxd"].close()
    there = servers.pop("there")
    there.close()
    there.remove()


if __name__ == "__main__":
    run(globals())
