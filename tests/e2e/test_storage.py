"""Every storage driver carries a container: same behaviour, ids on disk are the container's, nothing is left over."""
import os
import shutil
import subprocess

from harness import DEBIAN, Skip, busybox_image, eventually, run, run_checked


def prepare(host):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")


def carries_a_container(host, pool):
    name = f"on-{pool}"
    host.cella("launch", "busybox", name, "-s", pool)
    host.exec(name, "sh", "-c", "echo data > /root/f; chown 1000:1000 /root/f; chmod 4755 /bin/busybox; ln /root/f /root/g; "
                                "mkdir /root/d; mv /etc/group /etc/group2; rm /etc/passwd")
    host.cella("restart", "--force", name)
    assert host.exec(name, "cat", "/root/g") == "data"
    assert host.exec(name, "stat", "-c", "%u:%g %h", "/root/f") == "1000:1000 2"
    assert host.exec(name, "stat", "-c", "%a", "/bin/busybox") == "4755"
    assert host.cella("exec", name, "--", "test", "-e", "/etc/passwd", check=False).returncode == 1
    return name


def test_overlay(host):
    prepare(host)
    assert host.out("storage", "show", "default").find("driver: overlay") >= 0
    host.cella("delete", "--force", carries_a_container(host, "default"))


def test_dir(host):
    prepare(host)
    host.cella("storage", "create", "plain", "dir")
    host.cella("delete", "--force", carries_a_container(host, "plain"))
    host.cella("storage", "delete", "plain")


def test_btrfs_in_a_loop_file(host):
    prepare(host)
    host.cella("storage", "create", "tree", "btrfs", "size=1GiB")
    name = carries_a_container(host, "tree")
    assert " / btrfs " in host.exec(name, "cat", "/proc/mounts")
    host.refused("storage", "delete", "tree", naming="tree")
    host.restart()
    assert host.exec(name, "cat", "/root/g") == "data"
    host.cella("restart", "--force", name)
    assert host.exec(name, "cat", "/root/g") == "data"
    host.cella("delete", "--force", name)
    host.cella("storage", "delete", "tree")
    eventually(lambda: str(host.dir) not in run_checked("losetup", "-a"), 10, "loop device detached")


def test_squashfs_is_mounted_and_not_unpacked(host):
    prepare(host)
    before = set((host.dir / "storage-pools/default").rglob("inittab"))
    image = host.work / "split"
    image.mkdir()
    run_checked("tar", "-C", str(host.work / "busybox-image"), "-cJf", str(image / "metadata.tar.xz"), "metadata.yaml")
    run_checked("mksquashfs", str(host.work / "busybox-image/rootfs"), str(image / "rootfs.squashfs"), "-quiet", "-no-progress",
                "-all-root")
    host.cella("image", "import", image / "metadata.tar.xz", image / "rootfs.squashfs", "--alias", "squash")
    host.cella("launch", "squash", "s1")
    host.exec("s1", "sh", "-c", "echo changed >> /etc/group")
    host.cella("restart", "--force", "s1")
    assert "changed" in host.exec("s1", "cat", "/etc/group")
    kernel = tuple(int(part) for part in os.uname().release.split(".")[:2])
    unpacked = set((host.dir / "storage-pools/default").rglob("inittab")) - before
    assert not unpacked or kernel < (6, 12), unpacked
    host.cella("delete", "--force", "s1")
    host.cella("image", "delete", "squash")


def test_erofs_is_mounted_and_not_unpacked(host):
    prepare(host)
    if not shutil.which("mkfs.erofs"):
        raise Skip("mkfs.erofs (package erofs-utils) is not installed")
    before = set((host.dir / "storage-pools/default").rglob("inittab"))
    image = host.work / "erofs"
    image.mkdir()
    run_checked("tar", "-C", str(host.work / "busybox-image"), "-cJf", str(image / "metadata.tar.xz"), "metadata.yaml")
    run_checked("mkfs.erofs", "--quiet", "--all-root", "-zlz4", str(image / "rootfs.erofs"), str(host.work / "busybox-image/rootfs"))
    host.cella("image", "import", image / "metadata.tar.xz", image / "rootfs.erofs", "--alias", "erofs")
    host.cella("launch", "erofs", "e1")
    host.exec("e1", "sh", "-c", "echo changed >> /etc/group")
    host.cella("restart", "--force", "e1")
    assert "changed" in host.exec("e1", "cat", "/etc/group")
    assert set((host.dir / "storage-pools/default").rglob("inittab")) == before
    host.cella("delete", "--force", "e1")
    host.cella("image", "delete", "erofs")


def test_snapshots_and_copies_of_a_stopped_instance_copy_nothing(host):
    prepare(host)
    pool = host.dir / "storage-pools/default"
    used = lambda: int(run_checked("du", "-s", "-B", "1", str(pool)).split()[0])
    host.cella("launch", "busybox", "big")
    host.exec("big", "sh", "-c", "head -c 64000000 /dev/urandom > /root/data; md5sum /root/data > /root/sum")
    host.cella("stop", "--force", "big")
    before = used()
    host.cella("snapshot", "big", "one")
    host.cella("copy", "big", "twin")
    host.cella("copy", "big/one", "third")
    host.cella("restore", "big", "one")
    assert used() - before < 1_000_000, used() - before
    assert len(list((pool / "layers").iterdir())) == 1
    for name in ("twin", "third", "big"):
        host.cella("start", name)
        assert host.exec(name, "md5sum", "-c", "/root/sum").endswith("OK")
        host.exec(name, "sh", "-c", f"echo {name} > /root/mine")
    assert host.exec("twin", "cat", "/root/mine") == "twin"
    for name in ("big", "third", "twin"):
        host.cella("delete", "--force", name)
    eventually(lambda: not list((pool / "layers").iterdir()), 10, "layers go with their last volume")


def test_layers_count_for_the_quota_of_the_instance_that_wrote_them(host):
    prepare(host)
    image, place = host.work / "quota.img", host.work / "quota"
    with open(image, "wb") as file:
        file.truncate(400 << 20)
    place.mkdir()
    run_checked("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", str(image))
    if subprocess.run(["mount", "-o", "loop,prjquota", image, place], capture_output=True).returncode != 0:
        raise Skip("the kernel has no project quotas on ext4")
    shutil.rmtree(place / "lost+found")
    host.cella("storage", "create", "quota", "overlay", f"source={place}")
    host.cella("init", "busybox", "q", "-s", "quota")
    host.cella("config", "device", "set", "q", "root", "size=100MiB")
    for number in range(2):
        host.cella("start", "q")
        host.exec("q", "sh", "-c", f"head -c 30000000 /dev/zero > /root/d{number}")
        host.cella("stop", "--force", "q")
        host.cella("snapshot", "q", f"s{number}")
    host.cella("start", "q")
    assert host.cella("exec", "q", "--", "sh", "-c", "head -c 60000000 /dev/zero > /root/more", check=False).returncode != 0
    host.cella("copy", "q/s0", "q2")
    host.cella("restore", "q", "s1")
    host.cella("start", "q2")
    assert host.exec("q", "ls", "/root").split() == ["d0", "d1"] and host.exec("q2", "ls", "/root").split() == ["d0"]
    for name in ("q", "q2"):
        host.cella("delete", "--force", name)
    eventually(lambda: not list((place / "layers").iterdir()) and not list((place / "trash").iterdir()), 20, "all is deleted")
    host.cella("storage", "delete", "quota")
    run_checked("umount", str(place))


def test_split_image_with_a_root_tarball(host):
    image = host.work / "split2"
    image.mkdir()
    run_checked("tar", "-C", str(host.work / "busybox-image"), "-cf", str(image / "metadata.tar"), "metadata.yaml")
    run_checked("tar", "-C", str(host.work / "busybox-image/rootfs"), "--owner=0", "--group=0", "-czf", str(image / "rootfs.tar.gz"), ".")
    host.cella("image", "import", image / "metadata.tar", image / "rootfs.tar.gz", "--alias", "split2")
    host.cella("launch", "split2", "s2")
    assert host.exec("s2", "hostname") == "s2"
    host.cella("delete", "--force", "s2")
    host.cella("image", "delete", "split2")


def test_every_compression(host):
    tree = host.work / "busybox-image"
    for suffix, option in (("tar", ""), ("tar.gz", "-z"), ("tar.bz2", "-j"), ("tar.zst", "--zstd")):
        (tree / "metadata.yaml").write_text((tree / "metadata.yaml").read_text() + f"# {suffix}\n")
        target = host.work / f"compressed.{suffix}"
        run_checked("tar", "-C", str(tree), "--owner=0", "--group=0", *filter(None, [option]), "-cf", str(target), "metadata.yaml", "rootfs")
        host.cella("image", "import", target, "--alias", "packed")
        host.cella("launch", "packed", "p")
        assert host.exec("p", "hostname") == "p"
        host.cella("delete", "--force", "p")
        host.cella("image", "delete", "packed")


def test_two_containers_cannot_read_each_others_files(host):
    prepare(host)
    for name in ("left", "right"):
        host.cella("launch", "busybox", name)
        host.exec(name, "sh", "-c", "echo secret > /root/s; chmod 600 /root/s")
    bases = [int(open(f"/proc/{host.pid(name)}/uid_map").read().split()[1]) for name in ("left", "right")]
    path = next(p for p in host.dir.rglob("s") if "left" in str(p))
    done = subprocess.run(["setpriv", f"--reuid={bases[1]}", f"--regid={bases[1]}", "--clear-groups", "cat", str(path)],
                          capture_output=True)
    assert done.returncode != 0
    for name in ("left", "right"):
        host.cella("delete", "--force", name)


if __name__ == "__main__":
    run(globals())
