"""Disks that are full, pools whose device is gone, and kill -9 in the middle of each operation on volumes."""
import os
import random
import shutil
import subprocess
import time

from harness import BIN, busybox_image, eventually, run, run_checked


def prepare(host):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")


def small_disk(host, name, size):
    """An ext4 of that size, mounted below the test's directory; returns where."""
    place = host.work / name
    if not place.exists():
        place.mkdir()
        image = host.work / f"{name}.img"
        with open(image, "wb") as file:
            file.truncate(size)
        run_checked("mkfs.ext4", "-q", "-m", "0", str(image))
        run_checked("mount", "-o", "loop", str(image), str(place))
        shutil.rmtree(place / "lost+found")
    return place


def is_clean(place):
    return not os.listdir(place / "staging") and not os.listdir(place / "trash")


def fill(place, leave=0):
    """Takes all space of the disk but `leave` bytes."""
    filler = place / "volumes" / "filler"
    status = os.statvfs(place)
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(status.f_bavail * status.f_frsize - leave, 4096))
    return filler


def test_a_full_disk_fails_each_operation_cleanly(host):
    prepare(host)
    for driver in ("overlay", "dir"):
        place = small_disk(host, f"small-{driver}", 96 << 20)
        host.cella("storage", "create", f"small-{driver}", driver, f"source={place}")
        name = f"on-{driver}"
        host.cella("launch", "busybox", name, "-s", f"small-{driver}")
        host.exec(name, "sh", "-c", "head -c 12000000 /dev/urandom > /root/data; md5sum /root/data > /root/sum")
        host.cella("snapshot", name, "before")
        filler = fill(place, leave=256 << 10)
        try:
            for words in (("snapshot", name, "full"), ("copy", name, f"{name}-copy"),
                          ("copy", f"{name}/before", f"{name}-copy") if driver == "dir" else None,
                          ("restore", name, "before") if driver == "dir" else None,
                          ("init", "busybox", f"{name}-new", "-s", f"small-{driver}") if driver == "dir" else None):
                if words is not None:
                    host.refused(*words, naming="no space")
            assert [s["name"] for s in host.instance(name)["snapshots"]] == ["before"]
            assert {item["name"] for item in host.json("list")} & {f"{name}-copy", f"{name}-new"} == set()
            eventually(lambda: is_clean(place), 10, "nothing half-made is left")
            assert host.exec(name, "md5sum", "-c", "/root/sum").endswith("OK")
        finally:
            filler.unlink()
        host.cella("snapshot", name, "after")
        host.cella("copy", "--instance-only", name, f"{name}-copy")
        host.cella("restore", name, "before")
        host.cella("start", f"{name}-copy")
        assert host.exec(f"{name}-copy", "md5sum", "-c", "/root/sum").endswith("OK")


def test_a_backup_of_more_than_fits_is_refused_cleanly(host):
    prepare(host)
    host.cella("launch", "busybox", "big")
    host.exec("big", "sh", "-c", "head -c 70000000 /dev/urandom > /root/data")
    host.cella("stop", "--force", "big")
    host.cella("export", "big", host.work / "big.tar", "--compression", "none")
    place = small_disk(host, "small-import", 64 << 20)
    host.cella("storage", "create", "small-import", "overlay", f"source={place}")
    host.refused("import", host.work / "big.tar", "big2", "-s", "small-import", naming="no space")
    assert "big2" not in {item["name"] for item in host.json("list")}
    eventually(lambda: is_clean(place) and not os.listdir(place / "volumes"), 10, "nothing half-made is left")


def test_a_pool_whose_device_is_gone_does_not_keep_the_daemon(host):
    prepare(host)
    image = host.work / "device.img"
    with open(image, "wb") as file:
        file.truncate(512 << 20)
    device = run_checked("losetup", "--show", "-f", str(image)).strip()
    host.cella("storage", "create", "gone", "btrfs", f"source={device}")
    host.cella("launch", "busybox", "away", "-s", "gone")
    host.cella("stop", "--force", "away")
    host.cella("launch", "busybox", "here")
    host.stop()
    run_checked("losetup", "-d", device)
    # Detached once nobody has it mounted any more.
    eventually(lambda: str(image) not in run_checked("losetup", "-a"), 10, "the device is gone")
    host.start()
    assert host.exec("here", "echo", "fine") == "fine"
    pools = {pool["name"]: pool["status"] for pool in host.json("storage", "list")}
    assert pools["default"] == "Created" and pools["gone"] != "Created", pools
    assert host.instance("away")["status"] == "Stopped"
    host.refused("start", "away", naming="gone")
    host.refused("snapshot", "away", naming="gone")
    host.cella("launch", "busybox", "also-here")
    assert run_checked("losetup", device, str(image)) == ""
    host.cella("start", "away")
    assert host.exec("away", "echo", "back") == "back"
    host.cella("delete", "--force", "away")
    host.cella("storage", "delete", "gone")
    run_checked("losetup", "-d", device)


def test_kill_in_the_middle_of_each_operation_leaves_whole_volumes(host):
    prepare(host)
    host.cella("storage", "create", "plain", "dir")
    chance = random.Random(4)
    for pool in ("default", "plain"):
        name = f"k-{pool}"
        host.cella("launch", "busybox", name, "-s", pool)
        host.exec(name, "sh", "-c", "mkdir /root/many; for i in $(seq 400); do echo $i > /root/many/$i; done; sync")
        host.cella("stop", "--force", name)
        host.cella("snapshot", name, "base")
        backup = host.work / f"{name}.tar"
        host.cella("export", name, backup, "--compression", "none")
        for attempt in range(12):
            words = [("snapshot", name, f"s{attempt}"), ("copy", name, f"c{attempt}"), ("restore", name, "base"),
                     ("import", backup, f"i{attempt}", "-s", pool)][attempt % 4]
            work = subprocess.Popen([BIN / "cella", *map(str, words)], env=host.env, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            time.sleep(0.02 + 0.2 * chance.random())
            host.kill()
            work.wait(30)
            host.start()
            whole = host.instance(name)
            for snapshot in whole["snapshots"]:
                count = host.out("file", "pull", f"{name}/root/many/400", "-")
                assert count == "400", (snapshot, count)
            for item in host.json("list"):
                if item["name"][0] not in "ci" or not item["name"][1:].isdigit():
                    continue
                host.cella("start", item["name"])
                assert host.exec(item["name"], "sh", "-c", "ls /root/many | wc -l") == "400", item["name"]
                host.cella("delete", "--force", item["name"])
            host.cella("start", name)
            assert host.exec(name, "sh", "-c", "ls /root/many | wc -l") == "400"
            host.cella("stop", "--force", name)
        for snapshot in host.instance(name)["snapshots"]:
            host.cella("copy", f"{name}/{snapshot['name']}", "probe")
            host.cella("start", "probe")
            assert host.exec("probe", "sh", "-c", "ls /root/many | wc -l") == "400", snapshot["name"]
            host.cella("delete", "--force", "probe")
        tree = host.dir / "storage-pools" / pool
        eventually(lambda: is_clean(tree), 10, "nothing half-made is left")


def test_disks_are_given_back(host):
    for name in host.out("list", "-c", "n", "--format", "csv").split():
        host.cella("delete", "--force", name)
    for name in ("small-overlay", "small-dir", "small-import"):
        host.cella("storage", "delete", name)
        run_checked("umount", str(host.work / name))


if __name__ == "__main__":
    run(globals())
