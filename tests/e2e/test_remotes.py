"""HTTPS, trust and remotes: cella's client and the stock `lxc` against one daemon over the network."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import time

from harness import BIN, Host, Skip, busybox_image, eventually, run, run_checked

ADDRESS = "127.0.0.1:8443"


def client(host, name):
    """The environment of a user on another machine: a configuration of its own and no local daemon."""
    return {**os.environ, "CELLA_CONF": str(host.work / name), "CELLA_DIR": "/nonexistent", "LC_ALL": "C.UTF-8",
            "LXD_CONF": str(host.work / f"{name}-lxc"), "LXD_DIR": "/nonexistent"}


def command(environment, *words, check=True, program=None, given=""):
    done = subprocess.run([program or BIN / "cella", *map(str, words)], env=environment, capture_output=True, text=True,
                          timeout=120, input=given)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()}")
    return done


def lxc(environment, *words, **options):
    if shutil.which("lxc") is None:
        raise Skip("no lxc client")
    return command(environment, *words, program="lxc", **options)


def listen(host):
    host.cella("config", "set", f"core.https_address={ADDRESS}")


def token(host, name, *flags):
    return host.out("config", "trust", "add", "--name", name, *flags).split("\n")[-1]


def curl(path, *options):
    text, _, status = run_checked("curl", "-sk", "-w", "\n%{http_code}", *options,
                                  f"https://{ADDRESS}{path}").rpartition("\n")
    return int(status), text


def image(host):
    if host.cella("image", "info", "busybox", check=False).returncode != 0:
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    return json.loads(host.out("query", "/1.0/images/aliases/busybox"))["target"]


def ready(host):
    listen(host)
    if host.cella("storage", "show", "default", check=False).returncode != 0:
        host.cella("storage", "create", "default", "dir")
        host.cella("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    return image(host)


def test_address_changes_live(host):
    host.refused("config", "set", "core.https_address=192.0.2.77:8443", naming=["core.https_address", "192.0.2.77:8443"])
    host.refused("config", "set", "core.https_address=somewhere:1", naming=["core.https_address", "somewhere:1"])
    assert host.out("config", "get", "core.https_address") == ""
    listen(host)
    assert curl("/1.0")[0] == 200
    host.cella("config", "set", "core.https_address=[::]:8443")
    assert curl("/1.0")[0] == 200, "the same port on another address"
    host.cella("config", "unset", "core.https_address")
    eventually(lambda: subprocess.run(["curl", "-sk", f"https://{ADDRESS}/1.0"]).returncode == 7, 5, "port closed")
    listen(host)
    host.restart()
    assert curl("/1.0")[0] == 200, "served again after a restart"


def test_only_tls_1_3(host):
    listen(host)
    assert subprocess.run(["curl", "-sk", "--tls-max", "1.2", f"https://{ADDRESS}/1.0"]).returncode == 35


def test_strangers_learn_little(host):
    fingerprint = ready(host)
    status, text = curl("/1.0")
    answer = json.loads(text)["metadata"]
    assert answer["auth"] == "untrusted" and "config" not in answer and "environment" not in answer, answer
    for path in ("/1.0/instances", "/1.0/instances/nobody", "/1.0/certificates", "/1.0/events", "/1.0/nothing",
                 "/1.0/images/x/secret", "/1.0%2fimages", "/internal"):
        assert curl(path)[0] == (400 if "%" in path else 403), path
    assert curl("/1.0/instances", "-X", "POST", "-d", "{}")[0] == 403
    assert json.loads(curl("/1.0/images")[1])["metadata"] == []
    missing = curl("/1.0/images/0123")
    assert curl(f"/1.0/images/{fingerprint}") == missing, "a private image looks like none"
    host.api("PATCH", f"/1.0/images/{fingerprint}", {"public": True})
    assert json.loads(curl("/1.0/images")[1])["metadata"] == [f"/1.0/images/{fingerprint}"]
    assert curl("/1.0/images/aliases/busybox")[0] == 200
    assert curl(f"/1.0/images/{fingerprint}/export", "-o", "/dev/null")[0] == 200
    host.api("PATCH", f"/1.0/images/{fingerprint}", {"public": False})
    assert curl(f"/1.0/images/{fingerprint}/export")[0] == 404


def test_secret_gives_one_private_image(host):
    fingerprint = ready(host)
    secret = host.api("POST", f"/1.0/images/{fingerprint}/secret")[1]["metadata"]["metadata"]["secret"]
    assert curl(f"/1.0/images/{fingerprint}?secret={secret}")[0] == 200
    assert curl(f"/1.0/images/{fingerprint}?secret={secret[:-1]}0")[0] in (404, 200 if secret[-1] == "0" else 404)
    assert curl(f"/1.0/images/{fingerprint}/export?secret={secret}", "-o", "/dev/null")[0] == 200


def test_password(host):
    listen(host)
    host.cella("config", "set", "core.trust_password=open sesame")
    assert host.out("config", "get", "core.trust_password") == "true"
    host.cella("config", "set", "user.other=1")  # sends "true" back
    user = client(host, "password")
    assert command(user, "remote", "add", "box", ADDRESS, "--accept-certificate", "--password", "wrong",
                   check=False).returncode == 1
    assert "box" not in command(user, "remote", "list").stdout
    command(user, "remote", "add", "box", ADDRESS, "--accept-certificate", "--password", "open sesame")
    assert command(user, "list", "box:", "--format", "json").stdout.strip() in ("[]", "null")
    command(user, "remote", "rename", "box", "crate")
    command(user, "remote", "switch", "crate")
    assert command(user, "remote", "get-default").stdout == "crate\n"
    assert "127.0.0.1" in command(user, "config", "trust", "list").stdout, "the default remote is used"
    host.cella("config", "unset", "core.trust_password")


def test_fingerprint_is_asked_for(host):
    listen(host)
    text = token(host, "asked")
    user = client(host, "asked")
    where = ("remote", "add", "box", ADDRESS, "--password", "x")
    assert command(user, *where, check=False, given="n\n").returncode == 1
    command(user, "remote", "add", "box", text)
    pinned = host.work / "asked/servercerts/box.crt"
    other = host.work / "asked/client.crt"
    shutil.copy(other, pinned)
    refused = command(user, "list", "box:", check=False)
    assert refused.returncode == 1 and "certificate" in refused.stderr, refused.stderr


def test_token_works_once(host):
    listen(host)
    text = token(host, "laptop")
    assert "laptop" in host.out("config", "trust", "list-tokens")
    command(client(host, "token"), "remote", "add", "box", text)
    assert "laptop" in host.out("config", "trust", "list")
    assert "laptop" not in host.out("config", "trust", "list-tokens")
    again = command(client(host, "token2"), "remote", "add", "box", text, check=False)
    assert again.returncode == 1 and "not authorized: the token was used" in again.stderr, again.stderr
    text = token(host, "revoked")
    host.cella("config", "trust", "revoke-token", "revoked")
    assert command(client(host, "token2"), "remote", "add", "box", text, check=False).returncode == 1
    fingerprint = next(item["fingerprint"] for item in host.json("config", "trust", "list") if item["name"] == "laptop")
    host.cella("config", "trust", "remove", fingerprint)
    assert command(client(host, "token"), "list", "box:", check=False).returncode == 1, "trust ends at once"


def test_restricted_certificate(host):
    ready(host)
    user = client(host, "restricted")
    command(user, "remote", "add", "box", token(host, "narrow", "--restricted", "--projects", "elsewhere"))
    for path in ("/1.0/instances", "/1.0/instances?project=default", "/1.0/instances?all-projects=true",
                 "/1.0/projects/default", "/1.0/warnings"):
        refused = command(user, "query", f"box:{path}", check=False)
        assert refused.returncode == 1 and "not authorized" in refused.stderr, path
    assert command(user, "query", "-X", "PATCH", "-d", '{"config":{}}', "box:/1.0", check=False).returncode == 1
    assert len(json.loads(command(user, "query", "box:/1.0/certificates").stdout)) == 1, "only its own"
    mine = json.loads(command(user, "query", "box:/1.0/certificates?recursion=1").stdout)[0]
    widened = command(user, "query", "-X", "PATCH", "-d", '{"restricted":false,"projects":[]}',
                      f"box:/1.0/certificates/{mine['fingerprint']}", check=False)
    assert widened.returncode == 1 and "not authorized" in widened.stderr, "it may not widen itself"


def test_instances_through_a_remote(host):
    ready(host)
    user = client(host, "instances")
    command(user, "remote", "add", "box", token(host, "desk"))
    command(user, "launch", "box:busybox", "box:far")
    assert command(user, "exec", "box:far", "--", "cat", given="over the wire\n").stdout == "over the wire\n"
    assert "far" in command(user, "list", "box:").stdout
    command(user, "delete", "-f", "box:far")
    refused = command(user, "list", "nowhere:", check=False)
    assert refused.returncode == 1


def test_stock_client(host):
    ready(host)
    host.cella("config", "set", "core.trust_password=xyz")
    by_password, by_token = client(host, "stock1"), client(host, "stock2")
    lxc(by_password, "remote", "add", "box", "127.0.0.1", "--accept-certificate", "--password", "xyz")
    lxc(by_token, "remote", "add", "box", token(host, "stock"))
    lxc(by_token, "launch", "box:busybox", "box:stock")
    assert "stock" in lxc(by_password, "list", "box:", "-c", "n", "--format", "csv").stdout
    assert lxc(by_token, "exec", "box:stock", "--", "sh", "-c", "cat; exit 3", given="hello", check=False).stdout == "hello"
    assert lxc(by_token, "exec", "box:stock", "--", "sh", "-c", "exit 3", check=False).returncode == 3
    lxc(by_password, "delete", "-f", "box:stock")
    host.cella("config", "unset", "core.trust_password")


def test_image_from_another_server(host):
    fingerprint = ready(host)
    other = Host()
    other.start()
    try:
        user = client(other, "images")
        user["CELLA_DIR"] = str(other.dir)
        command(user, "remote", "add", "box", token(host, "puller"))
        assert fingerprint[:12] in command(user, "image", "list", "box:").stdout
        command(user, "image", "copy", "box:busybox", "local:", "--alias", "bb", "--copy-aliases")
        copied = json.loads(other.out("query", f"/1.0/images/{fingerprint}"))
        assert sorted(alias["name"] for alias in copied["aliases"]) == ["bb", "busybox"], copied
        other.cella("image", "delete", "bb")
        command({**user, "LXD_DIR": str(other.dir)}, "remote", "add", "box", token(host, "stock puller"), program="lxc")
        command({**user, "LXD_DIR": str(other.dir)}, "image", "copy", "box:busybox", "local:", program="lxc")
        assert json.loads(other.out("query", "/1.0/images")) == [f"/1.0/images/{fingerprint}"]
        other.cella("image", "delete", fingerprint)
        body = {"source": {"type": "image", "mode": "pull", "protocol": "lxd", "server": f"https://{ADDRESS}",
                           "fingerprint": fingerprint, "certificate": (other.work / "images/client.crt").read_text()}}
        status, answer = other.api("POST", "/1.0/images", body)
        wait = other.api("GET", answer["operation"] + "/wait")[1]["metadata"]
        assert status == 202 and wait["status_code"] == 400 and "certificate" in wait["err"], wait
        assert list((other.dir / "images/uploads").iterdir()) == []
    finally:
        other.close()


def two_servers(host):
    """Another daemon with a pool, and a client there that knows this one as `box`."""
    other = Host()
    other.start()
    other.cella("storage", "create", "default", "dir")
    other.cella("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    user = client(other, "images")
    user.update(CELLA_DIR=str(other.dir), LXD_DIR=str(other.dir))
    return other, user


def test_launch_from_another_servers_image(host):
    fingerprint = ready(host)
    other, user = two_servers(host)
    try:
        command(user, "remote", "add", "box", token(host, "launcher"))
        programs = [None] + (["lxc"] if shutil.which("lxc") else [])
        if len(programs) > 1:
            lxc(user, "remote", "add", "box", token(host, "stock launcher"))
        for public in (False, True):
            host.api("PATCH", f"/1.0/images/{fingerprint}", {"public": public})
            for program in programs:
                command(user, "launch", "box:busybox", "near", program=program)
                assert other.exec("near", "hostname") == "near"
                found = json.loads(other.out("query", f"/1.0/images/{fingerprint}"))
                assert found["cached"] and ("update_source" in found) == public, found
                assert other.out("config", "get", "near", "volatile.base_image") == fingerprint
                other.cella("delete", "--force", "near")
                command(user, "init", "box:busybox", "near", program=program)  # from the cache
                other.cella("delete", "near")
                other.cella("image", "delete", fingerprint)
        missing = command(user, "launch", "box:nothing", "near", check=False)
        assert missing.returncode == 1 and "nothing" in missing.stderr
        body = {"name": "near", "source": {"type": "image", "server": "https://127.0.0.1:1", "fingerprint": fingerprint}}
        ended = other.api("GET", other.api("POST", "/1.0/instances", body)[1]["operation"] + "/wait")[1]["metadata"]
        assert ended["status_code"] == 400 and "127.0.0.1" in ended["err"], ended
        assert other.json("list") == [] and other.json("image", "list") == []
    finally:
        host.api("PATCH", f"/1.0/images/{fingerprint}", {"public": False})
        other.close()


def test_image_pushed_to_another_server(host):
    fingerprint = ready(host)
    other, user = two_servers(host)
    try:
        other.cella("config", "set", "core.https_address=127.0.0.1:8555")
        other.cella("config", "set", "core.trust_password=xyz")
        where = ("remote", "add", "there", "127.0.0.1:8555", "--accept-certificate", "--password", "xyz")
        local = {**user, "CELLA_DIR": str(host.dir), "LXD_DIR": str(host.dir), "CELLA_CONF": str(host.work / "pusher"),
                 "LXD_CONF": str(host.work / "pusher-lxc")}
        for program in [None] + (["lxc"] if shutil.which("lxc") else []):
            command(local, *where, program=program)
            for mode, name in (("push", "busybox"), ("relay", fingerprint)):
                command(local, "image", "copy", name, "there:", "--alias", "pushed", "--mode", mode, program=program)
                found = other.json("image", "list")
                assert [alias["name"] for image in found for alias in image["aliases"]] == ["pushed"], found
                other.cella("image", "delete", "pushed")
        refused = subprocess.run(["curl", "-sk", "-H", "X-LXD-secret: nonsense", "--data-binary", "x",
                                  "-H", "Content-Type: application/octet-stream", "https://127.0.0.1:8555/1.0/images"],
                                 capture_output=True, text=True)
        assert json.loads(refused.stdout)["error_code"] == 403, refused.stdout
        refused = subprocess.run(["curl", "-sk", "-H", "X-LXD-secret: x", "-H", "Content-Type: application/json", "-d",
                                  '{"source":{"type":"url","url":"https://127.0.0.1"}}', "https://127.0.0.1:8555/1.0/images"],
                                 capture_output=True, text=True)
        assert json.loads(refused.stdout)["error_code"] == 403, refused.stdout
        assert other.json("image", "list") == [] and list((other.dir / "images/uploads").iterdir()) == []
    finally:
        other.close()


def test_a_body_nobody_wants_is_cut_off(host):
    listen(host)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(socket.create_connection(("127.0.0.1", 8443), timeout=40)) as stranger:
        stranger.sendall(b"POST /1.0/images HTTP/1.1\r\nHost: x\r\nX-LXD-secret: guess\r\nContent-Length: 1000000\r\n\r\n")
        begun = time.monotonic()
        while stranger.recv(4096):
            pass
        assert time.monotonic() - begun < 30, "it may not hold a thread for long"


def test_idle_and_hostile_connections_do_not_block(host):
    listen(host)
    sockets = []
    for _ in range(200):  # more than one address may have
        sockets.append(socket.create_connection(("127.0.0.1", 8443), timeout=5))
    assert host.cella("query", "/1.0").returncode == 0
    for held in sockets:
        held.close()
    eventually(lambda: subprocess.run(["curl", "-sk", "-o", "/dev/null", f"https://{ADDRESS}/1.0"]).returncode == 0, 10,
               "served again")


if __name__ == "__main__":
    run(globals())
