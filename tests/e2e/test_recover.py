"""The database is lost: what lies in the storage pools is brought back from the manifests beside it."""
import shutil
import time

from harness import busybox_image, eventually, run


def manifest(host, pool, volume, kind="volumes"):
    return host.dir / "storage-pools" / pool / kind / volume / "backup.yaml"


def lose_database(host):
    host.stop()
    shutil.rmtree(host.dir / "database")
    host.start()


def test_a_manifest_follows_each_change(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    host.cella("profile", "create", "tiny")
    # A bridge would outlive the database that knows it.
    host.cella("profile", "device", "remove", "default", "eth0")
    for network in host.json("network", "list"):
        if network["managed"]:
            host.cella("network", "delete", network["name"])
    host.cella("init", "busybox", "web", "--profile", "default", "--profile", "tiny", "-c", "user.owner=ann")
    host.cella("config", "device", "add", "web", "data", "disk", f"source={host.work}", "path=/data")
    file = manifest(host, "default", "web")
    eventually(lambda: file.exists() and "user.owner" in file.read_text(), 10, "the manifest is written")
    host.cella("config", "set", "web", "user.owner", "bob")
    eventually(lambda: '"bob"' in file.read_text(), 10, "the manifest follows")
    assert file.stat().st_mode & 0o777 == 0o600
    host.cella("snapshot", "web", "first")
    eventually(lambda: '"first"' in file.read_text(), 10, "the manifest tells of the snapshot")


def test_a_change_right_before_a_kill_is_made_up_for(host):
    host.cella("config", "set", "web", "user.late", "yes")
    host.kill()
    host.start()
    eventually(lambda: "user.late" in manifest(host, "default", "web").read_text(), 10, "written by the next daemon")


def test_the_launch_path_writes_none(host):
    before = manifest(host, "default", "web").stat().st_mtime_ns
    host.cella("start", "web")
    host.exec("web", "sh", "-c", "echo kept > /root/file")
    host.cella("stop", "web", "--force")
    time.sleep(1)
    text = manifest(host, "default", "web").read_text()
    assert "Running" not in text
    # Volatile keys of the first start may have been added, nothing that every start changes.
    after = manifest(host, "default", "web").stat().st_mtime_ns
    host.cella("start", "web")
    host.cella("stop", "web", "--force")
    time.sleep(1)
    assert manifest(host, "default", "web").stat().st_mtime_ns == after >= before


def test_what_is_missing_is_named_and_nothing_is_changed(host):
    host.cella("storage", "create", "second", "dir")
    host.cella("storage", "volume", "create", "second", "vol")
    host.cella("storage", "volume", "snapshot", "second", "vol", "s0")
    host.cella("init", "busybox", "other", "-s", "second", "-c", "user.mark=x")
    eventually(lambda: manifest(host, "second", "other").exists(), 10, "a manifest in the second pool")
    eventually(lambda: '"s0"' in manifest(host, "second", "default_vol", "custom").read_text(), 10, "the volume's manifest")
    lose_database(host)
    assert host.json("list") == [] and host.json("storage", "list") == []
    text = host.refused("admin", "recover", "--yes", naming="missing")
    shown = host.cella("admin", "recover", "--yes", check=False).stdout
    assert 'Profile "tiny" in project "default"' in shown, shown
    assert 'Instance "web"' in shown and "1 snapshots" in shown and 'Volume "vol"' in shown, shown
    assert "nothing was changed" in text
    assert host.json("list") == [] and host.json("storage", "list") == []


def test_all_of_it_comes_back_and_boots(host):
    host.cella("profile", "create", "tiny")
    shown = host.out("admin", "recover", "--yes")
    assert "Recovered." in shown, shown
    assert {pool["name"]: pool["driver"] for pool in host.json("storage", "list")} == {"default": "overlay", "second": "dir"}
    assert {item["name"] for item in host.json("list")} == {"web", "other"}
    web = host.instance("web")
    assert web["config"]["user.owner"] == "bob" and web["config"]["user.late"] == "yes"
    assert web["profiles"] == ["default", "tiny"]
    assert web["devices"]["data"]["path"] == "/data" and web["devices"]["root"]["pool"] == "default"
    assert [snapshot["name"] for snapshot in web["snapshots"]] == ["first"]
    host.cella("start", "web")
    assert host.exec("web", "cat", "/root/file") == "kept"
    host.cella("stop", "web", "--force")
    host.cella("start", "other")
    host.cella("stop", "other", "--force")
    assert "Nothing was found" in host.out("admin", "recover", "--yes")


def test_snapshots_and_volumes_are_whole_after_another_restart(host):
    host.restart()
    host.cella("restore", "web", "first")
    host.cella("start", "web")
    assert host.cella("exec", "web", "--", "test", "-e", "/root/file", check=False).returncode == 1
    host.cella("delete", "web", "--force")
    assert [volume["name"] for volume in host.json("storage", "volume", "list", "second") if volume["type"] == "custom"][:1] == ["vol"]
    host.cella("storage", "volume", "restore", "second", "vol", "s0")


def test_a_pool_that_is_recovered_by_halves_keeps_its_snapshots(host):
    host.cella("snapshot", "other", "s0")
    eventually(lambda: '"s0"' in manifest(host, "second", "other").read_text(), 10, "the manifest tells of the snapshot")
    manifest(host, "second", "other").write_text("nonsense: [")
    lose_database(host)
    host.refused("admin", "recover", "--yes", naming="missing")
    status, answer = host.api("POST", "/internal/recover/import", {"pools": [
        {"name": "second", "driver": "dir", "config": {"source": str(host.dir / "storage-pools/second")}}]})
    assert status == 400 and "other" in answer["error"], answer
    host.restart()
    assert (host.dir / "storage-pools/second/snapshots/other/s0").is_dir()


if __name__ == "__main__":
    run(globals())
