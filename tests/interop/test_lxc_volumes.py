"""The stock `lxc` 5.0.2 drives cella's custom volumes: `lxc storage` and `lxc storage volume` as their users type them."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, busybox_image, run, run_checked


def environment(host):
    if shutil.which("lxc") is None:
        raise Skip("lxc (package lxd-client) is not installed")
    return {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LC_ALL": "C.UTF-8"}


def lxc(host, *words, status=0, **options):
    """Runs one lxc command, checks its exit status, and returns its standard output (standard error when it fails)."""
    options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
    done = subprocess.run(["lxc", *map(str, words)], env=environment(host), capture_output=True, text=True, timeout=60,
                          **options)
    assert done.returncode == status, f"lxc {words}: status {done.returncode}: {done.stdout} {done.stderr}"
    return (done.stderr if status else done.stdout).rstrip("\n")


def volume(host, *words, **options):
    return lxc(host, "storage", "volume", *words, **options)


def listed(host, pool):
    return json.loads(volume(host, "list", pool, "--format", "json"))


def test_pools(host):
    lxc(host, "image", "import", busybox_image(host.work), "--alias", "bb")
    lxc(host, "launch", "bb", "c1")
    assert lxc(host, "storage", "create", "p2", "dir") == "Storage pool p2 created"
    assert lxc(host, "storage", "create", "tree", "btrfs", "size=300MiB") == "Storage pool tree created"
    lxc(host, "storage", "set", "p2", "user.a", "b")
    assert lxc(host, "storage", "get", "p2", "user.a") == "b"
    lxc(host, "storage", "unset", "p2", "user.a")
    assert "driver: dir" in lxc(host, "storage", "show", "p2")
    assert "total space: 300.00MiB" in lxc(host, "storage", "info", "tree")
    lxc(host, "storage", "set", "tree", "size", "400MiB")
    assert "total space: 400.00MiB" in lxc(host, "storage", "info", "tree")
    assert "rsync.bwlimit" in lxc(host, "storage", "set", "p2", "rsync.bwlimit", "10MB", status=1)


def test_create_list_show_and_edit(host):
    assert volume(host, "create", "p2", "v1", "user.k=1") == "Storage volume v1 created"
    volume(host, "create", "p2", "disk", "--type=block", "size=10MiB")
    table = volume(host, "list", "p2")
    assert "| custom | v1   |             | filesystem   | 0       |" in table, table
    assert "| custom | disk |             | block        | 0       |" in table, table
    assert [v["name"] for v in json.loads(volume(host, "list", "p2", "type=custom", "--format", "json"))] == ["disk", "v1"]
    shown = volume(host, "show", "p2", "v1")
    assert "content_type: filesystem" in shown and 'user.k: "1"' in shown and "type: custom" in shown, shown
    volume(host, "set", "p2", "v1", "user.x=y")
    assert volume(host, "get", "p2", "v1", "user.x") == "y"
    volume(host, "unset", "p2", "v1", "user.x")
    assert volume(host, "get", "p2", "v1", "user.x") == ""
    volume(host, "edit", "p2", "v1", input="config:\n  user.k: '2'\ndescription: edited\n")
    assert volume(host, "get", "p2", "v1", "user.k") == "2" and "edited" in volume(host, "show", "p2", "v1")
    assert "Usage: " in volume(host, "info", "p2", "v1")
    assert "already exists" in volume(host, "create", "p2", "v1", status=1)
    assert "bogus" in volume(host, "set", "p2", "v1", "bogus=1", status=1)
    volume(host, "delete", "p2", "disk")


def test_attach_and_detach(host):
    volume(host, "attach", "p2", "v1", "c1", "v1dev", "/v1")
    lxc(host, "exec", "c1", "--", "sh", "-c", "echo data > /v1/f; chown 1000 /v1/f")
    assert "still in use" in volume(host, "delete", "p2", "v1", status=1)
    assert "/1.0/instances/c1" in volume(host, "show", "p2", "v1")
    volume(host, "detach", "p2", "v1", "c1")
    volume(host, "attach", "p2", "v1", "c1", "/v1")
    assert lxc(host, "exec", "c1", "--", "stat", "-c", "%u", "/v1/f") == "1000"
    volume(host, "detach", "p2", "v1", "c1")
    lxc(host, "profile", "create", "withdata")
    volume(host, "attach-profile", "p2", "v1", "withdata", "data", "/v1")
    assert "/1.0/profiles/withdata" in volume(host, "show", "p2", "v1")
    volume(host, "detach-profile", "p2", "v1", "withdata")
    lxc(host, "profile", "delete", "withdata")


def test_snapshots(host):
    volume(host, "snapshot", "p2", "v1")
    volume(host, "snapshot", "p2", "v1", "s1")
    table = volume(host, "list", "p2")
    assert "| custom (snapshot) | v1/s1    |" in table, table
    assert "content_type: filesystem" in volume(host, "show", "p2", "v1/s1")
    volume(host, "edit", "p2", "v1/s1", input="description: noted\nexpires_at: 2100-01-01T00:00:00Z\n")
    info = volume(host, "info", "p2", "v1")
    assert "s1" in info and "noted" in info and "2100" in info, info
    volume(host, "rename", "p2", "v1/s1", "v1/s2")
    volume(host, "attach", "p2", "v1", "c1", "data", "/v1")
    lxc(host, "exec", "c1", "--", "rm", "/v1/f")
    assert "running" in volume(host, "restore", "p2", "v1", "s2", status=1)
    volume(host, "detach", "p2", "v1", "c1")
    volume(host, "restore", "p2", "v1", "s2")
    volume(host, "attach", "p2", "v1", "c1", "data", "/v1")
    assert lxc(host, "exec", "c1", "--", "cat", "/v1/f") == "data"
    volume(host, "detach", "p2", "v1", "c1")
    volume(host, "delete", "p2", "v1/snap0")


def test_copy_move_and_rename(host):
    assert "Storage volume copied successfully!" in volume(host, "copy", "p2/v1", "tree/v1c")
    assert [v["name"] for v in listed(host, "tree")] == ["v1c", "v1c/s2"]
    volume(host, "copy", "p2/v1/s2", "default/only")
    volume(host, "copy", "p2/v1", "default/alone", "--volume-only")
    assert [v["name"] for v in listed(host, "default") if v["type"] == "custom"] == ["alone", "only"]
    volume(host, "copy", "p2/v1", "default/alone", "--refresh")
    assert "Storage volume moved successfully!" in volume(host, "move", "tree/v1c", "default/v1d")
    volume(host, "move", "default/v1d", "default/v1e")
    volume(host, "rename", "default", "v1e", "v1f")
    names = [v["name"] for v in listed(host, "default") if v["type"] == "custom"]
    assert names == ["alone", "alone/s2", "only", "v1f", "v1f/s2"], names
    for name in ("alone", "only", "v1f"):
        volume(host, "delete", "default", name)
    assert listed(host, "tree") == []


def test_export_and_import(host):
    target = host.work / "v1.tgz"
    assert "exported successfully" in volume(host, "export", "p2", "v1", target)
    assert "backup/volume/f" in run_checked("tar", "-tzf", str(target)).split("\n")
    volume(host, "import", "tree", target, "v9")
    assert [v["name"] for v in listed(host, "tree")] == ["v9", "v9/s2"]
    volume(host, "import", "default", target)
    volume(host, "delete", "default", "v1")
    volume(host, "delete", "tree", "v9")
    assert "optimized" in volume(host, "export", "p2", "v1", target, "--optimized-storage", status=1)


def test_clean_up(host):
    assert "in use" in lxc(host, "storage", "delete", "p2", status=1)
    volume(host, "delete", "p2", "v1")
    lxc(host, "delete", "--force", "c1")
    lxc(host, "image", "delete", "bb")
    assert lxc(host, "storage", "delete", "p2") == "Storage pool p2 deleted"
    lxc(host, "storage", "delete", "tree")


if __name__ == "__main__":
    run(globals())
