"""Snapshots, copies, publishing and backups, driven by cella's command line and by the stock `lxc` client."""
import json
import pathlib
import subprocess
import tarfile

from harness import Skip, busybox_image, eventually, run, run_checked


def lxc(host, *arguments, check=True):
    env = {**host.env, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LXD_CONF": str(host.work / "lxc")}
    try:
        done = subprocess.run(["lxc", *map(str, arguments)], env=env, capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Skip("no lxc client here")
    if check and done.returncode != 0:
        raise AssertionError(f"lxc {' '.join(map(str, arguments))}: {done.returncode}: {done.stderr.strip()}")
    return done


def image(host):
    if not any(item["name"] == "bb" for item in json_aliases(host)):
        host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    return "bb"


def json_aliases(host):
    return host.api("GET", "/1.0/images/aliases?recursion=1")[1]["metadata"]


def snapshots(host, name):
    return [item["name"] for item in host.api("GET", f"/1.0/instances/{name}/snapshots?recursion=1")[1]["metadata"]]


def write(host, name, path, text):
    host.exec(name, "sh", "-c", f"echo {text} >{path}")


def test_a_snapshot_of_a_running_instance_comes_back(host):
    host.cella("launch", image(host), "s1")
    write(host, "s1", "/root/kept", "before")
    host.exec("s1", "rm", "/etc/group")
    host.cella("snapshot", "s1", "first")
    write(host, "s1", "/root/kept", "after")
    write(host, "s1", "/root/new", "x")
    host.cella("config", "set", "s1", "user.mark=later")
    pid = host.pid("s1")
    host.cella("restore", "s1", "first")
    assert host.instance("s1")["status"] == "Running", "the instance goes on after a restore"
    assert host.pid("s1") != pid
    assert host.exec("s1", "cat", "/root/kept") == "before"
    assert host.cella("exec", "s1", "--", "test", "-e", "/root/new", check=False).returncode == 1
    assert host.cella("exec", "s1", "--", "test", "-e", "/etc/group", check=False).returncode == 1, "deleted stays deleted"
    assert host.out("config", "get", "s1", "user.mark") == ""


def test_names_follow_the_pattern(host):
    host.cella("snapshot", "s1")
    host.cella("snapshot", "s1")
    assert snapshots(host, "s1") == ["first", "snap0", "snap1"], snapshots(host, "s1")
    host.cella("config", "set", "s1", "snapshots.pattern=daily-%d")
    host.cella("snapshot", "s1")
    assert snapshots(host, "s1")[-1] == "daily-0"
    host.refused("config", "set", "s1", "snapshots.pattern=a%db%d", naming=["snapshots.pattern", "once"])
    host.cella("config", "unset", "s1", "snapshots.pattern")
    host.refused("snapshot", "s1", "first", naming="already exists")
    host.refused("snapshot", "s1", "a b", naming="a b")


def test_lxc_sees_and_changes_snapshots(host):
    lxc(host, "snapshot", "s1", "by-lxc", "--no-expiry")
    text = lxc(host, "info", "s1").stdout
    assert "Snapshots:" in text and "by-lxc" in text, text
    assert lxc(host, "list", "s1", "-c", "nS", "--format", "csv").stdout.strip() == "s1,5"
    assert "expires_at: 0001-01-01T00:00:00Z" in lxc(host, "config", "show", "s1/by-lxc").stdout
    lxc(host, "rename", "s1/by-lxc", "s1/renamed")
    lxc(host, "move", "s1/renamed", "s1/again")
    assert snapshots(host, "s1")[-1] == "again"
    lxc(host, "delete", "s1/again")
    assert "again" not in snapshots(host, "s1")
    assert lxc(host, "restore", "s1", "nowhere", check=False).returncode != 0
    write(host, "s1", "/root/kept", "changed")
    lxc(host, "restore", "s1", "first")
    assert host.exec("s1", "cat", "/root/kept") == "before"


def test_expiry_is_recorded_and_kept(host):
    host.cella("config", "set", "s1", "snapshots.expiry=1H 2d")
    host.cella("snapshot", "s1", "mortal")
    status, answer = host.api("GET", "/1.0/instances/s1/snapshots/mortal")
    assert answer["metadata"]["expires_at"] > answer["metadata"]["created_at"], answer
    host.cella("snapshot", "s1", "immortal", "--no-expiry")
    assert host.api("GET", "/1.0/instances/s1/snapshots/immortal")[1]["metadata"]["expires_at"].startswith("0001")
    host.refused("config", "set", "s1", "snapshots.expiry=soon", naming=["snapshots.expiry", "soon"])
    host.cella("config", "unset", "s1", "snapshots.expiry")


def test_snapshots_outlive_the_daemon_and_a_rename(host):
    names = snapshots(host, "s1")
    host.restart()
    assert snapshots(host, "s1") == names
    host.cella("stop", "--force", "s1")
    host.cella("rename", "s1", "s2")
    assert snapshots(host, "s2") == names
    host.cella("restore", "s2", "first")
    assert host.instance("s2")["status"] == "Stopped"
    host.cella("start", "s2")
    assert host.exec("s2", "cat", "/root/kept") == "before"


def test_a_copy_is_another_instance(host):
    write(host, "s2", "/root/kept", "copied")
    host.cella("copy", "s2", "c1")
    original, copy = host.instance("s2"), host.instance("c1")
    assert copy["status"] == "Stopped"
    assert [item["name"] for item in copy["snapshots"]] == [item["name"] for item in original["snapshots"]]
    for key in ("volatile.eth0.hwaddr", "volatile.uuid", "volatile.idmap.base"):
        if key in original["config"]:
            assert copy["config"][key] != original["config"][key], key
    assert copy["config"]["volatile.base_image"] == original["config"]["volatile.base_image"]
    host.cella("start", "c1")
    assert host.exec("c1", "cat", "/root/kept") == "copied"
    write(host, "c1", "/root/kept", "own")
    assert host.exec("s2", "cat", "/root/kept") == "copied"
    host.cella("restore", "c1", "first")
    assert host.exec("c1", "cat", "/root/kept") == "before"
    host.cella("delete", "--force", "c1")


def test_lxc_copies_from_instances_and_snapshots(host):
    lxc(host, "copy", "s2/first", "c2", "-c", "user.x=1")
    assert host.instance("c2")["config"]["user.x"] == "1"
    assert not host.instance("c2")["snapshots"]
    lxc(host, "start", "c2")
    assert host.exec("c2", "cat", "/root/kept") == "before"
    lxc(host, "copy", "s2", "c3", "--instance-only")
    assert not host.instance("c3")["snapshots"]
    lxc(host, "delete", "--force", "c2")
    lxc(host, "delete", "c3")


def test_another_pool_takes_copies_and_moves(host):
    host.cella("storage", "create", "second", "dir")
    lxc(host, "copy", "s2", "p1", "-s", "second")
    assert host.instance("p1")["expanded_devices"]["root"]["pool"] == "second"
    host.cella("start", "p1")
    assert host.exec("p1", "cat", "/root/kept") == "copied"
    host.cella("restore", "p1", "first")
    assert host.exec("p1", "cat", "/root/kept") == "before"
    assert host.cella("exec", "p1", "--", "test", "-e", "/etc/group", check=False).returncode == 1
    host.refused("move", "p1", "p2", "-s", "default", naming="stopped")
    host.cella("stop", "--force", "p1")
    lxc(host, "move", "p1", "p2", "-s", "default")
    assert host.instance("p2")["expanded_devices"]["root"]["pool"] == "default"
    host.cella("start", "p2")
    assert host.exec("p2", "cat", "/root/kept") == "before"
    host.cella("delete", "--force", "p2")
    host.cella("storage", "delete", "second")


def test_a_killed_daemon_leaves_no_half_snapshot(host):
    host.exec("s2", "sh", "-c", "mkdir /big; for i in $(seq 1 3000); do echo $i >/big/$i; done")
    before = snapshots(host, "s2")
    request = subprocess.Popen(["curl", "-s", "--unix-socket", str(host.dir / "unix.socket"), "-X", "POST", "-d",
                                '{"name":"torn"}', "http://c/1.0/instances/s2/snapshots"], stdout=subprocess.DEVNULL)
    request.wait(20)
    host.restart()
    after = snapshots(host, "s2")
    volumes = sorted(p.name for p in (host.dir / "storage-pools/default/snapshots/s2").iterdir())
    assert sorted(after) == volumes, (after, volumes)
    assert after in (before, before + ["torn"])
    assert host.instance("s2")["status"] == "Running", "a pause ends with the daemon that made it"
    assert host.exec("s2", "cat", "/root/kept") == "copied"
    host.exec("s2", "rm", "-r", "/big")


def test_publish_makes_an_image(host):
    host.cella("publish", "s2/first", "--alias", "pub1", "description=from a snapshot")
    lxc(host, "publish", "s2", "--alias", "pub0", check=False)
    assert not any(item["name"] == "pub0" for item in json_aliases(host)), "a running instance is not published"
    lxc(host, "publish", "s2", "--alias", "pub2", "--public", "--compression", "zstd", "-f")
    assert host.instance("s2")["status"] == "Running"
    images = {alias["name"]: item for item in host.json("image", "list") for alias in item["aliases"]}
    assert images["pub1"]["properties"]["description"] == "from a snapshot"
    assert images["pub2"]["properties"]["os"] == "Busybox" and images["pub2"]["public"]
    for alias, text in (("pub1", "before"), ("pub2", "copied")):
        host.cella("launch", alias, "from-" + alias)
        assert host.exec("from-" + alias, "cat", "/root/kept") == text
        assert host.exec("from-" + alias, "stat", "-c", "%u:%g %a", "/tmp") == "0:0 1777"
        host.cella("delete", "--force", "from-" + alias)
        host.cella("image", "delete", alias)
    host.refused("publish", "s2/first", "--compression", "lha", naming=["compression_algorithm", "lha"])


def test_backups_go_out_and_come_back(host):
    host.exec("s2", "sh", "-c", "mkdir -p /data; ln /root/kept /data/hard; ln -s /nowhere /data/soft; mkfifo /data/pipe;"
              "echo x >'/data/odd name'; chown 1000:1000 '/data/odd name'; chmod 4751 '/data/odd name'")
    target = host.work / "backup.tar.gz"
    lxc(host, "export", "s2", target)
    assert not host.api("GET", "/1.0/instances/s2/backups")[1]["metadata"]
    with tarfile.open(target) as archive:
        names = archive.getnames()
        assert names[:2] == ["backup", "backup/index.yaml"], names[:3]
        for wanted in ("backup/container/rootfs/root/kept", "backup/container/backup.yaml",
                       "backup/container/metadata.yaml", "backup/snapshots/first/rootfs/root/kept"):
            assert wanted in names, wanted
        assert archive.getmember("backup/container/rootfs/data/odd name").uid == 1000
    old = host.instance("s2")
    lxc(host, "import", target, "s3")
    new = host.instance("s3")
    assert [item["name"] for item in new["snapshots"]] == [item["name"] for item in old["snapshots"]]
    assert new["config"]["volatile.eth0.hwaddr"] != old["config"]["volatile.eth0.hwaddr"]
    host.cella("start", "s3")
    assert host.exec("s3", "cat", "/root/kept") == "copied"
    assert host.exec("s3", "stat", "-c", "%u:%g %a", "/data/odd name") == "1000:1000 4751"
    assert host.exec("s3", "readlink", "/data/soft") == "/nowhere"
    assert host.exec("s3", "stat", "-c", "%h %F", "/data/hard") == "2 regular file"
    host.cella("restore", "s3", "first")
    assert host.exec("s3", "cat", "/root/kept") == "before"
    host.cella("delete", "--force", "s3")
    host.refused("import", target, naming="already exists")
    host.cella("delete", "--force", "s2")
    host.cella("import", target)
    assert host.instance("s2")["config"]["volatile.eth0.hwaddr"] == old["config"]["volatile.eth0.hwaddr"]
    plain = host.work / "plain.tar"
    host.cella("export", "s2", plain, "--compression", "none", "--instance-only")
    with tarfile.open(plain, "r:") as archive:
        assert not any(name.startswith("backup/snapshots") for name in archive.getnames())
    host.cella("delete", "s2")
    (host.work / "junk").write_text("no archive")
    host.cella("import", host.work / "junk", "junk", check=False)
    assert host.cella("import", host.work / "junk", "junk", check=False).returncode == 1
    assert not list((host.dir / "backups/uploads").iterdir())


if __name__ == "__main__":
    run(globals())
