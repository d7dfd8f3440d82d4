"""Instances of Debian's own LXD, stopped, are taken over from its storage pools."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import busybox_image, run  # noqa: E402
from real_lxd import RealLxd, lxc  # noqa: E402

STATE = {}


def theirs(host, *words):
    done = lxc(STATE["dir"], host.work, *words)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def test_lxd_makes_some(host):
    server = RealLxd(host.work)
    STATE["dir"] = server.dir
    try:
        theirs(host, "image", "import", busybox_image(host.work), "--alias", "busybox")
        for pool, driver in (("plain", "dir"), ("tree", "btrfs")):
            theirs(host, "storage", "create", pool, driver, *(["size=1GiB"] if driver == "btrfs" else []))
            name = f"on-{pool}"
            theirs(host, "profile", "create", f"{pool}-profile")
            theirs(host, "profile", "set", f"{pool}-profile", "environment.FROM", "profile")
            theirs(host, "profile", "device", "add", f"{pool}-profile", "root", "disk", "path=/", f"pool={pool}")
            theirs(host, "init", "busybox", name, "-p", f"{pool}-profile", "-c", "user.owner=ann")
            theirs(host, "start", name)
            theirs(host, "exec", name, "--", "sh", "-c",
                   "echo first > /root/file; chown 1000:1000 /root/file; chmod 4755 /bin/busybox; ln /root/file /root/other")
            theirs(host, "snapshot", name, "one")
            theirs(host, "exec", name, "--", "sh", "-c", "echo second > /root/file")
            if pool == "plain":
                host.refused("admin", "import-lxd", "--lxd-dir", server.dir, naming="stop")
            theirs(host, "stop", "--force", name)
        theirs(host, "init", "busybox", "never-started", "-p", "plain-profile")
    finally:
        server.close()


def test_they_are_taken_over(host):
    shown = host.out("admin", "import-lxd", "--lxd-dir", STATE["dir"], "on-plain", "on-tree")
    assert "on-plain: taken over" in shown and "on-tree: taken over" in shown, shown
    for pool in ("plain", "tree"):
        name = f"on-{pool}"
        found = host.instance(name)
        assert found["config"]["user.owner"] == "ann" and found["config"]["environment.FROM"] == "profile", found["config"]
        assert found["profiles"] in ([], None), found["profiles"]
        assert found["expanded_devices"]["root"]["pool"] == "default", found["expanded_devices"]
        assert [snapshot["name"] for snapshot in found["snapshots"]] == ["one"]
        host.cella("start", name)
        assert host.exec(name, "cat", "/root/file") == "second"
        assert host.exec(name, "stat", "-c", "%u:%g %h", "/root/file") == "1000:1000 2"
        assert host.exec(name, "stat", "-c", "%u:%g %a", "/bin/busybox") == "0:0 4755"
        assert host.exec(name, "sh", "-c", "echo $FROM") == "profile"
        host.cella("restore", name, "one")
        assert host.exec(name, "cat", "/root/file") == "first"


def test_one_that_was_never_started_and_names_that_are_taken(host):
    shown = host.out("admin", "import-lxd", "--lxd-dir", STATE["dir"], "never-started")
    assert "taken over" in shown
    host.cella("start", "never-started")
    assert host.exec("never-started", "stat", "-c", "%u", "/") == "0"
    host.refused("admin", "import-lxd", "--lxd-dir", STATE["dir"], "on-plain", naming=["on-plain", "exists"])
    host.refused("admin", "import-lxd", "--lxd-dir", host.work, naming="not a directory of LXD")
    host.refused("admin", "import-lxd", "--lxd-dir", STATE["dir"], "nobody", naming="No such instance")


if __name__ == "__main__":
    run(globals())
