"""Files of running and stopped instances: the command line, the stock lxc client, the API's headers, SFTP."""
import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess

from harness import BIN, Skip, busybox_image, eventually, run, run_checked

ODD = ["plain", "with space", "qu'ote\"s", "back\\slash", "über-ßtraße", "日本", "per%cent&amp=?#", "-dash", "new\nline",
       "semi;colon", ".hidden", "+plus"]


def tree(folder):
    """A tree with odd names, modes, links, empty and large files."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "empty dir").mkdir(parents=True)
    for at, name in enumerate(ODD):
        (folder / name).write_bytes(os.urandom(at * 1000))
        (folder / name).chmod([0o600, 0o644, 0o755, 0o4755, 0o000, 0o777][at % 6])
    deep = folder / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "big").write_bytes(os.urandom(3 << 20))
    (folder / "a").chmod(0o700)
    (folder / "a" / "b").chmod(0o1777)
    os.symlink("../plain", folder / "a" / "relative")
    os.symlink("/etc/passwd", folder / "absolute")
    os.symlink("nowhere", folder / "dangling")
    return folder


def listing(folder):
    """What a tree is: relative path → kind, mode, content or target."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            relative = os.path.relpath(path, folder)
            if os.path.islink(path):
                found[relative] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                found[relative] = ("dir", oct(os.stat(path).st_mode & 0o7777))
            else:
                with open(path, "rb") as file:
                    found[relative] = ("file", oct(os.stat(path).st_mode & 0o7777), hashlib.sha256(file.read()).hexdigest())
    return found


def lxc(host, *arguments, **options):
    if not shutil.which("lxc"):
        raise Skip("no stock lxc client")
    env = {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LXD_CONF": str(host.work / "lxc")}
    return subprocess.run(["lxc", *map(str, arguments)], env=env, capture_output=True, check=True,
                          **{"stdin": subprocess.DEVNULL, **options} if "input" not in options else options)


def head(host, path, method="GET", *options):
    url = f"http://cella/1.0/instances/c1/files?path={path}"
    command = ["curl", "-s", "--unix-socket", host.dir / "unix.socket", "-X", method, "-D", "-", *options, url]
    if method == "HEAD":
        command[command.index("-X"):command.index("-X") + 2] = ["-I", "-o", "/dev/null"]
    text = subprocess.run(list(map(str, command)), check=True, capture_output=True).stdout
    top, _, body = text.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    return int(lines[0].split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)}, body


def test_setup(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    host.cella("launch", "busybox", "c1")
    host.cella("init", "busybox", "c2")


def test_push_and_pull_of_one_file(host):
    for name in ("c1", "c2"):
        source = host.work / "one"
        source.write_bytes(os.urandom(5 << 20))
        source.chmod(0o640)
        host.cella("file", "push", source, f"{name}/root/one")
        host.cella("file", "pull", f"{name}/root/one", host.work / "back")
        assert (host.work / "back").read_bytes() == source.read_bytes()
        assert (host.work / "back").stat().st_mode & 0o7777 == 0o640
    assert host.out("exec", "c1", "--", "stat", "-c", "%u %g %a %s", "/root/one") == f"0 0 640 {5 << 20}"


def test_owner_mode_and_parents(host):
    done = host.cella("file", "push", "-", "c1/srv/a/b/f", "-p", "--uid", "1000", "--gid", "2", "--mode", "0604", input="x")
    assert host.out("exec", "c1", "--", "stat", "-c", "%u %g %a", "/srv/a/b/f") == "1000 2 604"
    assert host.out("exec", "c1", "--", "stat", "-c", "%u %g %F", "/srv/a") == "1000 2 directory"
    host.refused("file", "push", "/etc/hosts", "c1/no/such/dir", naming="no/such")
    host.cella("file", "edit", "c1/srv/a/b/f", input="edited")
    assert host.out("exec", "c1", "--", "stat", "-c", "%u %g %a %s", "/srv/a/b/f") == "1000 2 604 6"
    assert host.cella("file", "pull", "c1/srv/a/b/f", "-").stdout == "edited"


def test_trees_come_back_as_they_were(host):
    source = tree(host.work / "tree")
    for name in ("c1", "c2"):
        host.cella("file", "push", "-r", source, f"{name}/opt/", "-p")
        back = host.work / f"back-{name}"
        back.mkdir()
        host.cella("file", "pull", "-r", f"{name}/opt/tree", back)
        assert listing(back / "tree") == listing(source)


def test_stock_client_moves_trees(host):
    source = tree(host.work / "tree")
    os.unlink(source / "dangling")  # the stock client cannot pull what it made of it
    for name in ("c1", "c2"):
        lxc(host, "file", "push", "-r", source, f"{name}/mnt/stock/", "-p")
        back = host.work / f"stock-{name}"
        lxc(host, "file", "pull", "-r", f"{name}/mnt/stock/tree", back, "-p")
        ours, theirs = listing(back / "tree" if (back / "tree").is_dir() else back), listing(source)
        assert set(ours) == set(theirs), set(ours) ^ set(theirs)
        for path, facts in theirs.items():
            if facts[0] == "file":  # links come back absolute and modes are the client's affair
                assert ours[path][2] == facts[2], path
    inside = host.cella("exec", "c1", "--", "stat", "-c", "%a", "/mnt/stock/tree/qu'ote\"s").stdout.strip()
    assert inside == "755", inside
    assert lxc(host, "file", "pull", "c1/etc/passwd", "-").stdout.startswith(b"root:")
    lxc(host, "file", "delete", "c1/mnt/stock/tree/plain")
    assert host.cella("exec", "c1", "--", "test", "-e", "/mnt/stock/tree/plain", check=False).returncode == 1


def test_headers(host):
    host.cella("exec", "c1", "--", "sh", "-c", "mkdir -p /d && echo hello >/d/f && chmod 0751 /d/f && ln -s f /d/l && mkfifo /d/p")
    status, headers, body = head(host, "d/f")
    assert (status, body) == (200, b"hello\n")
    assert headers["x-lxd-type"] == "file" and headers["x-lxd-mode"] == "0751" and headers["x-lxd-uid"] == "0", headers
    assert headers["content-length"] == "6" and headers["x-lxd-modified"].endswith("+0000 UTC"), headers
    assert "filename=f" in headers["content-disposition"]
    status, headers, body = head(host, "/d")
    assert headers["x-lxd-type"] == "directory" and json.loads(body)["metadata"] == ["f", "l", "p"], body
    status, headers, body = head(host, "/d/l")
    assert headers["x-lxd-type"] == "symlink" and body == b"/d/f" and headers["x-cella-target"] == "f"
    status, headers, body = head(host, "/d/f", "HEAD")
    assert status == 200 and body == b"" and headers["x-lxd-type"] == "file" and headers["content-length"] == "6"
    assert head(host, "/d/none")[0] == 404
    assert head(host, "/d/p")[0] == 400
    assert head(host, "", "GET")[0] == 400
    status, _, body = head(host, "/proc/self/status")
    status, headers, body = head(host, "/proc/version")
    assert status == 200 and body.startswith(b"Linux")
    for header in ("X-LXD-mode: 9", "X-LXD-uid: x", "X-LXD-type: pipe", "X-LXD-write: twice"):
        status, _, body = head(host, "/d/f", "POST", "-H", header, "--data-binary", "bad")
        assert status == 400 and header.split(":")[0] in body.decode(), (header, body)
    assert head(host, "/d/f")[2] == b"hello\n"
    assert head(host, "/d/f", "POST", "-H", "X-LXD-write: append", "--data-binary", "more")[0] == 200
    assert head(host, "/d/f")[2] == b"hello\nmore"
    assert head(host, "/d/f", "POST", "--data-binary", "short")[0] == 200
    assert host.out("exec", "c1", "--", "stat", "-c", "%a %s", "/d/f") == "751 5"
    assert head(host, "/d", "DELETE")[0] != 200
    assert head(host, "/d/l", "DELETE")[0] == 200
    assert head(host, "/d/f")[0] == 200


def test_links_stay_inside(host):
    """A container that is hostile gets nothing of the host, and the host's files are not written."""
    secret = host.work / "secret"
    secret.write_text("host only")
    up = "../" * 12
    host.cella("exec", "c1", "--", "sh", "-c", f"mkdir -p /evil; ln -s {up}{str(secret)[1:]} /evil/up; ln -s {secret} /evil/abs;"
               f"ln -s / /evil/root; ln -s {host.work} /evil/dir; ln -s /proc/1/root /evil/magic; ln -s /proc/self/cwd /evil/cwd")
    for name in ("up", "abs", f"root{secret}", "dir/secret", f"magic{secret}", f"cwd{secret}"):
        for method, options in (("GET", []), ("POST", ["--data-binary", "overwritten"])):
            status, headers, body = head(host, "/evil/" + name, method, *options)
            assert b"host only" not in body, (name, method)
    for path in (f"{up}{str(secret)[1:]}", f"/..{secret}"):
        assert b"host only" not in head(host, path)[2]
    assert secret.read_text() == "host only"


def test_worker_is_confined(host):
    """The worker runs as the container's root, with few capabilities and a filter."""
    head(host, "/etc/passwd")
    workers = []
    for status in os.listdir("/proc"):
        try:
            text = open(f"/proc/{status}/status").read()
        except OSError:
            continue
        if f"PPid:\t{host.process.pid}\n" in text and "Seccomp:\t2" in text:
            workers.append(text)
    assert workers
    for text in workers:
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        assert int(fields["Uid"].split()[0]) >= 100000, fields["Uid"]
        assert fields["NoNewPrivs"] == "1"
        assert int(fields["CapEff"], 16) < 1 << 32 and not int(fields["CapEff"], 16) >> 21 & 1  # no CAP_SYS_ADMIN


def test_start_and_stop_end_the_worker(host):
    host.cella("file", "push", "/etc/hosts", "c2/root/before")
    host.cella("start", "c2")
    assert host.cella("exec", "c2", "--", "cat", "/root/before").stdout == open("/etc/hosts").read()
    host.cella("file", "push", "/etc/hosts", "c2/root/running")
    host.cella("stop", "c2", "--force")
    assert host.cella("file", "pull", "c2/root/running", "-").stdout == open("/etc/hosts").read()
    host.cella("rename", "c2", "c3")
    host.cella("file", "delete", "c3/root/running")
    host.refused("file", "pull", "c3/root/running", "-", naming="no such file")
    host.cella("delete", "c3")


def test_after_the_daemon_was_killed(host):
    host.restart()
    assert host.cella("file", "pull", "c1/etc/passwd", "-").stdout.startswith("root:")


class Sftp:
    """The least of a client: packets of version 3."""

    def __init__(self, host, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(host.dir / "unix.socket"))
        self.socket.sendall(f"GET /1.0/instances/{name}/sftp HTTP/1.1\r\nHost: cella\r\nUpgrade: sftp\r\n"
                            "Connection: Upgrade\r\n\r\n".encode())
        top = b""
        while not top.endswith(b"\r\n\r\n"):
            top += self.socket.recv(1)
        self.status = int(top.split()[1])
        self.number = 0

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, "connection ended"
            data += piece
        return data

    def ask(self, kind, *fields):
        """Fields: int is 32 bit, bytes a string, a tuple (value,) 64 bit. Returns (type, content)."""
        self.number += 1
        body = struct.pack(">BI", kind, 3 if kind == 1 else self.number)
        for field in fields:
            body += (struct.pack(">I", field) if isinstance(field, int) else struct.pack(">Q", *field)
                     if isinstance(field, tuple) else struct.pack(">I", len(field)) + field)
        self.socket.sendall(struct.pack(">I", len(body)) + body)
        answer = self.take(struct.unpack(">I", self.take(4))[0])
        return answer[0], answer[5:]

    def text(self, content, at=0):
        length = struct.unpack_from(">I", content, at)[0]
        return content[at + 4:at + 4 + length]


def test_sftp(host):
    client = Sftp(host, "c1")
    assert client.status == 101, client.status
    assert client.ask(1)[0] == 2
    kind, handle = client.ask(3, b"/root/by-sftp", 2 | 8 | 16, 0)
    assert kind == 102
    handle = client.text(handle)
    payload = os.urandom(200000)
    assert client.ask(6, handle, (0,), payload)[1][:4] == bytes(4)
    assert client.ask(4, handle)[1][:4] == bytes(4)
    assert head(host, "/root/by-sftp")[2] == payload
    assert client.ask(16, b"/root/../etc/.")[0] == 104
    assert client.ask(7, b"/no")[1][:4] == struct.pack(">I", 2)
    client.socket.close()
    wrong = Sftp(host, "none")
    assert wrong.status == 404, wrong.status


def test_teardown(host):
    host.cella("delete", "c1", "--force")


if __name__ == "__main__":
    run(globals())
