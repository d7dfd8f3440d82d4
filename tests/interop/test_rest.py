"""The REST interface itself, as LXD documents it: envelopes, status codes, ETags, PUT and PATCH, recursion, filters."""
import http.client
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import busybox_image, run


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("cella", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(host, method, path, body=None, headers=None):
    """Returns (status, headers, decoded body)."""
    connection = Connection(host.dir / "unix.socket")
    raw = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
    connection.request(method, path, body=raw, headers={"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(data) if data else None


def get(host, path):
    status, _, body = ask(host, "GET", path)
    assert status == 200, (path, status, body)
    return body["metadata"]


def finish(host, answer):
    """Waits for what an answer started; returns the operation, or None for a synchronous answer."""
    status, _, body = answer
    if body["type"] == "sync":
        return None
    assert status == 202, answer
    return get(host, body["operation"] + "/wait")


def refused(host, status, method, path, body=None, naming="", headers=None):
    """The request is refused with this status, in LXD's error envelope, saying why."""
    got, _, answer = ask(host, method, path, body, headers)
    assert got == status, (method, path, body, got, answer)
    assert answer["type"] == "error" and answer["error_code"] == status and answer["metadata"] is None, answer
    assert answer["status"] == "" and answer["status_code"] == 0 and answer["operation"] == "", answer
    assert naming.lower() in answer["error"].lower() and answer["error"], (method, path, naming, answer["error"])


def test_sets_up(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    for name, role in (("r1", "web"), ("r2", "db")):
        host.cella("init", "bb", name, "-c", f"user.role={role}")
    host.cella("start", "r1")
    host.cella("snapshot", "r1", "s0")


def test_envelopes(host):
    status, headers, body = ask(host, "GET", "/")
    assert (status, body["metadata"]) == (200, ["/1.0"])
    assert body == {"type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0, "error": "",
                    "metadata": ["/1.0"]}, body
    status, headers, body = ask(host, "PUT", "/1.0/instances/r1/state", {"action": "restart", "force": True})
    assert (status, body["type"], body["status"], body["status_code"]) == (202, "async", "Operation created", 100), body
    assert headers["Location"] == body["operation"] == "/1.0/operations/" + body["metadata"]["id"]
    done = finish(host, (status, headers, body))
    assert done["status"] == "Success" and done["class"] == "task" and done["err"] == "", done
    assert done["resources"]["instances"] == ["/1.0/instances/r1"], done
    status, headers, _ = ask(host, "POST", "/1.0/profiles", {"name": "made"})
    assert (status, headers["Location"]) == (201, "/1.0/profiles/made")
    ask(host, "DELETE", "/1.0/profiles/made")


def test_what_is_not_there(host):
    for path in ("/1.0/nosuch", "/2.0", "/1.0/instances/nope", "/1.0/containers/nope", "/1.0/instances/nope/state",
                 "/1.0/instances/r1/snapshots/nope", "/1.0/instances/r1/backups/nope", "/1.0/images/nope",
                 "/1.0/images/aliases/nope", "/1.0/profiles/nope", "/1.0/networks/nope", "/1.0/networks/nope/state",
                 "/1.0/networks/nope/leases", "/1.0/storage-pools/nope", "/1.0/storage-pools/nope/resources",
                 "/1.0/storage-pools/nope/volumes", "/1.0/storage-pools/default/volumes/custom/nope",
                 "/1.0/operations/nope", "/1.0/operations/nope/wait", "/1.0/certificates/nope", "/1.0/projects/nope",
                 "/1.0/instances/r1/logs/nope.log", "/1.0/instances/r1/files?path=/nope"):
        refused(host, 404, "GET", path)
    for path in ("/1.0/instances/nope", "/1.0/profiles/nope", "/1.0/networks/nope", "/1.0/storage-pools/nope",
                 "/1.0/images/nope", "/1.0/images/aliases/nope", "/1.0/operations/nope", "/1.0/certificates/nope",
                 "/1.0/instances/r1/snapshots/nope"):
        refused(host, 404, "DELETE", path)


def test_methods_that_a_resource_lacks(host):
    # LXD answers 501 here; 405 is what HTTP has for it, and no client tells them apart.
    for method, path in (("DELETE", "/1.0"), ("PATCH", "/1.0/instances"), ("PUT", "/1.0/profiles"), ("POST", "/1.0/resources"),
                         ("DELETE", "/1.0/instances/r1/state"), ("PUT", "/1.0/operations"), ("GET", "/1.0/instances/r1/exec")):
        refused(host, 405, method, path, {}, naming=path)


def test_bodies_that_are_none(host):
    for body, naming in (("{", "JSON"), ("[]", "object"), ('{"name": 5}', "name"), ('{"config": {"a": 1}}', "config"),
                         ("null", ""), ('{"name": "' + "x" * 3_000_000, "")):
        refused(host, 400, "POST", "/1.0/profiles", body, naming=naming)
    assert "made" not in json.dumps(get(host, "/1.0/profiles"))
    status, _, _ = ask(host, "POST", "/1.0/profiles", {"name": "made", "unknown_field": {"deep": [1]}})
    assert status == 201, "fields of newer clients are passed over"
    ask(host, "DELETE", "/1.0/profiles/made")


def test_unknown_queries_are_passed_over(host):
    assert get(host, "/1.0/profiles?whatever=1&recursion=0&filter=") == ["/1.0/profiles/default"]


def test_recursion(host):
    assert sorted(get(host, "/1.0/instances")) == ["/1.0/instances/r1", "/1.0/instances/r2"]
    assert "/1.0/containers/r1" in get(host, "/1.0/containers") and get(host, "/1.0/virtual-machines") == []
    one = {item["name"]: item for item in get(host, "/1.0/instances?recursion=1")}["r1"]
    assert "state" not in one and one["config"]["user.role"] == "web"
    full = {item["name"]: item for item in get(host, "/1.0/instances?recursion=2")}["r1"]
    assert full["state"]["pid"] > 0 and full["snapshots"][0]["name"] == "s0" and full["backups"] == []
    assert get(host, "/1.0/instances/r1?recursion=1")["state"]["status"] == "Running"
    for path in ("profiles", "networks", "storage-pools", "images", "images/aliases", "projects", "certificates",
                 "instances/r1/snapshots", "storage-pools/default/volumes"):
        urls, objects = get(host, f"/1.0/{path}"), get(host, f"/1.0/{path}?recursion=1")
        assert len(urls) == len(objects) and all(isinstance(url, str) and url.startswith("/1.0/") for url in urls), path
        assert all(isinstance(item, dict) for item in objects), path
        for url in urls:
            get(host, url)


def names(host, path, expression):
    from urllib.parse import quote
    return sorted(item["name"] for item in get(host, f"/1.0/{path}?recursion=1&filter={quote(expression)}"))


def test_filters(host):
    for expression, expected in (("name eq r1", ["r1"]), ("name ne r1", ["r2"]), ("status eq Running", ["r1"]),
                                 ("status eq running", ["r1"]), ("config.user.role eq db", ["r2"]),
                                 ("name eq r1 and status eq Stopped", []), ("name eq r1 or name eq r2", ["r1", "r2"]),
                                 ("not name eq r1", ["r2"]), ("(name eq r1 or name eq r2) and status eq Stopped", ["r2"]),
                                 ('name eq "r1"', ["r1"]), ("ephemeral eq true", []), ("", ["r1", "r2"]),
                                 ("status_code eq 103", ["r1"]), ("devices.none.x eq 1", [])):
        assert names(host, "instances", expression) == expected, expression
    assert get(host, "/1.0/images?recursion=1&filter=properties.os%20eq%20Busybox")
    assert get(host, "/1.0/images?recursion=1&filter=properties.os%20eq%20Other") == []
    for expression in ("name", "name eq", "name xx r1", "(name eq r1", "name eq r1 and", "and", "name eq r1 name eq r2"):
        from urllib.parse import quote
        refused(host, 400, "GET", f"/1.0/instances?filter={quote(expression)}", naming="filter")


def writable(host):
    """Objects that can be changed: their path, a change that PUT makes, and one that PATCH makes."""
    fingerprint = host.json("image", "list")[0]["fingerprint"]
    yield "/1.0/instances/r2", {"config": {"user.put": "1"}}, {"config": {"user.patch": "2"}}
    yield "/1.0/profiles/default", {"config": {"user.put": "1"}}, {"config": {"user.patch": "2"}}
    yield "/1.0/networks/cellabr0", {"config": {"user.put": "1"}}, {"config": {"user.patch": "2"}}
    yield "/1.0/storage-pools/default", {"config": {"user.put": "1"}}, {"config": {"user.patch": "2"}}
    yield f"/1.0/images/{fingerprint}", {"properties": {"put": "1"}}, {"properties": {"patch": "2"}}
    yield "/1.0", {"config": {"user.put": "1"}}, {"config": {"user.patch": "2"}}


def test_etags_guard_put_and_patch(host):
    for path, put, patch in writable(host):
        status, headers, body = ask(host, "GET", path)
        etag, before = headers["ETag"], body["metadata"]
        assert status == 200 and etag.strip('"') and ask(host, "GET", path)[1]["ETag"] == etag, path
        member, change = next(iter(put.items()))
        wanted = {**before, member: {**before[member], **change}}
        if path == "/1.0":
            wanted = {"config": wanted["config"]}
        refused(host, 412, "PUT", path, wanted, naming="ETag", headers={"If-Match": '"0123456789abcdef"'})
        assert get(host, path)[member] == before[member], path
        finish(host, ask(host, "PUT", path, wanted, {"If-Match": etag}))
        assert get(host, path)[member] == wanted[member], path
        refused(host, 412, "PATCH", path, patch, naming="ETag", headers={"If-Match": etag})
        newer = ask(host, "GET", path)[1]["ETag"]
        assert newer != etag, path
        finish(host, ask(host, "PATCH", path, patch, {"If-Match": newer}))
        patched = get(host, path)[member]
        assert patched == {**wanted[member], **patch[member]}, (path, patched)
        restored = {"config": before["config"]} if path == "/1.0" else before
        finish(host, ask(host, "PUT", path, restored))
        assert get(host, path)[member] == before[member], path


def test_reading_changes_no_etag(host):
    for path, _, _ in writable(host):
        first, second = (ask(host, "GET", path)[1]["ETag"] for _ in range(2))
        assert first == second, path
    running = ask(host, "GET", "/1.0/instances/r1")[1]["ETag"]
    ask(host, "GET", "/1.0/instances/r1/state")
    assert ask(host, "GET", "/1.0/instances/r1")[1]["ETag"] == running


def test_patch_merges_and_put_replaces(host):
    path = "/1.0/profiles/merge"
    ask(host, "POST", "/1.0/profiles", {"name": "merge", "config": {"user.a": "1", "user.b": "2"}, "description": "told",
                                        "devices": {"d": {"type": "disk", "source": "/tmp", "path": "/t"}}})
    ask(host, "PATCH", path, {"config": {"user.b": "3"}})
    now = get(host, path)
    assert now["config"] == {"user.a": "1", "user.b": "3"} and now["description"] == "told" and "d" in now["devices"], now
    ask(host, "PUT", path, {"config": {"user.c": "4"}})
    now = get(host, path)
    assert now["config"] == {"user.c": "4"} and now["description"] == "" and now["devices"] == {}, now
    refused(host, 400, "PUT", path, {"config": {"no.such.key": "1"}}, naming="no.such.key")
    assert get(host, path) == now
    status, headers, _ = ask(host, "POST", path, {"name": "merged"})
    assert status == 201 and headers["Location"] == "/1.0/profiles/merged", (status, headers)
    refused(host, 404, "GET", path)
    ask(host, "DELETE", "/1.0/profiles/merged")


def test_what_exists_is_not_made_again(host):
    for path, body in (("/1.0/profiles", {"name": "default"}), ("/1.0/networks", {"name": "cellabr0"}),
                       ("/1.0/storage-pools", {"name": "default", "driver": "dir"}),
                       ("/1.0/images/aliases", {"name": "bb", "target": host.json("image", "list")[0]["fingerprint"]})):
        refused(host, 409, "POST", path, body)


def test_bulk_state_changes(host):
    finish(host, ask(host, "PUT", "/1.0/instances", {"state": {"action": "start"}}))
    assert names(host, "instances", "status eq Running") == ["r1", "r2"]
    finish(host, ask(host, "PUT", "/1.0/instances", {"state": {"action": "stop", "force": True}}))
    assert names(host, "instances", "status eq Running") == []
    refused(host, 400, "PUT", "/1.0/instances", {"state": {"action": "dance"}}, naming="dance")


def test_a_long_list_is_quick(host):
    root = {"root": {"type": "disk", "path": "/", "pool": "default"}}
    for number in range(60):
        body = {"name": f"many{number}", "source": {"type": "none"}, "devices": root, "profiles": []}
        finish(host, ask(host, "POST", "/1.0/instances", body))
    taken = []
    for _ in range(9):
        started = time.monotonic()
        assert len(get(host, "/1.0/instances?recursion=2")) == 62
        taken.append(time.monotonic() - started)
    # Well above what it takes, well below a second: a cost that grows with the list shows.
    assert sorted(taken)[4] < 0.1, taken
    for number in range(60):
        finish(host, ask(host, "DELETE", f"/1.0/instances/many{number}"))


def test_odd_paths(host):
    for path in ("/1.0/", "/1.0/instances/", "/1.0/instances/r1/"):
        assert ask(host, "GET", path)[0] in (200, 301, 404), path
    for path in ("/1.0/instances/%00", "/1.0/instances/..%2f..", "/1.0/instances/%zz", "/1.0/profiles/" + "x" * 5000):
        status, _, body = ask(host, "GET", path)
        assert status in (400, 404, 414) and body["type"] == "error", (path, status, body)
    status, _, _ = ask(host, "GET", "/1.0/profiles/d%65fault")
    assert status == 200


run(globals())
