"""kill -9 of the daemon and of the keeper while containers run."""
import os
import signal
import subprocess
import time

from harness import BIN, busybox_image, eventually, run


def prepare(host, *names):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    existing = {item["name"] for item in host.json("list")}
    for name in names:
        if name not in existing:
            host.cella("launch", "busybox", name)


def test_containers_do_not_notice_the_daemons_death(host):
    prepare(host, "a", "b")
    pids = {name: host.pid(name) for name in ("a", "b")}
    address = host.address("a")
    host.exec("a", "sh", "-c", "nohup sleep 100000 >/dev/null 2>&1 & echo started")
    host.kill()
    for pid in pids.values():
        os.kill(pid, 0)
    host.start()
    assert {name: host.pid(name) for name in ("a", "b")} == pids
    assert host.address("a") == address
    assert "sleep 100000" in host.exec("a", "ps")


def test_they_are_controlled_again(host):
    prepare(host, "a")
    host.restart()
    assert host.exec("a", "echo", "again") == "again"
    host.cella("pause", "a")
    host.cella("start", "a")
    host.cella("restart", "--force", "a")
    assert host.exec("a", "echo", "again") == "again"


def test_an_exit_while_the_daemon_is_away_is_seen(host):
    prepare(host, "b")
    pid = host.pid("b")
    host.kill()
    os.kill(pid, signal.SIGKILL)
    host.start()
    eventually(lambda: host.instance("b")["status"] == "Stopped", 10, "b is stopped")
    host.cella("start", "b")


def test_network_and_names_are_back(host):
    prepare(host, "a", "b")
    host.restart()
    target = host.address("b")
    eventually(lambda: host.cella("exec", "a", "--", "ping", "-c", "1", "-W", "2", target, check=False).returncode == 0, 15,
               "ping after restart")
    host.cella("launch", "busybox", "fresh")
    assert host.address("fresh")
    host.cella("delete", "--force", "fresh")


def test_kill_in_the_middle_of_many_operations_leaves_complete_objects_or_none(host):
    prepare(host)
    for attempt in range(8):
        work = [subprocess.Popen([BIN / "cella", "launch", "busybox", f"half{attempt}x{i}"], env=host.env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) for i in range(3)]
        time.sleep(0.01 + 0.012 * attempt)
        host.kill()
        for process in work:
            process.wait(30)
        host.start()
        for item in host.json("list"):
            if not item["name"].startswith("half"):
                continue
            assert item["status"] in ("Running", "Stopped"), item["status"]
            if item["status"] == "Stopped":
                host.cella("start", item["name"])
            assert host.exec(item["name"], "echo", "whole") == "whole"
            host.cella("delete", "--force", item["name"])
    left = [p for p in (host.dir / "storage-pools").rglob("half*")]
    assert not left, left


def test_kill_during_import_leaves_nothing(host):
    prepare(host)
    host.cella("image", "alias", "list")
    big = host.work / "big"
    (big / "rootfs/bin").mkdir(parents=True)
    (big / "rootfs/blob").write_bytes(os.urandom(40 << 20))
    (big / "metadata.yaml").write_text("architecture: x86_64\ncreation_date: 1\nproperties: {}\n")
    subprocess.run(["tar", "-C", str(big), "-czf", str(host.work / "big.tar.gz"), "metadata.yaml", "rootfs"], check=True)
    importing = subprocess.Popen([BIN / "cella", "image", "import", host.work / "big.tar.gz", "--alias", "big"], env=host.env,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    time.sleep(0.15)
    host.kill()
    importing.wait(30)
    host.start()
    images = host.json("image", "list")
    assert all(image["properties"] for image in images) or len(images) <= 2
    for image in images:
        if not any(alias["name"] == "busybox" for alias in image["aliases"]):
            host.cella("image", "delete", image["fingerprint"])
    host.cella("image", "import", host.work / "big.tar.gz", "--alias", "big")
    host.cella("image", "delete", "big")


def test_the_keepers_death_stops_no_container(host):
    prepare(host, "a", "b")
    pids = {name: host.pid(name) for name in ("a", "b")}
    os.kill(host.keeper_pid(), signal.SIGKILL)
    for pid in pids.values():
        os.kill(pid, 0)
    eventually(lambda: host.cella("exec", "a", "--", "echo", "x", check=False).returncode == 0, 15, "exec after keeper death")
    assert host.pid("a") == pids["a"]
    host.cella("launch", "busybox", "after")
    host.cella("stop", "--force", "b")
    assert host.instance("b")["status"] == "Stopped"
    host.cella("start", "b")
    host.cella("delete", "--force", "after")


def test_both_die_and_everything_is_found_again(host):
    prepare(host, "a", "b")
    pids = {name: host.pid(name) for name in ("a", "b")}
    keeper = host.keeper_pid()
    host.kill()
    os.kill(keeper, signal.SIGKILL)
    host.start()
    assert {name: host.pid(name) for name in ("a", "b")} == pids
    assert host.exec("a", "echo", "back") == "back"
    host.cella("stop", "--force", "a")
    host.cella("start", "a")


def test_clean_stop_of_the_daemon_keeps_containers(host):
    prepare(host, "a")
    pid = host.pid("a")
    host.stop()
    os.kill(pid, 0)
    host.start()
    assert host.pid("a") == pid


def test_many_cycles_leave_flat_counters(host):
    prepare(host, "a")
    keeper = host.keeper_pid()
    def counters():
        return {"daemon": len(os.listdir(f"/proc/{host.process.pid}/fd")), "keeper": len(os.listdir(f"/proc/{keeper}/fd"))}
    for _ in range(5):
        host.cella("restart", "--force", "a")
    before = counters()
    for _ in range(30):
        host.cella("restart", "--force", "a")
        host.exec("a", "true")
    def flat():
        now = counters()
        return all(now[name] <= before[name] + 3 for name in before)
    eventually(flat, 10, f"descriptors flat: {before} then {counters()}")


if __name__ == "__main__":
    run(globals())
