"""The guest API at /dev/lxd/sock: what an instance sees of itself, who it is told apart by, and what bounds it has."""
import base64
import http.client
import json
import os
import socket
import stat
import struct
import time

from harness import busybox_image, eventually, run
from inside import inside, socket_from_inside

PATH = "/dev/lxd/sock"


def connect():
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.settimeout(20)
    made.connect(PATH)
    return made


class Guest(http.client.HTTPConnection):
    """What a process of a container sends over its socket."""

    def __init__(self, pid):
        super().__init__("lxd")
        self.sock = socket_from_inside(pid, connect)
        self.sock.settimeout(20)

    def ask(self, method, path, body=None):
        self.request(method, path, body=body)
        answer = self.getresponse()
        return answer.status, answer.read()


def ask(host, name, path, method="GET", body=None):
    return ask_pid(host.pid(name), path, method, body)


def ask_pid(pid, path, method="GET", body=None):
    guest = Guest(pid)
    try:
        return guest.ask(method, path, body)
    finally:
        guest.close()


def answers(host, name):
    try:
        return ask(host, name, "/")[0] == 200
    except OSError:
        return False


def prepare(host, *names):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    for name in names:
        if name not in {item["name"] for item in host.json("list")}:
            host.cella("launch", "busybox", name)


def test_the_socket_is_there_from_the_start(host):
    prepare(host, "a")

    def look():
        found = os.stat(PATH)
        return [stat.S_ISSOCK(found.st_mode), found.st_mode & 0o777, found.st_uid]
    assert inside(host.pid("a"), look) == [True, 0o666, 0]
    # ds-identify, which decides whether cloud-init runs at all, looks for a socket there.
    assert host.exec("a", "sh", "-c", f"[ -S {PATH} ] && echo found") == "found"


def test_what_cloud_init_asks(host):
    """The requests of cloud-init's DataSourceLXD, in its order."""
    prepare(host, "a")
    user_data = "#cloud-config\npackages:\n- ssh\n"
    host.cella("config", "set", "a", "cloud-init.user-data", user_data)
    host.cella("config", "set", "a", "user.meta-data", "extra: 1")
    host.cella("config", "set", "a", "user.colour", "blue green")
    status, text = ask(host, "a", "/")
    assert (status, json.loads(text)) == (200, ["/1.0"]), (status, text)
    guest = Guest(host.pid("a"))
    status, text = guest.ask("GET", "/1.0/meta-data")
    own = host.instance("a")["config"]
    assert status == 200
    assert text.decode() == (f"#cloud-config\ninstance-id: {own['volatile.cloud-init.instance-id']}\n"
                             "local-hostname: a\nextra: 1"), text
    status, text = guest.ask("GET", "/1.0/config")
    routes = json.loads(text)
    assert status == 200 and sorted(routes) == ["/1.0/config/cloud-init.user-data", "/1.0/config/user.colour",
                                                "/1.0/config/user.meta-data"], routes
    values = {route: guest.ask("GET", route) for route in routes}
    assert values["/1.0/config/cloud-init.user-data"] == (200, user_data.encode()), values
    assert values["/1.0/config/user.colour"] == (200, b"blue green"), values
    status, text = guest.ask("GET", "/1.0/devices")
    devices = json.loads(text)
    assert status == 200 and devices["eth0"]["hwaddr"] == own["volatile.eth0.hwaddr"] and "root" in devices, devices


def test_new_user_data_makes_a_new_instance_of_it(host):
    prepare(host, "a")
    before = host.instance("a")["config"]["volatile.cloud-init.instance-id"]
    host.cella("config", "set", "a", "user.colour", "red")
    assert host.instance("a")["config"]["volatile.cloud-init.instance-id"] == before
    host.cella("config", "set", "a", "cloud-init.user-data", "#cloud-config\n{}\n")
    assert host.instance("a")["config"]["volatile.cloud-init.instance-id"] != before


def test_only_its_own_and_only_what_it_may_see(host):
    prepare(host, "a", "b")
    host.cella("config", "set", "a", "user.secret", "of a")
    assert ask(host, "a", "/1.0/config/user.secret") == (200, b"of a")
    assert ask(host, "b", "/1.0/config/user.secret")[0] == 404
    assert ask(host, "a", "/1.0/config/user.none")[0] == 404
    assert ask(host, "a", "/1.0/config/volatile.uuid")[0] == 403
    assert ask(host, "a", "/1.0/config/limits.memory")[0] == 403
    for path in ("/1.0/instances", "/1.0/certificates", "/1.0/operations", "/1.0/images", "/internal", "/1.0/config/../../x"):
        status, text = ask(host, "a", path)
        assert status in (403, 404), (path, status, text)
    assert ask(host, "a", "/1.0", "DELETE")[0] == 405


def test_a_profiles_keys_count(host):
    prepare(host, "a")
    host.cella("profile", "create", "coloured")
    host.cella("profile", "set", "coloured", "user.from-profile", "yes")
    host.cella("profile", "add", "a", "coloured")
    assert ask(host, "a", "/1.0/config/user.from-profile") == (200, b"yes")


def test_ready(host):
    prepare(host, "a")
    status, text = ask(host, "a", "/1.0")
    assert status == 200 and json.loads(text) == {"api_version": "1.0", "instance_type": "container", "location": "none",
                                                  "state": "Started"}, text
    assert ask(host, "a", "/1.0", "PATCH", '{"state":"Gone"}')[0] == 400
    assert ask(host, "a", "/1.0", "PATCH", '{"state":"Ready"}')[0] == 200
    assert json.loads(ask(host, "a", "/1.0")[1])["state"] == "Ready"
    assert host.instance("a")["config"]["volatile.last_state.ready"] == "true"
    host.cella("restart", "--force", "a")
    assert json.loads(ask(host, "a", "/1.0")[1])["state"] == "Started"


def websocket(host, name, path):
    stream = socket_from_inside(host.pid(name), connect)
    stream.settimeout(20)
    key = base64.b64encode(os.urandom(16)).decode()
    stream.sendall((f"GET {path} HTTP/1.1\r\nHost: lxd\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = stream.recv(1)
        assert part, head
        head += part
    assert b" 101 " in head, head
    return stream


def next_message(stream):
    def exactly(count):
        data = b""
        while len(data) < count:
            part = stream.recv(count - len(data))
            assert part, "the connection ended"
            data += part
        return data
    while True:
        first, length = exactly(2)
        if length == 126:
            length, = struct.unpack(">H", exactly(2))
        text = exactly(length)
        if first & 15 == 1:
            return json.loads(text)


def test_events(host):
    prepare(host, "a", "b")
    both, devices = websocket(host, "a", "/1.0/events"), websocket(host, "a", "/1.0/events?type=device")
    eventually(lambda: ask(host, "a", "/")[0] == 200, 5, "the daemon is back at its loop")
    host.cella("config", "set", "b", "user.other", "x")
    host.cella("config", "set", "a", "boot.autostart.priority", "5")
    host.cella("config", "set", "a", "user.seen", "one")
    host.cella("config", "set", "a", "user.seen", "two")
    (host.work / "shared").mkdir(exist_ok=True)
    host.cella("config", "device", "add", "a", "data", "disk", f"source={host.work}/shared", "path=/mnt")
    host.cella("config", "device", "remove", "a", "data")
    first, second = next_message(both), next_message(both)
    assert first["type"] == "config" and first["metadata"] == {"key": "user.seen", "old_value": "", "value": "one"}, first
    assert second["metadata"] == {"key": "user.seen", "old_value": "one", "value": "two"}, second
    for stream in (both, devices):
        added, removed = next_message(stream), next_message(stream)
        assert added["type"] == "device" and added["metadata"]["action"] == "added", added
        assert added["metadata"]["name"] == "data" and added["metadata"]["config"]["path"] == "/mnt", added
        assert removed["metadata"]["action"] == "removed", removed
        stream.close()


def test_images_only_where_allowed(host):
    prepare(host, "a")
    image = host.json("image", "list")[0]["fingerprint"]
    assert ask(host, "a", f"/1.0/images/{image}/export")[0] == 403
    host.cella("config", "set", "a", "security.devlxd.images", "true")
    assert ask(host, "a", f"/1.0/images/{image}/export")[0] == 404, "an image that is not public"
    status, _ = host.api("PATCH", f"/1.0/images/{image}", {"public": True})
    assert status == 200
    status, text = ask(host, "a", f"/1.0/images/{image}/export")
    assert status == 200 and text == busybox_image(host.work).read_bytes(), (status, len(text))
    host.cella("config", "unset", "a", "security.devlxd.images")
    assert ask(host, "a", f"/1.0/images/{image}/export")[0] == 403


def test_images_are_those_of_the_instances_project(host):
    prepare(host, "a")
    image = host.json("image", "list")[0]["fingerprint"]
    assert host.api("PATCH", f"/1.0/images/{image}", {"public": True})[0] == 200
    host.cella("config", "set", "a", "security.devlxd.images", "true")
    assert ask(host, "a", f"/1.0/images/{image}/export")[0] == 200
    host.cella("project", "create", "apart", "-c", "features.images=true", "-c", "features.profiles=false")
    host.cella("stop", "--force", "a")
    host.cella("move", "a", "a", "--target-project", "apart")
    host.cella("start", "a", "--project", "apart")
    status, state = host.api("GET", "/1.0/instances/a/state?project=apart")
    assert status == 200, state
    assert ask_pid(state["metadata"]["pid"], f"/1.0/images/{image}/export")[0] == 404, "another project's image"
    host.cella("delete", "--force", "a", "--project", "apart")
    host.cella("project", "delete", "apart")


def test_switched_off(host):
    prepare(host, "b")
    host.cella("config", "set", "b", "security.devlxd", "false")
    assert ask(host, "b", "/1.0/config")[0] == 403, "a running instance loses its rights at once"
    host.cella("restart", "--force", "b")
    assert inside(host.pid("b"), lambda: os.path.exists("/dev/lxd")) is False
    host.cella("config", "unset", "b", "security.devlxd")
    host.cella("restart", "--force", "b")
    assert ask(host, "b", "/")[0] == 200
    host.refused("config", "set", "b", "security.devlxd", "perhaps", naming=["security.devlxd", "perhaps"])


def test_it_works_again_after_the_daemon_was_killed(host):
    prepare(host, "a", "b")
    host.cella("config", "set", "a", "user.name", "a's")
    host.cella("config", "set", "b", "user.name", "b's")
    host.restart()
    for name in ("a", "b"):
        eventually(lambda: answers(host, name), 10, f"{name} is listened to")
    assert ask(host, "a", "/1.0/config/user.name") == (200, b"a's")
    assert ask(host, "b", "/1.0/config/user.name") == (200, b"b's")


def test_one_instance_cannot_use_up_the_daemon(host):
    prepare(host, "a", "b")
    idle = [socket_from_inside(host.pid("a"), connect) for _ in range(24)]
    for stream in idle[:8]:
        stream.sendall(b"GET / HTTP/1.1\r\nHost:")  # and never the rest
    started = time.monotonic()
    assert ask(host, "b", "/")[0] == 200
    host.out("list")
    assert time.monotonic() - started < 5
    # Those that say nothing are sent away, and those that waited behind them are served.
    idle[-1].settimeout(60)
    idle[-1].sendall(b"GET / HTTP/1.1\r\nHost: lxd\r\nConnection: close\r\n\r\n")
    answer = idle[-1].recv(4096)
    assert b" 200 " in answer, answer
    for stream in idle:
        stream.close()
    guest = Guest(host.pid("a"))
    guest.putrequest("PATCH", "/1.0")
    guest.putheader("Content-Length", str(64 << 20))
    guest.endheaders()
    assert guest.getresponse().status == 413


def test_a_renamed_and_a_deleted_instance(host):
    prepare(host, "c")
    host.cella("stop", "--force", "c")
    host.cella("rename", "c", "d")
    host.cella("start", "d")
    assert b"local-hostname: d\n" in ask(host, "d", "/1.0/meta-data")[1]
    host.cella("delete", "--force", "d")


if __name__ == "__main__":
    run(globals())
