"""Instances copied and moved between two servers by the stock `lxc` and by cella: pull, push, relay, refresh."""
import json
import os
import shutil
import subprocess
import threading
import time

from harness import BIN, Host, Skip, busybox_image, eventually, run

PORTS = {"one": 8443, "two": 8444}
servers = {}


def second():
    """The other daemon, started at the first use; both listen, and one client trusts and is trusted by both."""
    if "two" not in servers:
        servers["two"] = Host()
        servers["two"].start()
        servers["two"].cella("admin", "init", "--auto", "--storage-backend", "dir", check=False)
    return servers["two"]


def ready(host):
    two = second()
    if "client" in servers:
        return two
    environment = {**host.env, "CELLA_CONF": str(host.work / "conf"), "LXD_CONF": str(host.work / "lxc-conf"),
                   "CELLA_DIR": "/nonexistent", "LXD_DIR": "/nonexistent"}
    servers["client"] = environment
    for name, server in (("one", host), ("two", two)):
        server.cella("config", "set", f"core.https_address=127.0.0.1:{PORTS[name]}")
        server.cella("config", "set", "core.trust_password=xyz")
        for program in programs():
            client(program, "remote", "add", name, f"127.0.0.1:{PORTS[name]}", "--accept-certificate", "--password", "xyz")
        storage = server.json("storage", "list")
        if not storage:
            server.cella("storage", "create", "default", "dir")
            server.cella("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    return two


def programs():
    return [BIN / "cella"] + (["lxc"] if shutil.which("lxc") else [])


def client(program, *words, check=True, timeout=120):
    done = subprocess.run([program, *map(str, words)], env=servers["client"], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{program} {' '.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()}")
    return done


def names(server):
    return sorted(item["name"] for item in server.json("list"))


def snapshots(server, name):
    return [item.rsplit("/", 1)[1] for item in json.loads(server.out("query", f"/1.0/instances/{name}/snapshots"))]


def marked(host, name, text="here"):
    """A stopped instance with a file of a plain user's and two snapshots of different content."""
    if name in names(host):
        return
    host.cella("init", "busybox", name, "-c", "user.mark=yes")
    write(host, name, "first")
    host.cella("snapshot", name, "s0")
    write(host, name, "second")
    host.cella("snapshot", name, "s1")
    write(host, name, text)


def write(host, name, text):
    host.cella("file", "push", "--uid", "1000", "--mode", "4750", "-", f"{name}/root/mark", input=text)


def read(server, name):
    return server.out("file", "pull", f"{name}/root/mark", "-")


def check_copy(server, name, text="here", mark="yes"):
    assert read(server, name) == text
    assert server.out("config", "get", name, "user.mark") == mark
    server.cella("start", name)
    assert server.exec(name, "stat", "-c", "%u %a", "/root/mark") == "1000 4750"
    server.cella("stop", "--force", name)


def test_copy_in_every_mode(host):
    two = ready(host)
    marked(host, "m1")
    for program in programs():
        for mode in ("pull", "push", "relay"):
            copy = f"c-{mode}-{str(program).rsplit('/', 1)[-1]}"
            client(program, "copy", "one:m1", f"two:{copy}", "--mode", mode)
            assert snapshots(two, copy) == ["s0", "s1"], snapshots(two, copy)
            check_copy(two, copy)
            two.cella("restore", copy, "s0")
            assert read(two, copy) == "first"
            two.cella("delete", copy)
    assert read(host, "m1") == "here" and snapshots(host, "m1") == ["s0", "s1"]


def test_instance_only_and_snapshot(host):
    two = ready(host)
    marked(host, "m1")
    for program in programs():
        client(program, "copy", "one:m1", "two:only", "--instance-only")
        assert snapshots(two, "only") == []
        client(program, "copy", "one:m1/s0", "two:old")
        assert read(two, "old") == "first" and snapshots(two, "old") == []
        two.cella("delete", "only", "old")


def test_running_source(host):
    two = ready(host)
    host.cella("launch", "busybox", "runs")
    host.exec("runs", "sh", "-c", "echo live >/root/mark")
    for program in programs():
        client(program, "copy", "one:runs", "two:ran", "--stateless")
        assert read(two, "ran") == "live"
        two.cella("delete", "ran")
        refused = client(program, "copy", "one:runs", "two:ran", check=False)
        assert refused.returncode == 0 or "live" in refused.stderr, refused.stderr
        two.cella("delete", "--force", "ran", check=False)
    assert host.instance("runs")["status"] == "Running"
    host.cella("delete", "--force", "runs")


def test_move_there_and_back(host):
    two = ready(host)
    for program in programs():
        marked(host, "wanders", "moved")
        client(program, "move", "one:wanders", "two:wanders")
        assert "wanders" not in names(host)
        assert snapshots(two, "wanders") == ["s0", "s1"]
        client(program, "move", "two:wanders", "one:home", "--mode", "push")
        assert "wanders" not in names(two)
        check_copy(host, "home", "moved")
        host.cella("delete", "home")


def test_refresh_brings_only_what_changed(host):
    two = ready(host)
    for program in programs():
        host.cella("copy", "m1", "src")
        client(program, "copy", "one:src", "two:kept")
        two.cella("config", "set", "kept", "user.own=kept")
        kept = [json.loads(two.out("query", f"/1.0/instances/kept/snapshots/{name}"))["created_at"] for name in ("s1",)]
        host.cella("delete", "src/s0")
        host.cella("config", "set", "src", "user.mark=new")
        write(host, "src", "third")
        host.cella("snapshot", "src", "s2")
        write(host, "src", "newest")
        client(program, "copy", "one:src", "two:kept", "--refresh")
        assert snapshots(two, "kept") == ["s1", "s2"], snapshots(two, "kept")
        assert [json.loads(two.out("query", "/1.0/instances/kept/snapshots/s1"))["created_at"]] == kept
        assert two.out("config", "get", "kept", "user.mark") == "new"
        assert two.out("config", "get", "kept", "user.own") == "", "the configuration is the source's, as with lxc"
        check_copy(two, "kept", "newest", "new")
        two.cella("restore", "kept", "s2")
        assert read(two, "kept") == "third"
        host.cella("delete", "src")
        two.cella("delete", "kept")


def test_local_refresh(host):
    ready(host)
    marked(host, "m1")
    host.cella("copy", "m1", "near")
    host.cella("delete", "near/s0")
    made = int(time.time())
    eventually(lambda: int(time.time()) > made, 3, "the next second")
    host.cella("snapshot", "near", "s0")  # the name of the source's, of another moment: replaced
    write(host, "m1", "later")
    host.cella("snapshot", "m1", "s2")
    host.cella("copy", "m1", "near", "--refresh")
    assert sorted(snapshots(host, "near")) == ["s0", "s1", "s2"]
    moments = [json.loads(host.out("query", f"/1.0/instances/{name}/snapshots/s0"))["created_at"] for name in ("m1", "near")]
    assert moments[0] == moments[1], moments
    check_copy(host, "near", "later")
    host.cella("delete", "m1/s2")
    host.cella("start", "near")
    host.refused("copy", "m1", "near", "--refresh", naming=["near", "stopped"])
    host.cella("stop", "--force", "near")
    host.cella("copy", "m1", "near", "--refresh")
    assert sorted(snapshots(host, "near")) == ["s0", "s1"]
    host.cella("delete", "near", "m1")


def test_failures_leave_nothing(host):
    two = ready(host)
    marked(host, "m1")
    taken = names(two)
    client(BIN / "cella", "copy", "one:m1", "two:full")
    exists = client(BIN / "cella", "copy", "one:m1", "two:full", check=False)
    assert exists.returncode == 1 and "full" in exists.stderr, exists.stderr
    two.cella("delete", "full")
    missing = client(BIN / "cella", "copy", "one:m1", "two:lost", "--storage", "nowhere", check=False)
    assert missing.returncode == 1 and "nowhere" in missing.stderr, missing.stderr
    assert names(two) == taken and read(host, "m1") == "here"
    # The source is free again: nothing waits for sockets that never come.
    eventually(lambda: host.cella("snapshot", "m1", "free", check=False).returncode == 0, 30, "the source is free")
    host.cella("delete", "m1/free")


def test_cancel_and_broken_connections(host):
    two = ready(host)
    marked(host, "m1")
    host.cella("file", "push", "-", "m1/root/big", input="x" * (1 << 20))
    operation = json.loads(host.out("query", "-X", "POST", "-d", '{"migration":true}', "/1.0/instances/m1", "--raw"))
    identity = operation["metadata"]["id"]
    assert sorted(operation["metadata"]["metadata"]) == ["control", "fs"], operation
    assert host.api("DELETE", f"/1.0/operations/{identity}")[0] == 200
    body = {"name": "nobody", "source": {"type": "migration", "mode": "pull", "certificate": certificate(host),
            "operation": f"https://127.0.0.1:{PORTS['one']}/1.0/operations/{identity}",
            "secrets": operation["metadata"]["metadata"]}}
    status, answer = two.api("POST", "/1.0/instances", body)
    ended = two.api("GET", answer["operation"] + "/wait")[1]["metadata"]
    assert status == 202 and ended["status_code"] == 400, ended
    for change in ({"operation": "http://127.0.0.1/1.0/operations/x"}, {"secrets": {}}, {"mode": "sideways"}):
        status, answer = two.api("POST", "/1.0/instances", {**body, "source": {**body["source"], **change}})
        assert status == 400 and list(change)[0] in answer["error"], answer
    assert "nobody" not in names(two)
    host.cella("snapshot", "m1", "free")
    host.cella("delete", "m1/free")


def running(server, description):
    listed = server.api("GET", "/1.0/operations?recursion=1")[1]["metadata"].get("running", [])
    return next((item for item in listed if item["description"] == description), None)


def test_cancelled_midway(host):
    two = ready(host)
    marked(host, "m1")
    host.cella("file", "push", "-", "m1/root/big", input=os.urandom(48 << 20).hex())
    for side, description in ((two, "Creating instance"), (host, "Migrating instance")):
        done = []
        copy = threading.Thread(target=lambda: done.append(client(BIN / "cella", "copy", "one:m1", "two:cut", check=False)))
        copy.start()
        moving = eventually(lambda: (running(side, description) or {}).get("metadata") and
                            "fs_progress" in running(side, description)["metadata"] and running(side, description), 30,
                            "files are being sent")
        assert side.api("DELETE", f"/1.0/operations/{moving['id']}")[0] == 200
        copy.join()
        assert done[0].returncode == 1, done[0].stdout
        assert "cut" not in names(two)
        eventually(lambda: not running(host, "Migrating instance"), 30, "the source has ended")
    host.cella("file", "delete", "m1/root/big")
    assert read(host, "m1") == "here"


def certificate(server):
    return json.loads(server.out("query", "/1.0"))["environment"]["certificate"]


def start_copy(*words):
    """A copy on a thread of its own, whose result list is filled at its end; returns both when files are being sent."""
    done = []
    copy = threading.Thread(target=lambda: done.append(client(BIN / "cella", "copy", *words, check=False)))
    copy.start()
    two = servers["two"]
    eventually(lambda: "fs_progress" in ((running(two, "Creating instance") or {}).get("metadata") or {}), 30, "files are sent")
    return copy, done


def volumes(server):
    return sorted(str(path.relative_to(server.dir)) for path in server.dir.glob("storage-pools/*/*/*")
                  if path.parent.name in ("volumes", "snapshots"))


def test_killed_midway(host):
    two = ready(host)
    marked(host, "m1")
    client(BIN / "cella", "copy", "one:m1", "two:kept")
    host.cella("file", "push", "-", "m1/root/big", input=os.urandom(48 << 20).hex())
    two.cella("snapshot", "kept", "stale")  # deleted by a refresh that succeeds, and by no other
    there, here = volumes(two), volumes(host)
    assert there and here
    for server in (two, host):
        for words in (("one:m1", "two:cut"), ("one:m1", "two:kept", "--refresh")):
            copy, done = start_copy(*words)
            server.kill()
            copy.join()
            assert done[0].returncode == 1, done[0].stdout
            eventually(lambda: server is two or not running(two, "Creating instance"), 30, "the target has ended")
            server.start()
            assert names(two) == ["kept"] and volumes(two) == there, (names(two), volumes(two), there)
            assert read(two, "kept") == "here" and snapshots(two, "kept") == ["s0", "s1", "stale"], snapshots(two, "kept")
            eventually(lambda: not running(host, "Migrating instance"), 30, "the source has ended")
            assert read(host, "m1") == "here" and volumes(host) == here
    host.cella("file", "delete", "m1/root/big")
    client(BIN / "cella", "copy", "one:m1", "two:kept", "--refresh")
    assert snapshots(two, "kept") == ["s0", "s1"]
    two.cella("delete", "kept")


def test_zz_second_server_ends(host):
    two = servers.pop("two")
    host.cella("delete", "m1", check=False)
    two.close()
    two.remove()


if __name__ == "__main__":
    run(globals())
