"""Custom volumes on every driver: what a user does with them, with several containers, over crashes and restarts."""
import os
import pathlib
import shutil
import subprocess
import threading
import time

from harness import Skip, busybox_image, eventually, run, run_checked

POOLS = ("default", "plain", "tree")


def prepare(host):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
        host.cella("storage", "create", "plain", "dir")
        host.cella("storage", "create", "tree", "btrfs", "size=512MiB")
        host.cella("launch", "busybox", "c1")
        host.cella("launch", "busybox", "c2")


def volumes(host, pool, kind="custom"):
    return [volume for volume in host.api("GET", f"/1.0/storage-pools/{pool}/volumes/{kind}?recursion=1")[1]["metadata"]]


def on_disk(host, pool):
    """Names of what storage holds of custom volumes: the daemon's mounts are its own, so through its process."""
    root = pathlib.Path(f"/proc/{host.process.pid}/root{host.dir}/storage-pools/{pool}")
    return sorted(str(path.relative_to(root)) for kind in ("custom/*", "custom-snapshots/*/*", "staging/*")
                  for path in root.glob(kind))


def volume(host, *words, **options):
    return host.cella("storage", "volume", *words, **options)


def test_shared_by_containers_with_maps_of_their_own(host):
    prepare(host)
    for pool in POOLS:
        volume(host, "create", pool, "shared")
        for name in ("c1", "c2"):
            volume(host, "attach", pool, "shared", name, "data", "/mnt/data")
        host.exec("c1", "sh", "-c", "echo one > /mnt/data/f; chown 1000:1001 /mnt/data/f; chmod 640 /mnt/data/f")
        assert host.exec("c2", "stat", "-c", "%u:%g %a", "/mnt/data/f") == "1000:1001 640"
        host.exec("c2", "sh", "-c", "echo two >> /mnt/data/f")
        assert host.exec("c1", "cat", "/mnt/data/f") == "one\ntwo"
        assert host.exec("c1", "stat", "-c", "%u:%g %a", "/mnt/data") == "0:0 711"
        assert volumes(host, pool)[0]["used_by"] == ["/1.0/instances/c1", "/1.0/instances/c2"]
        host.cella("restart", "--force", "c1")
        assert host.exec("c1", "cat", "/mnt/data/f") == "one\ntwo"
        host.refused("storage", "volume", "delete", pool, "shared", naming=["still in use", "c1"])
        host.refused("storage", "volume", "rename", pool, "shared", "other", naming=["running", "c1"])
        for name in ("c1", "c2"):
            volume(host, "detach", pool, "shared", name)
            assert "/mnt/data" not in host.exec(name, "cat", "/proc/mounts")
        volume(host, "delete", pool, "shared")
        assert on_disk(host, pool) == []


def test_read_only_and_required(host):
    prepare(host)
    volume(host, "create", "default", "ro")
    host.cella("config", "device", "add", "c1", "data", "disk", "pool=default", "source=ro", "path=/mnt/ro", "readonly=true")
    assert "Read-only" in host.cella("exec", "c1", "--", "touch", "/mnt/ro/f", check=False).stderr
    host.cella("config", "device", "remove", "c1", "data")
    host.refused("config", "device", "add", "c1", "data", "disk", "pool=default", "source=nothere", "path=/mnt/x", naming="nothere")
    host.refused("config", "device", "add", "c1", "data", "disk", "pool=nopool", "source=ro", "path=/mnt/x", naming="nopool")
    host.refused("config", "device", "add", "c1", "data", "disk", "pool=default", "source=/ro", "path=/mnt/x", naming="absolute")
    host.refused("config", "device", "add", "c1", "data", "disk", "pool=default", "source=ro", naming="path")
    host.refused("config", "device", "add", "c1", "data", "disk", "pool=default", "source=ro", "path=/mnt/x", "shift=true", naming="shift")
    host.cella("config", "device", "add", "c1", "data", "disk", "pool=default", "source=nothere", "path=/mnt/x", "required=false")
    host.cella("config", "device", "remove", "c1", "data")
    volume(host, "delete", "default", "ro")


def test_unmapped_shows_the_host_s_ids(host):
    prepare(host)
    volume(host, "create", "plain", "raw", "security.unmapped=true")
    volume(host, "attach", "plain", "raw", "c1", "data", "/mnt/raw")
    assert host.exec("c1", "stat", "-c", "%u", "/mnt/raw") == "65534"
    host.refused("storage", "volume", "set", "plain", "raw", "security.unmapped=false", naming="running")
    host.refused("storage", "volume", "set", "plain", "raw", "security.shifted=true", naming="exclude")
    volume(host, "detach", "plain", "raw", "c1")
    volume(host, "set", "plain", "raw", "security.unmapped=false")
    volume(host, "attach", "plain", "raw", "c1", "data", "/mnt/raw")
    assert host.exec("c1", "stat", "-c", "%u", "/mnt/raw") == "0"
    volume(host, "detach", "plain", "raw", "c1")
    volume(host, "delete", "plain", "raw")


def test_snapshots(host):
    prepare(host)
    for pool in POOLS:
        volume(host, "create", pool, "v", "snapshots.pattern=auto%d", "snapshots.expiry=1d", "user.a=b")
        volume(host, "attach", pool, "v", "c1", "data", "/mnt/v")
        host.exec("c1", "sh", "-c", "echo first > /mnt/v/f")
        volume(host, "snapshot", pool, "v")
        volume(host, "snapshot", pool, "v", "named", "--no-expiry")
        host.exec("c1", "sh", "-c", "echo second > /mnt/v/f; touch /mnt/v/g")
        url = f"/1.0/storage-pools/{pool}/volumes/custom/v"
        snapshots = host.api("GET", url + "/snapshots?recursion=1")[1]["metadata"]
        assert [snapshot["name"] for snapshot in snapshots] == ["v/auto0", "v/named"], snapshots
        assert snapshots[0]["expires_at"] > "2020" and snapshots[1]["expires_at"].startswith("0001-")
        assert snapshots[0]["config"]["user.a"] == "b"
        host.refused("storage", "volume", "restore", pool, "v", "auto0", naming="running")
        volume(host, "detach", pool, "v", "c1")
        volume(host, "restore", pool, "v", "auto0")
        volume(host, "attach", pool, "v", "c1", "data", "/mnt/v")
        assert host.exec("c1", "sh", "-c", "cat /mnt/v/*") == "first"
        volume(host, "rename", pool, "v/named", "v/renamed")
        assert host.api("PATCH", url + "/snapshots/renamed", {"description": "kept"})[0] == 200
        assert host.api("GET", url + "/snapshots/renamed")[1]["metadata"]["description"] == "kept"
        assert on_disk(host, pool) == ["custom-snapshots/default_v/auto0", "custom-snapshots/default_v/renamed", "custom/default_v"]
        volume(host, "detach", pool, "v", "c1")
        volume(host, "rename", pool, "v", "w")
        assert on_disk(host, pool) == ["custom-snapshots/default_w/auto0", "custom-snapshots/default_w/renamed", "custom/default_w"]
        volume(host, "delete", pool, "w/auto0")
        assert on_disk(host, pool) == ["custom-snapshots/default_w/renamed", "custom/default_w"]
        volume(host, "delete", pool, "w")
        assert on_disk(host, pool) == []


def test_expired_snapshots_go(host):
    prepare(host)
    volume(host, "create", "default", "v")
    url = "/1.0/storage-pools/default/volumes/custom/v/snapshots"
    host.api("POST", url, {"name": "old", "expires_at": "2020-01-01T00:00:00Z"})
    host.api("POST", url, {"name": "new", "expires_at": "2120-01-01T00:00:00Z"})
    eventually(lambda: host.api("GET", url)[1]["metadata"] == [url + "/new"], 30, "the expired snapshot is gone")
    host.refused("storage", "volume", "set", "default", "v", "snapshots.schedule=@sometimes", naming="snapshots.schedule")
    volume(host, "set", "default", "v", "snapshots.schedule=@hourly")
    volume(host, "delete", "default", "v")


def test_copies_and_moves_between_pools(host):
    prepare(host)
    for source in POOLS:
        volume(host, "create", source, "orig", "user.k=1")
        volume(host, "attach", source, "orig", "c1", "data", "/mnt/o")
        host.exec("c1", "sh", "-c", "dd if=/dev/urandom of=/mnt/o/big bs=1M count=3 2>/dev/null; ln -s big /mnt/o/l; chown 5:6 /mnt/o/big")
        digest = host.exec("c1", "sha256sum", "/mnt/o/big").split()[0]
        volume(host, "snapshot", source, "orig", "s0")
        host.exec("c1", "rm", "/mnt/o/big")
        for target in POOLS:
            volume(host, "copy", f"{source}/orig/s0", f"{target}/copy")
            volume(host, "copy", f"{source}/orig", f"{target}/whole")
            volume(host, "attach", target, "copy", "c2", "data", "/mnt/c")
            assert host.exec("c2", "sha256sum", "/mnt/c/big").split()[0] == digest
            assert host.exec("c2", "stat", "-c", "%u:%g", "/mnt/c/big") == "5:6"
            assert host.exec("c2", "readlink", "/mnt/c/l") == "big"
            volume(host, "detach", target, "copy", "c2")
            found = {one["name"]: one for one in volumes(host, target)}
            assert found["whole"]["config"]["user.k"] == "1" and "whole/s0" in found and "copy/s0" not in found
            volume(host, "delete", target, "copy")
            volume(host, "delete", target, "whole")
        volume(host, "detach", source, "orig", "c1")
        other = POOLS[(POOLS.index(source) + 1) % 3]
        volume(host, "move", f"{source}/orig", f"{other}/moved")
        assert on_disk(host, source) == [] and on_disk(host, other) == ["custom-snapshots/default_moved/s0", "custom/default_moved"]
        volume(host, "copy", f"{other}/moved", f"{source}/fresh", "--volume-only")
        volume(host, "snapshot", other, "moved", "s1")
        volume(host, "copy", f"{other}/moved", f"{source}/fresh", "--refresh")
        assert [v["name"] for v in volumes(host, source)] == ["fresh", "fresh/s0", "fresh/s1"]
        host.refused("storage", "volume", "copy", f"{other}/moved", f"{source}/fresh", naming="already exists")
        volume(host, "delete", source, "fresh")
        volume(host, "delete", other, "moved")


def test_devices_follow_a_renamed_volume(host):
    prepare(host)
    host.cella("init", "busybox", "c3")
    host.cella("profile", "create", "withdata")
    volume(host, "create", "default", "v")
    volume(host, "attach", "default", "v", "c3", "data", "/mnt/v")
    volume(host, "attach-profile", "default", "v", "withdata", "pdata", "/mnt/p")
    assert volumes(host, "default")[0]["used_by"] == ["/1.0/instances/c3", "/1.0/profiles/withdata"]
    volume(host, "rename", "default", "v", "w")
    assert "source: w" in host.out("config", "device", "show", "c3")
    assert "source: w" in host.out("profile", "show", "withdata")
    volume(host, "move", "default/w", "plain/x")
    assert "source: x" in host.out("config", "device", "show", "c3") and "pool: plain" in host.out("config", "device", "show", "c3")
    host.cella("start", "c3")
    host.exec("c3", "touch", "/mnt/v/f")
    volume(host, "detach-profile", "plain", "x", "withdata")
    host.cella("profile", "delete", "withdata")
    host.cella("delete", "--force", "c3")
    volume(host, "delete", "plain", "x")


def test_export_and_import(host):
    prepare(host)
    for pool, other in (("default", "tree"), ("tree", "plain"), ("plain", "default")):
        volume(host, "create", pool, "v", "user.x=y")
        volume(host, "attach", pool, "v", "c1", "data", "/mnt/v")
        host.exec("c1", "sh", "-c", "echo one > /mnt/v/f; chown 7:8 /mnt/v/f; mkdir /mnt/v/d; ln /mnt/v/f /mnt/v/d/h")
        volume(host, "snapshot", pool, "v", "s0")
        host.exec("c1", "sh", "-c", "echo two > /mnt/v/f")
        target = host.work / f"{pool}.tgz"
        volume(host, "export", pool, "v", target)
        names = run_checked("tar", "-tzf", str(target)).split("\n")
        assert names[1] == "backup/index.yaml" and "backup/volume/d/h" in names and "backup/volume-snapshots/s0/f" in names
        volume(host, "import", other, target, "back")
        volume(host, "attach", other, "back", "c2", "data", "/mnt/b")
        assert host.exec("c2", "cat", "/mnt/b/d/h") == "two" and host.exec("c2", "stat", "-c", "%u:%g %h", "/mnt/b/f") == "7:8 2"
        volume(host, "detach", other, "back", "c2")
        volume(host, "restore", other, "back", "s0")
        volume(host, "attach", other, "back", "c2", "data", "/mnt/b")
        assert host.exec("c2", "cat", "/mnt/b/f") == "one"
        volume(host, "detach", other, "back", "c2")
        host.refused("storage", "volume", "import", other, target, "back", naming="already exists")
        volume(host, "detach", pool, "v", "c1")
        volume(host, "delete", pool, "v")
        volume(host, "delete", other, "back")
        cut = host.work / "cut.tgz"
        cut.write_bytes(target.read_bytes()[:-200])
        host.refused("storage", "volume", "import", other, cut, "cut", naming="damaged")
        assert on_disk(host, other) == []
    host.refused("storage", "volume", "import", "default", busybox_image(host.work), "v", naming="backup")


def test_block_volumes(host):
    prepare(host)
    for pool in POOLS:
        volume(host, "create", pool, "disk", "--type=block", "size=64MiB")
        host.refused("storage", "volume", "attach", pool, "disk", "c1", "data", "/mnt/d", naming="block volumes cannot be used on containers")
        host.refused("storage", "volume", "set", pool, "disk", "size=32MiB", naming=["size", "shrunk"])
        volume(host, "set", pool, "disk", "size=128MiB")
        image = next(pathlib.Path(f"/proc/{host.process.pid}/root{host.dir}/storage-pools/{pool}").glob("custom/default_disk/*/root.img"))
        assert image.stat().st_size == 128 << 20 and image.stat().st_blocks < 1000
        image.open("r+b").write(b"boot")
        volume(host, "snapshot", pool, "disk", "s0")
        image.open("r+b").write(b"gone")
        volume(host, "restore", pool, "disk", "s0")
        assert image.open("rb").read(4) == b"boot"
        volume(host, "export", pool, "disk", host.work / "disk.tgz")
        assert "backup/volume.img" in run_checked("tar", "-tzf", str(host.work / "disk.tgz"))
        volume(host, "delete", pool, "disk")
        volume(host, "import", pool, host.work / "disk.tgz")
        assert image.open("rb").read(4) == b"boot" and image.stat().st_size == 128 << 20
        assert host.api("GET", f"/1.0/storage-pools/{pool}/volumes/custom/disk")[1]["metadata"]["content_type"] == "block"
        volume(host, "delete", pool, "disk")


def test_sizes_on_btrfs(host):
    prepare(host)
    volume(host, "create", "tree", "small", "size=20MiB")
    volume(host, "attach", "tree", "small", "c1", "small", "/mnt/s")
    full = host.cella("exec", "c1", "--", "sh", "-c", "dd if=/dev/zero of=/mnt/s/f bs=1M count=40; sync", check=False)
    assert "quota" in full.stderr.lower(), full.stderr
    state = host.api("GET", "/1.0/storage-pools/tree/volumes/custom/small/state")[1]["metadata"]["usage"]
    assert host.instance("c1")["state"]["disk"]["small"]["usage"] == state["used"]
    assert state["total"] == 20 << 20 and 10 << 20 < state["used"] <= 20 << 20, state
    host.exec("c1", "rm", "/mnt/s/f")
    volume(host, "set", "tree", "small", "size=100MiB")
    host.exec("c1", "sh", "-c", "dd if=/dev/zero of=/mnt/s/f bs=1M count=40 2>/dev/null; sync")
    volume(host, "snapshot", "tree", "small", "s0")
    volume(host, "detach", "tree", "small", "c1")
    volume(host, "restore", "tree", "small", "s0")
    usage = host.api("GET", "/1.0/storage-pools/tree/volumes/custom/small/state")[1]["metadata"]["usage"]
    assert usage["total"] == 100 << 20
    volume(host, "attach", "tree", "small", "c1", "small", "/mnt/s")
    full = host.cella("exec", "c1", "--", "sh", "-c", "dd if=/dev/zero of=/mnt/s/g bs=1M count=90; sync", check=False)
    assert "quota" in full.stderr.lower(), full.stderr
    volume(host, "detach", "tree", "small", "c1")
    volume(host, "delete", "tree", "small")


def test_sizes_without_quotas_are_refused(host):
    prepare(host)
    for pool in ("default", "plain"):
        host.refused("storage", "volume", "create", pool, "v", "size=20MiB", naming=["size", "prjquota"])
        assert volumes(host, pool) == [] and on_disk(host, pool) == []
        host.refused("storage", "set", pool, "volume.size=1GiB", naming=["volume.size", "prjquota"])


def quota_file_system(host):
    """An ext4 with project quotas, mounted; Skip where the kernel has none."""
    image, point = host.work / "quota.img", host.work / "quota"
    run_checked("truncate", "-s", "300M", str(image))
    run_checked("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", str(image))
    point.mkdir()
    done = subprocess.run(["mount", "-o", "loop,prjquota", image, point], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip("no ext4 with project quotas: " + done.stderr.strip())
    return point


def test_sizes_by_project_quotas(host):
    prepare(host)
    point = quota_file_system(host)
    try:
        for driver in ("dir", "overlay"):
            source = point / driver
            source.mkdir()
            pool = f"quota-{driver}"
            host.cella("storage", "create", pool, driver, f"source={source}")
            volume(host, "create", pool, "small", "size=20MiB")
            volume(host, "attach", pool, "small", "c1", "data", "/mnt/s")
            size, used = host.exec("c1", "sh", "-c", "df -k /mnt/s | tail -1 | awk '{print $2, $3}'").split()
            assert int(size) == 20 << 10 and int(used) < 100, (size, used)
            full = host.cella("exec", "c1", "--", "sh", "-c", "dd if=/dev/zero of=/mnt/s/f bs=1M count=40", check=False)
            assert full.returncode != 0 and ("quota" in full.stderr.lower() or "no space" in full.stderr.lower()), full.stderr
            usage = host.api("GET", f"/1.0/storage-pools/{pool}/volumes/custom/small/state")[1]["metadata"]["usage"]
            assert usage["total"] == 20 << 20 and 15 << 20 < usage["used"] <= 20 << 20, usage
            volume(host, "set", pool, "small", "size=60MiB")
            host.exec("c1", "sh", "-c", "dd if=/dev/zero of=/mnt/s/f bs=1M count=40 2>/dev/null")
            volume(host, "detach", pool, "small", "c1")
            volume(host, "delete", pool, "small")
            host.cella("launch", "busybox", "q1", "-s", pool)
            host.cella("config", "device", "set", "q1", "root", "size=30MiB", check=False)
            host.cella("config", "device", "override", "q1", "root", "size=30MiB", check=False)
            assert int(host.exec("q1", "sh", "-c", "df -k / | tail -1 | awk '{print $2}'")) == 30 << 10
            full = host.cella("exec", "q1", "--", "sh", "-c", "dd if=/dev/zero of=/root/f bs=1M count=60", check=False)
            assert full.returncode != 0, "the root's size is not enforced"
            assert 15 << 20 < host.instance("q1")["state"]["disk"]["root"]["usage"] <= 30 << 20
            host.exec("q1", "rm", "/root/f")
            host.cella("snapshot", "q1", "s0")
            host.cella("copy", "q1/s0", "q2")
            host.cella("restore", "q1", "s0")
            host.cella("start", "q2")
            for name in ("q1", "q2"):
                assert int(host.exec(name, "sh", "-c", "df -k / | tail -1 | awk '{print $2}'")) == 30 << 10
            host.cella("delete", "--force", "q2")
            host.cella("delete", "--force", "q1")
            host.cella("storage", "delete", pool)
    finally:
        run_checked("umount", "--lazy", str(point))


def test_wrong_input_changes_nothing(host):
    prepare(host)
    volume(host, "create", "default", "v")
    for words, naming in ((("default", "a b"), "a b"), (("default", "x.incoming"), "incoming"), (("default", "-x"), "-x"),
                          (("default", "v"), "already exists"), (("nopool", "x"), "nopool"),
                          (("default", "x", "size=lots"), "lots"), (("default", "x", "security.shifted=maybe"), "maybe"),
                          (("default", "x", "snapshots.expiry=soon"), "soon"), (("default", "x", "block.filesystem=ext4"), "block.filesystem"),
                          (("default", "x", "bogus=1"), "bogus"), (("default", "x", "--type=iso"), "iso")):
        host.refused("storage", "volume", "create", *words, naming=naming)
    host.refused("storage", "volume", "set", "default", "v", "bogus=1", naming="bogus")
    assert [v["name"] for v in volumes(host, "default")] == ["v"] and on_disk(host, "default") == ["custom/default_v"]
    url = "/1.0/storage-pools/default/volumes"
    assert host.api("POST", url + "/container", {"name": "x", "type": "container"})[0] == 400
    assert host.api("GET", url + "/nonsense")[0] == 400
    assert host.api("POST", url + "/custom", {"name": "x", "source": {"type": "migration", "name": "y"}})[0] == 400
    assert host.api("POST", url + "/custom/v", {"name": "y", "migration": True})[0] == 400
    assert host.api("GET", url + "/custom/none")[0] == 404 and host.api("DELETE", url + "/custom/none")[0] == 404
    host.refused("storage", "delete", "default", naming="in use")
    volume(host, "delete", "default", "v")


def test_pool_settings(host):
    prepare(host)
    host.refused("storage", "set", "tree", "size=100MiB", naming="shrunk")
    before = host.api("GET", "/1.0/storage-pools/tree/resources")[1]["metadata"]["space"]["total"]
    host.cella("storage", "set", "tree", "size=1GiB")
    assert host.api("GET", "/1.0/storage-pools/tree/resources")[1]["metadata"]["space"]["total"] == 1 << 30 > before
    host.refused("storage", "set", "tree", "rsync.bwlimit=10MB", naming="rsync.bwlimit")
    host.refused("storage", "set", "tree", "source=/x", naming="source")
    host.cella("storage", "set", "tree", "volume.size=50MiB")
    host.cella("storage", "set", "tree", "volume.snapshots.pattern=p%d")
    volume(host, "create", "tree", "v")
    assert volumes(host, "tree")[0]["config"] == {"size": "50MiB", "snapshots.pattern": "p%d"}
    assert "/1.0/storage-pools/tree/volumes/custom/v" in host.api("GET", "/1.0/storage-pools/tree")[1]["metadata"]["used_by"]
    host.refused("storage", "delete", "tree", naming="in use")
    host.cella("storage", "unset", "tree", "volume.size")
    host.cella("storage", "unset", "tree", "volume.snapshots.pattern")
    volume(host, "delete", "tree", "v")


def test_killed_at_any_moment(host):
    """Whatever a killed daemon was at: afterwards each volume is whole or not there, and storage holds nothing else."""
    prepare(host)
    volume(host, "create", "plain", "src")
    volume(host, "attach", "plain", "src", "c1", "data", "/mnt/k")
    host.exec("c1", "sh", "-c", "for i in $(seq 400); do dd if=/dev/zero of=/mnt/k/$i bs=64k count=1 2>/dev/null; done")
    volume(host, "detach", "plain", "src", "c1")
    volume(host, "snapshot", "plain", "src", "s0")
    for pool in POOLS:
        for delay in (0.005, 0.02, 0.05, 0.1, 0.2):
            volume(host, "copy", "plain/src", f"{pool}/victim")
            words = (["delete", pool, "victim"], ["copy", "plain/src", f"{pool}/dst"], ["restore", "plain", "src", "s0"],
                     ["rename", "plain", "src", "renamed"], ["snapshot", "plain", "src", "s1"])
            for command in words:
                work = threading.Thread(target=lambda: volume(host, *command, check=False))
                work.start()
                time.sleep(delay)
                host.kill()
                work.join()
                host.start()
                names = {v["name"]: v for p in set((pool, "plain")) for v in volumes(host, p)}
                source = "renamed" if "renamed" in names else "src"
                expected = {p: sorted(("custom-snapshots/default_" if "/" in v["name"] else "custom/default_") + v["name"]
                                      for v in volumes(host, p)) for p in POOLS}
                for p in POOLS:
                    eventually(lambda: on_disk(host, p) == expected[p], 20, f"{command}: {on_disk(host, p)} is {expected[p]}")
                root = f"/proc/{host.process.pid}/root{host.dir}/storage-pools"
                for p, name in (("plain", source), (pool, "dst")):
                    if name in names:
                        tree = next(pathlib.Path(f"{root}/{p}/custom/default_{name}").iterdir())
                        assert len(list(tree.iterdir())) == 400, (command, p, name)
                if "renamed" in names:
                    volume(host, "rename", "plain", "renamed", "src")
                if "src/s1" in names or "renamed/s1" in names:
                    volume(host, "delete", "plain", "src/s1")
                for name in ("dst", "victim"):
                    if any(v["name"] == name for v in volumes(host, pool)) and (name == "dst" or command[0] != "delete"):
                        volume(host, "delete", pool, name)
            if any(v["name"] == "victim" for v in volumes(host, pool)):
                volume(host, "delete", pool, "victim")
    volume(host, "delete", "plain", "src")


def test_a_restart_keeps_volumes_attached(host):
    prepare(host)
    volume(host, "create", "tree", "v")
    volume(host, "attach", "tree", "v", "c1", "data", "/mnt/v")
    host.exec("c1", "sh", "-c", "echo kept > /mnt/v/f")
    host.restart()
    assert host.exec("c1", "cat", "/mnt/v/f") == "kept"
    host.cella("restart", "--force", "c1")
    assert host.exec("c1", "cat", "/mnt/v/f") == "kept"
    volume(host, "detach", "tree", "v", "c1")
    volume(host, "delete", "tree", "v")
    for name in ("c1", "c2"):
        host.cella("delete", "--force", name)
    for pool in ("plain", "tree"):
        host.cella("storage", "delete", pool)
    host.cella("image", "delete", "busybox")


if __name__ == "__main__":
    run(globals())
