"""Snapshots by a schedule, their names and expiry; and a daemon that sleeps when nothing is due."""
import datetime
import pathlib
import time

from harness import busybox_image, eventually, run


def image(host):
    if not any(item["name"] == "bb" for item in host.api("GET", "/1.0/images/aliases?recursion=1")[1]["metadata"]):
        host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    return "bb"


def snapshots(host, name):
    return host.api("GET", f"/1.0/instances/{name}/snapshots?recursion=1")[1]["metadata"]


def wakeups(host):
    """Voluntary context switches of all of the daemon's threads."""
    texts = [status.read_text() for status in pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/status")]
    return sum(int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for text in texts)


def test_bad_schedules_are_refused(host):
    host.cella("init", image(host), "s1")
    for bad in ("61 * * * *", "* * * *", "@sometimes", "@daily;@hourly", "*/0 * * * *"):
        host.refused("config", "set", "s1", f"snapshots.schedule={bad}", naming="snapshots.schedule")
    host.refused("config", "set", "s1", "snapshots.schedule.stopped=perhaps", naming="snapshots.schedule.stopped")
    host.cella("config", "set", "s1", "snapshots.schedule=@daily, 0 6 * * mon-fri")
    host.cella("config", "unset", "s1", "snapshots.schedule")


def test_the_daemon_sleeps_while_nothing_is_due(host):
    time.sleep(3)
    before = wakeups(host)
    time.sleep(5)
    assert wakeups(host) - before < 20, f"{wakeups(host) - before} wake-ups in five idle seconds"


def test_every_minute(host):
    host.cella("launch", image(host), "s2")
    host.cella("init", image(host), "s3")
    host.cella("init", image(host), "s4", "-c", "snapshots.schedule.stopped=true")
    host.cella("profile", "create", "often")
    for name in ("s2", "s3", "s4"):
        host.cella("profile", "add", name, "often")
    host.cella("profile", "set", "often", "snapshots.schedule=* * * * *")
    host.cella("profile", "set", "often", "snapshots.pattern=auto-%d")
    host.cella("profile", "set", "often", "snapshots.expiry=1M")
    assert not snapshots(host, "s2"), "not for the minute that has begun"
    eventually(lambda: snapshots(host, "s2"), 75, "a snapshot at the next minute")
    taken = snapshots(host, "s2")[0]
    assert taken["name"].endswith("auto-0"), taken["name"]
    made = datetime.datetime.fromisoformat(taken["created_at"][:19])
    assert made.second < 20, f"at the beginning of the minute, not {made}"
    expires = datetime.datetime.fromisoformat(taken["expires_at"][:19])
    assert 59 <= (expires - made).total_seconds() <= 61
    eventually(lambda: snapshots(host, "s4"), 10, "a snapshot of the stopped instance that asks for it")
    assert not snapshots(host, "s3"), "stopped instances are left alone"
    host.cella("profile", "unset", "often", "snapshots.schedule")
    # It expires by itself.
    eventually(lambda: not any(s["name"].endswith("auto-0") for s in snapshots(host, "s4")), 75, "expired")


def test_at_startup(host):
    host.cella("init", image(host), "s5", "-c", "snapshots.schedule=@startup")
    host.cella("start", "s5")
    assert len(snapshots(host, "s5")) == 1
    host.cella("restart", "-f", "s5")
    assert len(snapshots(host, "s5")) == 2


run(globals())
