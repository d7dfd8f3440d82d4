"""Proxy devices: every pair of address types, both directions, live changes, the daemon's death, and what must go."""
import array
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading

from harness import Skip, busybox_image, eventually, run, run_checked
from inside import inside, socket_from_inside

TYPES = ("tcp", "udp", "unix")


def prepare(host, *names):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    for name in names:
        if name not in {item["name"] for item in host.json("list")}:
            host.cella("launch", "busybox", name)
    return host.pid(names[0])


def make_server(kind, address):
    made = socket.socket({"tcp": socket.AF_INET, "udp": socket.AF_INET, "unix": socket.AF_UNIX}[kind],
                         socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    if kind == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == "unix" and not address.startswith("\0") and os.path.exists(address):
        os.unlink(address)
    made.bind(address)
    if kind != "udp":
        made.listen(64)
    return made


def make_client(kind, address):
    made = socket.socket({"tcp": socket.AF_INET, "udp": socket.AF_INET, "unix": socket.AF_UNIX}[kind],
                         socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    made.settimeout(10)
    made.connect(address)
    return made


class Echo:
    """Answers with what came and "!": b"abc" → b"abc!"."""

    def __init__(self, kind, server):
        self.kind, self.server = kind, server
        self.greetings = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                if self.kind == "udp":
                    text, peer = self.server.recvfrom(65536)
                    if peer is None:
                        return  # shut down
                    self.server.sendto(text + b"!", peer)
                else:
                    threading.Thread(target=self.answer, args=[self.server.accept()[0]], daemon=True).start()
            except OSError:
                return

    def answer(self, stream):
        with stream:
            while text := stream.recv(65536):
                self.greetings.append(text)
                stream.sendall(text + b"!")

    def close(self):
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()


def ends(kind, port, path):
    """The device's text of an address, and Python's."""
    if kind == "unix":
        return f"unix:{path}", "\0" + path[1:] if path.startswith("@") else path
    return f"{kind}:127.0.0.1:{port}", ("127.0.0.1", port)


def talk(client, text=b"hello"):
    client.sendall(text)
    answer = client.recv(65536)
    assert answer == text + b"!", answer


def worker_pid(host):
    for entry in pathlib.Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if b"proxy" in command and str(host.dir).encode() in command:
            return int(entry.name)
    return None


def pair(host, listen, connect, bind):
    """One proxy of one combination, while a server runs at its far end."""
    pid = prepare(host, "a")
    near = ends(listen, 7001, f"{host.work}/near.sock" if bind == "host" else "/tmp/near.sock")
    far = ends(connect, 7002, "/tmp/far.sock" if bind == "host" else f"{host.work}/far.sock")
    if bind == "host":
        echo = Echo(connect, socket_from_inside(pid, lambda: make_server(connect, far[1])))
    else:
        echo = Echo(connect, make_server(connect, far[1]))
    host.cella("config", "device", "add", "a", "p", "proxy", f"listen={near[0]}", f"connect={far[0]}", f"bind={bind}")
    try:
        for _ in range(2):
            if bind == "host":
                client = make_client(listen, near[1])
            else:
                client = socket_from_inside(pid, lambda: make_client(listen, near[1]))
                client.settimeout(10)
            with client:
                talk(client)
                talk(client, b"again")
    finally:
        host.cella("config", "device", "remove", "a", "p")
        echo.close()
    if bind == "host" and listen == "unix":
        assert not os.path.exists(near[1]), "the socket file stays behind"
    if listen == "tcp" and bind == "host":
        try:
            make_client("tcp", near[1]).close()
            raise AssertionError("somebody still listens")
        except ConnectionRefusedError:
            pass


def test_all_pairs_from_the_host(host):
    for listen in TYPES:
        for connect in TYPES:
            try:
                pair(host, listen, connect, "host")
            except Exception as error:
                raise AssertionError(f"{listen} to {connect}") from error


def test_all_pairs_from_the_instance(host):
    for listen in TYPES:
        for connect in TYPES:
            try:
                pair(host, listen, connect, "instance")
            except Exception as error:
                raise AssertionError(f"{listen} to {connect}") from error


def test_abstract_sockets(host):
    pid = prepare(host, "a")
    echo = Echo("unix", socket_from_inside(pid, lambda: make_server("unix", "\0far")))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=unix:@cella-near", "connect=unix:@far")
    with make_client("unix", "\0cella-near") as client:
        talk(client)
    host.cella("config", "device", "remove", "a", "p")
    echo.close()


def test_descriptors_pass(host):
    """What X11 and Wayland clients need: a descriptor sent into the container arrives there."""
    pid = prepare(host, "a")
    server = socket_from_inside(pid, lambda: make_server("unix", "/tmp/fds.sock"))
    host.cella("config", "device", "add", "a", "p", "proxy", f"listen=unix:{host.work}/fds.sock", "connect=unix:/tmp/fds.sock")
    with make_client("unix", f"{host.work}/fds.sock") as client:
        reader, writer = os.pipe()
        client.sendmsg([b"take"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writer]))])
        os.close(writer)
        stream = server.accept()[0]
        text, descriptors, _, _ = socket.recv_fds(stream, 100, 4)
        assert text == b"take" and len(descriptors) == 1, (text, descriptors)
        os.write(descriptors[0], b"through")
        os.close(descriptors[0])
        assert os.read(reader, 100) == b"through"
        os.close(reader)
        stream.close()
    server.close()
    host.cella("config", "device", "remove", "a", "p")


def test_ports_modes_and_owners(host):
    pid = prepare(host, "a")
    echoes = [Echo("tcp", socket_from_inside(pid, lambda port=port: make_server("tcp", ("127.0.0.1", port))))
              for port in (7102, 7103, 7104)]
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202-7203,7300",
               "connect=tcp:127.0.0.1:7102-7104")
    for port in (7202, 7203, 7300):
        with make_client("tcp", ("127.0.0.1", port)) as client:
            talk(client)
    host.cella("config", "device", "add", "a", "q", "proxy", f"listen=unix:{host.work}/owned.sock",
               "connect=tcp:127.0.0.1:7102", "mode=0620", "uid=12", "gid=34")
    found = os.stat(f"{host.work}/owned.sock")
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o620, 12, 34), found
    for name in ("p", "q"):
        host.cella("config", "device", "remove", "a", name)
    for echo in echoes:
        echo.close()


def test_whom_the_target_sees(host):
    """proxy_protocol names the client; a unix target sees the user that security.uid says."""
    pid = prepare(host, "a")
    echo = Echo("tcp", socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102))))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102",
               "proxy_protocol=true")
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        own = client.getsockname()[1]
        client.sendall(b"hello")
        expected = f"PROXY TCP4 127.0.0.1 127.0.0.1 {own} 7202\r\nhello".encode()
        got = b""
        while len(got) < len(expected):
            got += client.recv(1000).replace(b"!", b"")
        assert got == expected, got
    host.cella("config", "device", "remove", "a", "p")
    echo.close()

    server = socket_from_inside(pid, lambda: make_server("unix", "/tmp/who.sock"))
    inside(pid, lambda: os.chmod("/tmp/who.sock", 0o666))
    host.cella("config", "device", "add", "a", "p", "proxy", f"listen=unix:{host.work}/who.sock",
               "connect=unix:/tmp/who.sock", "security.uid=1000", "security.gid=1001")
    with make_client("unix", f"{host.work}/who.sock"):
        stream = server.accept()[0]
        peer = array.array("i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        base = int(host.instance("a")["config"]["volatile.idmap.base"])
        assert peer[1] == base + 1000 and peer[2] == base + 1001, (peer, base)
        stream.close()
    server.close()
    host.cella("config", "device", "remove", "a", "p")


def test_an_inner_name_cannot_lead_out(host):
    pid = prepare(host, "a")
    secret = make_server("unix", f"{host.work}/host-only.sock")
    secret.setblocking(False)
    inside(pid, lambda: os.symlink(f"{host.work}/host-only.sock", "/tmp/lure.sock"))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=unix:/tmp/lure.sock")
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        assert client.recv(10) == b"", "nobody can be there"
    try:
        secret.accept()
        raise AssertionError("the container's link led to the host's socket")
    except BlockingIOError:
        pass
    secret.close()
    host.cella("config", "device", "remove", "a", "p")


def test_much_data_and_half_closed(host):
    pid = prepare(host, "a")
    server = socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102)))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102")
    size = 64 << 20

    def count():
        stream = server.accept()[0]
        total = 0
        while part := stream.recv(1 << 16):
            total += len(part)
        stream.sendall(str(total).encode())
        stream.close()
    thread = threading.Thread(target=count)
    thread.start()
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        client.settimeout(60)
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == str(size).encode()
    thread.join()
    server.close()
    host.cella("config", "device", "remove", "a", "p")


def test_connections_outlive_the_daemon(host):
    pid = prepare(host, "a")
    echo = Echo("tcp", socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102))))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102")
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        talk(client)
        host.kill()
        talk(client, b"without a daemon")
        with make_client("tcp", ("127.0.0.1", 7202)) as another:
            talk(another)
        host.start()
        talk(client, b"with another one")
    with make_client("tcp", ("127.0.0.1", 7202)) as another:
        talk(another)
    # One worker for all of them, and small.
    rollup = pathlib.Path(f"/proc/{worker_pid(host)}/smaps_rollup").read_text()
    proportional = int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
    assert proportional < 1500, f"{proportional} KiB"
    host.cella("config", "device", "remove", "a", "p")
    echo.close()


def test_a_killed_worker_is_replaced(host):
    pid = prepare(host, "a")
    echo = Echo("tcp", socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102))))
    host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102")
    old = worker_pid(host)
    os.kill(old, signal.SIGKILL)
    eventually(lambda: worker_pid(host) not in (None, old), 10, "another worker")

    def served():
        try:
            with make_client("tcp", ("127.0.0.1", 7202)) as client:
                talk(client)
            return True
        except OSError:
            return False
    eventually(served, 10, "the proxy is served again")
    host.cella("config", "device", "remove", "a", "p")
    echo.close()


def test_an_ending_container_takes_its_proxies_along(host):
    prepare(host, "b")
    host.cella("config", "device", "add", "b", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102")
    host.cella("config", "device", "add", "b", "q", "proxy", f"listen=unix:{host.work}/gone.sock", "connect=tcp:127.0.0.1:7102")

    def is_free():
        try:
            make_client("tcp", ("127.0.0.1", 7202)).close()
            return False
        except ConnectionRefusedError:
            return not os.path.exists(f"{host.work}/gone.sock")
    host.cella("stop", "--force", "b")
    assert is_free()
    host.cella("start", "b")
    assert not is_free()
    pid = host.pid("b")
    host.kill()
    os.kill(pid, signal.SIGKILL)  # nobody is there to hear of it but the worker

    def refused():
        try:
            make_client("tcp", ("127.0.0.1", 7202)).close()
            return False
        except ConnectionRefusedError:
            return True
    eventually(refused, 10, "nobody listens for a dead container")
    host.start()
    host.cella("start", "b", check=False)
    assert not is_free()
    host.cella("delete", "--force", "b")
    assert is_free()


def test_a_profiles_proxy_comes_and_goes(host):
    pid = prepare(host, "a")
    echo = Echo("tcp", socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102))))
    host.cella("profile", "create", "web")
    host.cella("profile", "add", "a", "web")
    host.cella("profile", "device", "add", "web", "p", "proxy", "listen=tcp:127.0.0.1:7202", "connect=tcp:127.0.0.1:7102")
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        talk(client)
    host.cella("profile", "device", "set", "web", "p", "listen", "tcp:127.0.0.1:7203")
    with make_client("tcp", ("127.0.0.1", 7203)) as client:
        talk(client)
    host.cella("profile", "remove", "a", "web")
    for port in (7202, 7203):
        try:
            make_client("tcp", ("127.0.0.1", port)).close()
            raise AssertionError("somebody still listens")
        except ConnectionRefusedError:
            pass
    echo.close()


def test_bad_input(host):
    prepare(host, "a")
    bad = [
        (["connect=tcp:127.0.0.1:1"], "listen"),
        (["listen=tcp:127.0.0.1:1"], "connect"),
        (["listen=sctp:127.0.0.1:1", "connect=tcp:127.0.0.1:1"], ["listen", "sctp"]),
        (["listen=tcp:localhost:1", "connect=tcp:127.0.0.1:1"], ["listen", "localhost"]),
        (["listen=tcp:127.0.0.1:0", "connect=tcp:127.0.0.1:1"], ["listen", "0"]),
        (["listen=tcp:127.0.0.1:5-4", "connect=tcp:127.0.0.1:1"], ["listen", "5-4"]),
        (["listen=tcp:127.0.0.1:1", "connect=tcp:127.0.0.1:1-2"], "Mismatch"),
        (["listen=unix:relative", "connect=tcp:127.0.0.1:1"], ["listen", "relative"]),
        (["listen=tcp:127.0.0.1:1", "connect=tcp:127.0.0.1:1", "mode=0644"], "mode"),
        (["listen=tcp:127.0.0.1:1", "connect=udp:127.0.0.1:1", "proxy_protocol=true"], "PROXY"),
        (["listen=tcp:127.0.0.1:1", "connect=tcp:127.0.0.1:1", "bind=guests"], ["bind", "guests"]),
        (["listen=tcp:0.0.0.0:1", "connect=tcp:127.0.0.1:1", "nat=true"], "wildcard"),
        (["listen=tcp:192.0.2.1:1", "connect=tcp:[::1]:1", "nat=true"], "IP versions"),
        (["listen=tcp:192.0.2.1:1", "connect=unix:/x", "nat=true"], "nat"),
        (["listen=tcp:127.0.0.1:1", "connect=tcp:127.0.0.1:1", "colour=red"], "colour"),
    ]
    for keys, naming in bad:
        host.refused("config", "device", "add", "a", "p", "proxy", *keys, naming=naming)
    taken = make_server("tcp", ("127.0.0.1", 7400))
    host.refused("config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7400", "connect=tcp:127.0.0.1:1",
                 naming=["device p", "tcp:127.0.0.1:7400", "in use"])
    taken.close()
    assert "p" not in host.instance("a")["devices"]


def test_address_translation(host):
    if not shutil.which("nft"):
        raise Skip("there is no nft to look with")
    prepare(host, "a")
    address = host.address("a")
    host.cella("config", "device", "override", "a", "eth0", f"ipv4.address={address}")
    echo = Echo("tcp", socket_from_inside(host.pid("a"), lambda: make_server("tcp", ("0.0.0.0", 80))))
    run_checked("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    try:
        host.cella("config", "device", "add", "a", "p", "proxy", "listen=tcp:192.0.2.1:8080", "connect=tcp:0.0.0.0:80",
                   "nat=true")
        with make_client("tcp", ("192.0.2.1", 8080)) as client:  # from the host itself
            talk(client)
        prepare(host, "n")
        with socket_from_inside(host.pid("n"), lambda: make_client("tcp", ("192.0.2.1", 8080))) as client:
            client.settimeout(10)
            talk(client)
        host.restart()
        with make_client("tcp", ("192.0.2.1", 8080)) as client:
            talk(client)
        host.cella("config", "device", "remove", "a", "p")
        assert "proxy." not in run_checked("nft", "list", "ruleset")
        host.refused("config", "device", "add", "a", "p", "proxy", "listen=tcp:192.0.2.1:8080", "connect=tcp:10.9.9.9:80",
                     "nat=true", naming=["10.9.9.9", "ipv4.address"])
    finally:
        subprocess.run(["ip", "addr", "del", "192.0.2.1/32", "dev", "lo"], check=False)
        echo.close()


def test_the_stock_client(host):
    if not shutil.which("lxc"):
        raise Skip("no lxc")
    pid = prepare(host, "a")
    environment = {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work)}
    echo = Echo("tcp", socket_from_inside(pid, lambda: make_server("tcp", ("127.0.0.1", 7102))))
    run_checked("lxc", "config", "device", "add", "a", "p", "proxy", "listen=tcp:127.0.0.1:7202",
                "connect=tcp:127.0.0.1:7102", env=environment)
    with make_client("tcp", ("127.0.0.1", 7202)) as client:
        talk(client)
    run_checked("lxc", "config", "device", "remove", "a", "p", env=environment)
    echo.close()


if __name__ == "__main__":
    run(globals())
