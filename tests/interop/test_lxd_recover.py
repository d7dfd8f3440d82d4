"""Debian's own `lxd recover` brings back what cella's database lost."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness import Skip, busybox_image, eventually, run  # noqa: E402


def recover(host, driver):
    answers = f"yes\ndefault\n{driver}\n{host.dir / 'storage-pools/default'}\n\nno\nyes\nyes\n"
    return subprocess.run(["lxd", "recover"], env={**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work)},
                          input=answers, capture_output=True, text=True, timeout=60)


def test_lost_instances_come_back(host):
    if not shutil.which("lxd"):
        raise Skip("lxd (package lxd) is not installed")
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    host.cella("profile", "device", "remove", "default", "eth0")
    for network in host.json("network", "list"):
        if network["managed"]:
            host.cella("network", "delete", network["name"])
    host.cella("launch", "busybox", "web")
    host.exec("web", "sh", "-c", "echo kept > /root/file")
    host.cella("stop", "--force", "web")
    host.cella("snapshot", "web", "one")
    manifest = host.dir / "storage-pools/default/volumes/web/backup.yaml"
    eventually(lambda: manifest.exists() and '"one"' in manifest.read_text(), 10, "the manifest tells of the snapshot")
    host.stop()
    shutil.rmtree(host.dir / "database")
    host.start()
    wrong = recover(host, "dir")
    assert wrong.returncode == 1 and "was made with driver overlay" in wrong.stderr, (wrong.stdout, wrong.stderr)
    assert host.json("storage", "list") == []
    right = recover(host, "overlay")
    assert right.returncode == 0 and 'Container "web" on pool "default"' in right.stdout, (right.stdout, right.stderr)
    host.cella("start", "web")
    assert host.exec("web", "cat", "/root/file") == "kept"
    assert [snapshot["name"] for snapshot in host.instance("web")["snapshots"]] == ["one"]


if __name__ == "__main__":
    run(globals())
