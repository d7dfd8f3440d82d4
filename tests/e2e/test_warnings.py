"""Warnings: raised by what is really wrong, kept over a restart, seen, resolved and deleted."""
import json
import subprocess

from harness import Skip, busybox_image, eventually, has_controller, run


def warnings(host):
    return host.api("GET", "/1.0/warnings?recursion=1")[1]["metadata"]


def of_type(host, text):
    return [warning for warning in warnings(host) if text in warning["type"]]


def test_missing_controllers_are_told(host):
    if has_controller("pids"):
        raise Skip("the pids controller is here")
    (warning,) = of_type(host, "CGroup pids")
    assert warning["status"] == "new" and warning["severity"] == "low" and warning["count"] == 1
    assert "limits.processes" in warning["last_message"]
    host.restart()
    (again,) = of_type(host, "CGroup pids")
    assert again["uuid"] == warning["uuid"] and again["count"] == 2
    assert again["first_seen_at"] == warning["first_seen_at"] and again["last_seen_at"] > warning["last_seen_at"]


def test_a_failed_autostart_raises_and_its_cure_resolves(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    gone = host.work / "gone"
    gone.mkdir()
    host.cella("init", "bb", "w1", "-c", "boot.autostart=true")
    host.cella("config", "device", "add", "w1", "d", "disk", f"source={gone}", "path=/d")
    gone.rmdir()
    host.restart()
    (warning,) = eventually(lambda: of_type(host, "autostart"), 20, "a warning")
    assert warning["entity_url"] == "/1.0/instances/w1" and warning["project"] == "default"
    assert str(gone) in warning["last_message"]
    gone.mkdir()
    host.restart()
    eventually(lambda: of_type(host, "autostart")[0]["status"] == "resolved", 20, "resolved")


def test_acknowledge_show_list_and_delete(host):
    (warning,) = of_type(host, "autostart")
    uuid = warning["uuid"]
    status, body = host.api("PUT", f"/1.0/warnings/{uuid}", {"status": "resolved"})
    assert status == 403 and "status" in body["error"], body
    assert host.api("PUT", f"/1.0/warnings/{uuid}", {"status": "nonsense"})[0] == 400
    host.cella("warning", "ack", uuid)
    assert of_type(host, "autostart")[0]["status"] == "acknowledged"
    assert uuid in host.out("warning", "show", uuid)
    assert uuid not in host.out("warning", "list") and uuid in host.out("warning", "list", "--all")
    assert host.api("PATCH", f"/1.0/warnings/{uuid}", {"status": "new"})[0] == 200
    assert uuid in host.out("warning", "list", "--format", "csv")
    host.cella("warning", "delete", uuid)
    assert host.api("GET", f"/1.0/warnings/{uuid}")[0] == 404
    assert not of_type(host, "autostart")
    assert json.loads(host.out("warning", "list", "--all", "--format", "json")) == warnings(host)


def test_the_stock_client_understands_them(host):
    if not warnings(host):
        raise Skip("nothing is wrong with this host")
    env = {**host.env, "LXD_DIR": str(host.dir), "HOME": str(host.work)}
    try:
        listed = subprocess.run(["lxc", "warning", "list", "--format", "json"], env=env, capture_output=True, text=True,
                                check=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Skip("no lxc client here")
    assert json.loads(listed.stdout)
    uuid = warnings(host)[0]["uuid"]
    subprocess.run(["lxc", "warning", "ack", uuid], env=env, check=True, stdin=subprocess.DEVNULL)
    assert host.api("GET", f"/1.0/warnings/{uuid}")[1]["metadata"]["status"] == "acknowledged"


run(globals())
