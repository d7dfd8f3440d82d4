"""Wrong input: a clear error that names the value, exit status 1, and nothing left behind."""
import os
import subprocess

from harness import DEBIAN, METADATA, Skip, busybox_image, busybox_tree, run, run_checked


def prepare(host):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")


def nothing_new(host):
    assert host.out("list", "-c", "n", "--format", "csv") == "", host.out("list")


def test_unknown_image(host):
    prepare(host)
    host.refused("launch", "no-such-image", "x", naming="no-such-image")
    nothing_new(host)


def test_names_that_are_no_host_names(host):
    for name in ("-dash", "under_score", "dot.ted", "9digits!", "a" * 64, "sp ace", "ümlaut"):
        host.refused("init", "--", "busybox", name, naming=name[:20])
    nothing_new(host)


def test_a_taken_name(host):
    host.cella("init", "busybox", "taken")
    host.refused("init", "busybox", "taken", naming="taken")
    status, body = host.api("POST", "/1.0/instances", {"name": "taken", "source": {"type": "image", "alias": "busybox"}})
    assert status in (202, 409), (status, body)
    host.cella("delete", "taken")


def test_config_keys_and_values(host):
    for setting in ("no.such.key=1", "limits.memory=lots", "limits.memory=-5MiB", "limits.cpu=0-", "limits.processes=many",
                    "boot.autostart=perhaps", "limits.cpu.allowance=12", "limits.kernel.nonsense=3", "security.nesting=2",
                    "raw.lxc=lxc.hook.start=/bin/sh"):
        key, value = setting.split("=", 1)
        text = host.refused("init", "busybox", "x", "-c", setting, naming=key)
        nothing_new(host)


def test_control_characters_are_refused(host):
    status, body = host.api("POST", "/1.0/instances", {"name": "x", "source": {"type": "image", "alias": "busybox"},
                                                       "config": {"environment.A": "1\n2\x00"}})
    assert status == 400 or body.get("metadata", {}).get("err"), body
    nothing_new(host)


def test_unknown_profile_network_pool_and_device(host):
    host.refused("init", "busybox", "x", "-p", "no-profile", naming="no-profile")
    host.refused("init", "busybox", "x", "-n", "no-network", naming="no-network")
    host.refused("init", "busybox", "x", "-s", "no-pool", naming="no-pool")
    nothing_new(host)
    host.cella("init", "busybox", "x")
    host.refused("config", "device", "add", "x", "d", "teapot", naming="teapot")
    host.refused("config", "device", "add", "x", "d", "disk", "source=/no/such/dir", "path=/x", naming="/no/such/dir")
    host.refused("config", "device", "add", "x", "d", "disk", "path=/x", naming="source")
    host.refused("config", "device", "add", "x", "d", "nic", "nictype=warp", naming="warp")
    assert "d:" not in host.out("config", "device", "show", "x")
    host.cella("delete", "x")


def test_objects_that_do_not_exist(host):
    for command in (["start", "ghost"], ["info", "ghost"], ["delete", "ghost"], ["exec", "ghost", "--", "true"],
                    ["config", "show", "ghost"], ["profile", "show", "ghost"], ["network", "show", "ghost"],
                    ["storage", "show", "ghost"], ["image", "info", "ghost"]):
        assert host.cella(*command, check=False).returncode == 1, command
    for path in ("/1.0/instances/ghost", "/1.0/profiles/ghost", "/1.0/networks/ghost", "/1.0/storage-pools/ghost",
                 "/1.0/images/ghost", "/1.0/images/aliases/ghost", "/1.0/operations/ghost", "/1.0/nonsense"):
        status, body = host.api("GET", path)
        assert status == 404 and body["type"] == "error" and body["error_code"] == 404, (path, status, body)


def test_states_that_forbid_the_request(host):
    host.cella("launch", "busybox", "x")
    host.refused("start", "x", naming="running")
    host.refused("delete", "x", naming="running")
    host.refused("rename", "x", "y", naming="running")
    host.cella("stop", "--force", "x")
    host.refused("stop", "x", naming="already stopped")
    host.refused("exec", "x", "--", "true", naming="not running")
    host.cella("delete", "x")


def import_refused(host, *paths, naming):
    before = len(host.json("image", "list"))
    host.refused("image", "import", *paths, "--alias", "bad", naming=naming)
    assert len(host.json("image", "list")) == before
    assert "bad" not in host.out("image", "alias", "list", "--format", "csv")


def tarball(host, name, build):
    tree = host.work / name
    busybox_tree(tree / "rootfs")
    (tree / "metadata.yaml").write_text(METADATA)
    target = host.work / f"{name}.tar"
    run_checked("tar", "-C", str(tree), "--numeric-owner", "--owner=0", "--group=0", "-cf", str(target), "metadata.yaml", "rootfs")
    build(target)
    return target


def append(target, members):
    import io, tarfile
    with tarfile.open(target, "a") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def member(name, kind=None, link="", mode=0o644):
    import tarfile
    info = tarfile.TarInfo(name)
    info.type = kind or tarfile.REGTYPE
    info.linkname = link
    info.mode = mode
    return info


def test_broken_tarballs(host):
    import tarfile
    data = busybox_image(host.work).read_bytes()
    for name, content in (("empty", b""), ("noise", os.urandom(100000)), ("cut", data[: len(data) // 2]),
                          ("text", b"hello\n" * 1000)):
        path = host.work / f"{name}.tar.xz"
        path.write_bytes(content)
        import_refused(host, path, naming="")
    no_metadata = host.work / "nometa.tar"
    run_checked("tar", "-C", str(host.work / "busybox-image"), "-cf", str(no_metadata), "rootfs")
    import_refused(host, no_metadata, naming="metadata.yaml")


def test_tarballs_that_try_to_escape(host):
    import tarfile
    cases = {
        "dotdot": [(member("rootfs/../../../../../../tmp/cella-escaped"), b"x")],
        "absolute": [(member("/tmp/cella-escaped"), b"x")],
        "throughlink": [(member("rootfs/out", tarfile.SYMTYPE, "/tmp"), b""), (member("rootfs/out/cella-escaped"), b"x")],
        "hardlink": [(member("rootfs/passwd", tarfile.LNKTYPE, "/etc/passwd"), b"")],
        "replaceroot": [(member("rootfs", tarfile.SYMTYPE, "/tmp"), b""), (member("rootfs/cella-escaped"), b"x")],
    }
    for name, members in cases.items():
        target = tarball(host, name, lambda path: append(path, members))
        done = host.cella("image", "import", target, "--alias", name, check=False)
        assert not os.path.exists("/tmp/cella-escaped"), name
        if done.returncode == 0:
            # Accepted only when everything stayed inside its own root.
            host.cella("image", "delete", name)
        else:
            assert done.returncode == 1 and done.stderr.strip(), name


def test_truncated_squashfs(host):
    if not (DEBIAN / "rootfs.squashfs").exists():
        raise Skip(f"no Debian image in {DEBIAN}")
    cut = host.work / "cut.squashfs"
    cut.write_bytes((DEBIAN / "rootfs.squashfs").read_bytes()[: 3 << 20])
    import_refused(host, DEBIAN / "metadata.tar.xz", cut, naming="")


def test_full_pool(host):
    pool = host.work / "small.img"
    run_checked("truncate", "-s", "64M", str(pool))
    run_checked("mkfs.ext4", "-q", str(pool))
    where = host.work / "small"
    where.mkdir()
    run_checked("mount", "-o", "loop", str(pool), str(where))
    try:
        (where / "pool").mkdir()
        host.cella("storage", "create", "small", "dir", f"source={where}/pool")
        subprocess.run(["dd", "if=/dev/zero", f"of={where}/filler", "bs=1M"], capture_output=True)
        text = host.refused("init", "busybox", "x", "-s", "small", naming="space")
        nothing_new(host)
        os.unlink(where / "filler")
        host.cella("init", "busybox", "x", "-s", "small")
        host.cella("delete", "x")
    finally:
        for item in host.json("list"):
            host.cella("delete", "--force", item["name"], check=False)
        host.cella("storage", "delete", "small", check=False)
        subprocess.run(["umount", "-l", str(where)], check=False)


def test_malformed_requests(host):
    for body in ("{", "[]", '{"name": 5}', '{"name":"x","config":[]}', '{"name":"x","config":{"a":1}}', "null", '"text"',
                 '{"name":"x","source":{"type":"teleport"}}', "{" * 5000):
        status, answer = host.api("POST", "/1.0/instances", body)
        assert status in (400, 404), (body[:60], status, answer)
        assert answer["type"] == "error" and answer["error"], answer
    nothing_new(host)
    assert host.api("PUT", "/1.0/instances/ghost/state", {"action": "explode"})[0] in (400, 404)
    assert host.api("GET", "/1.0/instances?recursion=banana")[0] in (200, 400)
    assert host.api("DELETE", "/1.0")[0] in (404, 405, 501)


def test_a_limit_whose_controller_is_missing_is_refused(host):
    from harness import has_controller
    if has_controller("memory"):
        raise Skip("this host has every controller on cgroup v2")
    host.cella("init", "busybox", "x")
    done = host.cella("config", "set", "x", "limits.memory", "64MiB", check=False)
    if done.returncode == 0:
        done = host.cella("start", "x", check=False)
    assert done.returncode == 1 and "memory" in done.stderr and "cgroup" in done.stderr, done.stderr
    host.cella("delete", "--force", "x")


if __name__ == "__main__":
    run(globals())
