"""Images from simplestreams servers and by address: listed, copied, launched, verified, resumed, refreshed, expired."""
import hashlib
import http.server
import json
import shutil
import sqlite3
import ssl
import subprocess
import threading

from harness import BIN, METADATA, Host, Skip, busybox_tree, eventually, run, run_checked

PORT = 8500
ADDRESS = f"https://127.0.0.1:{PORT}"
state = {}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files with ranges; counts requests, and breaks connections off where a test says so."""
    protocol_version = "HTTP/1.1"
    requests = []
    break_after = {}  # path -> bytes after which the connection ends, once
    headers_of = {}   # path -> headers of an address of an image

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, with_body):
        path = self.path.split("?")[0]
        Handler.requests.append((self.command, path, self.headers.get("Range")))
        file = state["root"] / path.lstrip("/")
        if path in Handler.headers_of:
            self.send_response(200)
            for name, value in Handler.headers_of[path].items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if not file.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = file.read_bytes()
        begin = int(self.headers["Range"].removeprefix("bytes=").split("-")[0]) if self.headers.get("Range") else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        if not with_body:
            return
        limit = Handler.break_after.pop(path, None)
        if limit is not None:
            self.wfile.write(body[begin:begin + limit])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.wfile.write(body[begin:])


def server(host):
    """The image server's folder and a client that knows it as `imgs`; made at the first use."""
    if "root" in state:
        return state["client"]
    state["root"] = host.work / "www"
    state["root"].mkdir()
    key, certificate = host.work / "www.key", host.work / "www.crt"
    run_checked("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=images",
                "-addext", "subjectAltName=IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    httpd.daemon_threads = True
    httpd.handle_error = lambda *_: None  # clients that break off, as they are to do here
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    environment = {**host.env, "CELLA_CONF": str(host.work / "conf"), "LXD_CONF": str(host.work / "lxc-conf"),
                   "LXD_DIR": str(host.dir)}
    state["client"] = environment
    cella("remote", "add", "imgs", ADDRESS, "--protocol", "simplestreams", "--accept-certificate")
    if shutil.which("lxc"):
        lxc("remote", "add", "imgs", ADDRESS, "--protocol", "simplestreams")
        (host.work / "lxc-conf/servercerts").mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate, host.work / "lxc-conf/servercerts/imgs.crt")
    state["certificate"] = certificate.read_text()
    if not host.json("storage", "list"):
        host.cella("storage", "create", "default", "dir")
        host.cella("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    publish("20240101_00:00", "one")
    return environment


def command(program, *words, check=True):
    done = subprocess.run([program, *map(str, words)], env=state["client"], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{program} {' '.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()}")
    return done


def cella(*words, **options):
    return command(BIN / "cella", *words, **options)


def lxc(*words, **options):
    if shutil.which("lxc") is None:
        raise Skip("no lxc client")
    return command("lxc", *words, **options)


def pack(folder, name, *members):
    target = folder / name
    run_checked("tar", "-C", str(folder), "--numeric-owner", "--owner=0", "--group=0", "-cJf", str(target), *members)
    return target


def digest(*files):
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.read_bytes())
    return sha.hexdigest()


def item(kind, file):
    return {"ftype": kind, "path": str(file.relative_to(state["root"])), "size": file.stat().st_size,
            "sha256": digest(file)}


def publish(serial, mark, keep=()):
    """A product "busybox" with one more version, split; and "whole", unified. Returns the fingerprints."""
    folder = state["root"] / "images" / serial.replace(":", "")
    (folder / "rootfs").mkdir(parents=True)
    busybox_tree(folder / "rootfs")
    (folder / "rootfs/etc/mark").write_text(mark)
    (folder / "metadata.yaml").write_text(METADATA)
    metadata = pack(folder, "lxd.tar.xz", "metadata.yaml")
    root = folder / "root.tar.xz"
    run_checked("tar", "-C", str(folder / "rootfs"), "--numeric-owner", "--owner=0", "--group=0", "-cJf", str(root), ".")
    unified = pack(folder, "lxd_combined.tar.gz", "metadata.yaml", "rootfs")
    lxd = item("lxd.tar.xz", metadata)
    items = {"lxd.tar.xz": lxd, "root.tar.xz": item("root.tar.xz", root)}
    lxd["combined_rootxz_sha256"] = digest(metadata, root)
    result = {"split": lxd["combined_rootxz_sha256"], "unified": digest(unified), "root": root}
    if shutil.which("mksquashfs"):
        squashfs = folder / "rootfs.squashfs"
        run_checked("mksquashfs", str(folder / "rootfs"), str(squashfs), "-all-root", "-noappend", "-quiet")
        items["squashfs"] = item("squashfs", squashfs)
        lxd["combined_squashfs_sha256"] = result["split"] = digest(metadata, squashfs)
        result["root"] = squashfs
    shutil.rmtree(folder / "rootfs")
    products = state.setdefault("products", {})
    base = {"arch": "amd64", "os": "Busybox", "release": "one", "release_title": "one", "variant": "default"}
    split = products.setdefault("busybox:one:amd64:default", {**base, "aliases": "busybox,bb/one", "versions": {}})
    split["versions"][serial] = {"items": items}
    whole = products.setdefault("whole:one:amd64:default", {**base, "aliases": "whole", "versions": {}})
    whole["versions"][serial] = {"items": {"lxd_combined.tar.gz": item("lxd_combined.tar.gz", unified)}}
    write_streams()
    state.setdefault("published", []).append(result)
    return result


def write_streams():
    streams = state["root"] / "streams/v1"
    streams.mkdir(parents=True, exist_ok=True)
    index = {"index": {"images": {"datatype": "image-downloads", "path": "streams/v1/images.json", "format": "products:1.0",
                                  "products": list(state["products"])}}, "format": "index:1.0"}
    (streams / "index.json").write_text(json.dumps(index))
    (streams / "images.json").write_text(json.dumps({"content_id": "images", "datatype": "image-downloads",
                                                     "format": "products:1.0", "products": state["products"]}))


def image(host, fingerprint):
    status, answer = host.api("GET", f"/1.0/images/{fingerprint}")
    return answer["metadata"] if status == 200 else None


def no_images(host):
    for found in host.json("image", "list"):
        host.cella("image", "delete", found["fingerprint"])
    assert list((host.dir / "images/uploads").iterdir()) == []


def test_list_and_info(host):
    server(host)
    newest = state["published"][-1]
    listed = json.loads(cella("image", "list", "imgs:", "--format", "json").stdout)
    assert newest["split"] in [item["fingerprint"] for item in listed]
    shown = cella("image", "info", "imgs:busybox").stdout
    assert newest["split"] in shown and "x86_64" in shown and "bb/one" in shown, shown
    assert newest["unified"] in cella("image", "info", "imgs:whole/amd64").stdout
    assert "whole" in cella("image", "alias", "list", "imgs:").stdout
    missing = cella("image", "info", "imgs:nothing", check=False)
    assert missing.returncode == 1 and "nothing" in missing.stderr
    refused = cella("list", "imgs:", check=False)
    assert refused.returncode == 1 and "image server" in refused.stderr, refused.stderr


def test_launch(host):
    server(host)
    for program in (cella, lxc):
        Handler.requests.clear()
        program("launch", "imgs:busybox", "fromweb")
        assert host.exec("fromweb", "cat", "/etc/mark") == "one"
        assert host.out("config", "get", "fromweb", "image.os") == "Busybox"
        found = image(host, state["published"][-1]["split"])
        assert found["cached"] and found["auto_update"], found
        assert found["update_source"]["alias"] == "busybox" and found["update_source"]["protocol"] == "simplestreams"
        host.cella("delete", "--force", "fromweb")
        no_images(host)


def test_copy(host):
    server(host)
    newest = state["published"][-1]
    for program in (cella, lxc):
        for alias, kind in (("busybox", "split"), ("whole", "unified"), (newest["split"][:12], "split")):
            program("image", "copy", f"imgs:{alias}", "local:", "--alias", "mine", "--auto-update")
            found = image(host, newest[kind])
            assert not found["cached"] and found["auto_update"] and found["aliases"][0]["name"] == "mine", found
            no_images(host)


def test_copy_with_aliases(host):
    server(host)
    for program in (cella, lxc):
        program("image", "copy", "imgs:busybox", "local:", "--copy-aliases")
        aliases = [alias["name"] for alias in image(host, state["published"][-1]["split"])["aliases"]]
        assert sorted(aliases) == ["bb/one", "bb/one/amd64", "busybox", "busybox/amd64"], aliases
        no_images(host)


def test_two_at_once_download_once(host):
    server(host)
    Handler.requests.clear()
    threads = [threading.Thread(target=cella, args=("init", "imgs:busybox", f"twin{i}")) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    root = "/" + str(state["published"][-1]["root"].relative_to(state["root"]))
    assert [path for method, path, _ in Handler.requests].count(root) == 1, Handler.requests
    host.cella("delete", "twin0", "twin1", "twin2")
    no_images(host)


def test_broken_download_is_resumed(host):
    server(host)
    root = "/" + str(state["published"][-1]["root"].relative_to(state["root"]))
    Handler.requests.clear()
    Handler.break_after[root] = 100_000
    cella("image", "copy", "imgs:busybox", "local:")
    asked = [span for method, path, span in Handler.requests if path == root]
    assert len(asked) == 2 and asked[0] is None and asked[1] == "bytes=100000-", asked
    no_images(host)


def test_wrong_bytes_never_come_in(host):
    server(host)
    root = state["published"][-1]["root"]
    genuine = root.read_bytes()
    for forged in (genuine[:-1] + bytes([genuine[-1] ^ 1]), genuine + b"more", genuine[:1000]):
        root.write_bytes(forged)
        refused = cella("launch", "imgs:busybox", "forged", check=False)
        assert refused.returncode == 1, refused.stdout
        assert host.json("image", "list") == [] and host.json("list") == []
        no_images(host)
    root.write_bytes(genuine)


def test_hostile_lists(host):
    server(host)
    images = state["root"] / "streams/v1/images.json"
    genuine = images.read_text()
    for text, naming in (("[]", "object"), ("{", "image list"), (json.dumps({"products": 1}), "products"),
                         (genuine.replace("images/2024", "../images/2024"), "path")):
        images.write_text(text)
        refused = cella("init", "imgs:busybox", "no", check=False)
        assert refused.returncode == 1 and naming in refused.stderr, (text[:40], refused.stderr)
    with images.open("w") as file:
        file.write('{"products":{"x":"')
        file.write("y" * (65 << 20))
        file.write('"}}')
    refused = cella("init", "imgs:busybox", "no", check=False)
    assert refused.returncode == 1 and "limit" in refused.stderr, refused.stderr
    images.write_text(genuine)
    assert host.json("list") == []


def test_certificate_is_checked(host):
    server(host)
    body = {"source": {"type": "image", "mode": "pull", "protocol": "simplestreams", "server": ADDRESS, "alias": "busybox"}}
    status, answer = host.api("POST", "/1.0/images", body)
    ended = host.api("GET", answer["operation"] + "/wait")[1]["metadata"]
    assert status == 202 and ended["status_code"] == 400 and "certificate" in ended["err"].lower(), ended
    body["source"]["server"] = f"http://127.0.0.1:{PORT}"
    status, answer = host.api("POST", "/1.0/images", body)
    assert status == 400 and "source.server" in answer["error"], answer
    body["source"].update(server=ADDRESS, protocol="ftp")
    status, answer = host.api("POST", "/1.0/images", body)
    assert status == 400 and "source.protocol" in answer["error"], answer


def test_image_by_address(host):
    server(host)
    newest = state["published"][-1]
    unified = state["products"]["whole:one:amd64:default"]["versions"]
    path = list(unified.values())[-1]["items"]["lxd_combined.tar.gz"]["path"]
    Handler.headers_of["/direct"] = {"LXD-Image-Hash": newest["unified"], "LXD-Image-URL": f"{ADDRESS}/{path}"}
    body = {"source": {"type": "url", "mode": "pull", "url": f"{ADDRESS}/direct", "certificate": state["certificate"]}}
    answer = host.api("POST", "/1.0/images", body)[1]
    ended = host.api("GET", answer["operation"] + "/wait")[1]["metadata"]
    assert ended["status_code"] == 200 and ended["metadata"]["fingerprint"] == newest["unified"], ended
    no_images(host)
    Handler.headers_of["/direct"]["LXD-Image-Hash"] = "0" * 64
    answer = host.api("POST", "/1.0/images", body)[1]
    ended = host.api("GET", answer["operation"] + "/wait")[1]["metadata"]
    assert ended["status_code"] == 400 and "fingerprint" in ended["err"], ended
    no_images(host)


def test_refresh(host):
    server(host)
    cella("image", "copy", "imgs:busybox", "local:", "--alias", "mine")
    old = state["published"][-1]["split"]
    assert "up to date" in cella("image", "refresh", "mine").stdout
    new = publish("20240201_00:00", "two")["split"]
    cella("image", "refresh", "mine")
    assert image(host, old) is None and image(host, new)["aliases"][0]["name"] == "mine"
    cella("launch", "mine", "fresh")
    assert host.exec("fresh", "cat", "/etc/mark") == "two"
    host.cella("delete", "--force", "fresh")
    lxc("image", "refresh", "mine")
    no_images(host)


def age(host, fingerprint, days):
    """As if the image had come, and had been used, so long ago."""
    host.stop()
    with sqlite3.connect(host.dir / "database/cella.db") as database:
        database.execute("UPDATE images SET uploaded_at = uploaded_at - ?1, last_used_at = last_used_at - ?1 "
                         "WHERE fingerprint = ?2 AND last_used_at > 0", (days * 86400 * 10**9, fingerprint))
    host.start()


def test_unused_cached_images_expire(host):
    server(host)
    newest = state["published"][-1]
    cella("init", "imgs:busybox", "brief")
    cella("image", "copy", "imgs:whole", "local:")
    cella("init", newest["unified"], "other")
    host.cella("delete", "brief", "other")
    age(host, newest["split"], 9)
    assert image(host, newest["split"])
    age(host, newest["split"], 2)
    age(host, newest["unified"], 400)
    eventually(lambda: not image(host, newest["split"]), 10, "the cached image goes")
    assert image(host, newest["unified"]), "one that was asked for stays"
    no_images(host)


def test_newer_images_come_by_themselves(host):
    server(host)
    cella("init", "imgs:busybox", "brief")
    old = state["published"][-1]["split"]
    host.cella("image", "alias", "create", "named", old)
    new = publish("20240301_00:00", "three")["split"]
    host.stop()
    host.start()
    eventually(lambda: image(host, new) and not image(host, old), 60, "the newer image is there")
    found = image(host, new)
    assert found["cached"] and found["auto_update"] and found["aliases"][0]["name"] == "named", found
    host.cella("start", "brief")
    assert host.exec("brief", "cat", "/etc/mark") != "three", "instances stay what they are"
    host.cella("delete", "--force", "brief")
    no_images(host)


def test_server_keys(host):
    for key, bad in (("images.auto_update_cached", "maybe"), ("images.auto_update_interval", "-1"),
                     ("images.remote_cache_expiry", "soon")):
        host.refused("config", "set", f"{key}={bad}", naming=[key, bad])
    host.cella("config", "set", "images.auto_update_cached=false")
    server(host)
    cella("init", "imgs:busybox", "still")
    assert not image(host, state["published"][-1]["split"])["auto_update"]
    host.cella("delete", "still")
    host.cella("config", "unset", "images.auto_update_cached")
    no_images(host)


if __name__ == "__main__":
    run(globals())
