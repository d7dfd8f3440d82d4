"""The REST half of benchmarks/compare: one client, two daemons (cella and LXD), the same requests in turn."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from harness import busybox_image, eventually


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("cella", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class Client:
    """The least a client can do: one connection kept open, operations awaited with /wait."""

    def __init__(self, path):
        self.path = str(path)
        self.connection = UnixConnection(self.path)

    def request(self, method, path, body=None, headers=None):
        raw = body if isinstance(body, bytes) else (json.dumps(body).encode() if body is not None else None)
        for attempt in (0, 1):
            try:
                self.connection.request(method, path, body=raw, headers=headers or {"Content-Type": "application/json"})
                reply = self.connection.getresponse()
                data = reply.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # LXD closes after each answer.
                self.connection.close()
                if attempt:
                    raise
        answer = json.loads(data)
        if answer["type"] == "error":
            raise RuntimeError(f"{method} {path}: {answer['error']}")
        return answer

    def finish(self, method, path, body=None, headers=None):
        answer = self.request(method, path, body, headers)
        if answer["type"] != "async":
            return answer
        done = self.request("GET", answer["operation"] + "/wait")["metadata"]
        if done["err"]:
            raise RuntimeError(f"{method} {path}: {done['err']}")
        return done


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            for line in open(f"/proc/{pid}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total


def descendants(pid):
    """The process and everything below it."""
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        try:
            for thread in os.listdir(f"/proc/{current}/task"):
                todo += [int(child) for child in open(f"/proc/{current}/task/{thread}/children").read().split()]
        except OSError:
            continue
    return found


# A network namespace with the sysfs that belongs to it (LXD looks its bridges up there) and the cgroups kept.
PRIVATE_NETWORK = """set -e
mount --make-rprivate /
kept=$(mktemp -d); mount --rbind /sys/fs/cgroup "$kept"
mount -t sysfs sysfs /sys; mount --rbind "$kept" /sys/fs/cgroup; umount -l "$kept"; rmdir "$kept"
ip link set lo up
exec "$0" "$@"
"""


class Contender:
    """A daemon in a network namespace of its own; the benchmark's process enters none."""

    def __init__(self, name, folder, command, env, socket_path):
        self.name, self.folder = name, folder
        self.log = open(folder / "daemon.log", "wb")
        self.process = subprocess.Popen(["unshare", "-m", "-n", "sh", "-c", PRIVATE_NETWORK, *command], env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True)
        self.socket = socket_path
        self.env = env
        eventually(self.answers, 60, f"{name} answers")
        self.client = Client(socket_path)

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {(self.folder / 'daemon.log').read_text()[-2000:]}")
        try:
            Client(self.socket).request("GET", "/1.0")
            return True
        except (OSError, RuntimeError):
            return False

    def prepare(self, driver, image):
        request = self.client.finish
        pool = {"name": "bench", "driver": driver, "config": {"size": "4GiB"} if driver == "btrfs" else {}}
        request("POST", "/1.0/storage-pools", pool)
        request("PUT", "/1.0/profiles/default", {"config": {}, "description": "", "devices": {
            "root": {"type": "disk", "path": "/", "pool": "bench"}}})
        request("POST", "/1.0/networks", {"name": "benchbr0", "type": "bridge", "config": {
            "ipv4.address": "10.99.0.1/24", "ipv4.nat": "false", "ipv6.address": "none"}})
        done = request("POST", "/1.0/images", image.read_bytes(), {"Content-Type": "application/octet-stream",
                                                                   "X-LXD-filename": "busybox.tar.xz"})
        self.image = done["metadata"]["fingerprint"]

        self.snapshots = self.can_snapshot()

    def can_snapshot(self):
        """Whether the server takes, copies and restores snapshots; rows it cannot serve are left out of the table."""
        instance = "/1.0/instances/probe"
        self.create("probe")
        try:
            self.client.finish("POST", instance + "/snapshots", {"name": "s"})
            self.client.finish("DELETE", instance + "/snapshots/s")
            return True
        except RuntimeError as reason:
            print(f"{self.name}: no snapshots: {reason}")
            return False
        finally:
            self.client.finish("DELETE", instance)

    def create(self, name, nic=False):
        devices = {"eth0": {"type": "nic", "network": "benchbr0", "name": "eth0"}} if nic else {}
        self.client.finish("POST", "/1.0/instances", {"name": name, "devices": devices,
                                                      "source": {"type": "image", "fingerprint": self.image}})

    def state(self, name, action, force=False):
        self.client.finish("PUT", f"/1.0/instances/{name}/state", {"action": action, "force": force, "timeout": 30})

    def stop_daemon(self, extra=()):
        for path in extra:
            path()
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def one_round(contender, serial, record):
    client, name = contender.client, f"r{serial}"

    def step(label, work):
        started = time.perf_counter()
        work()
        record(label, (time.perf_counter() - started) * 1000)

    step("GET /1.0", lambda: client.request("GET", "/1.0"))
    step("create", lambda: contender.create(name))
    step("start", lambda: contender.state(name, "start"))
    step("exec true", lambda: client.finish("POST", f"/1.0/instances/{name}/exec", {
        "command": ["/bin/true"], "wait-for-websocket": False, "interactive": False, "environment": {}}))
    step("instance state", lambda: client.request("GET", f"/1.0/instances/{name}/state"))
    step("freeze", lambda: contender.state(name, "freeze"))
    step("unfreeze", lambda: contender.state(name, "unfreeze"))
    if contender.snapshots:
        instance = f"/1.0/instances/{name}"
        step("snapshot, running", lambda: client.finish("POST", instance + "/snapshots", {"name": "s"}))
        step("copy from snapshot", lambda: client.finish("POST", "/1.0/instances", {
            "name": name + "c", "profiles": ["default"], "source": {"type": "copy", "source": name + "/s"}}))
        client.finish("DELETE", instance + "c")
    step("stop --force", lambda: contender.state(name, "stop", force=True))
    if contender.snapshots:
        step("restore snapshot", lambda: client.finish("PUT", instance, {"restore": "s"}))
        client.finish("DELETE", instance + "/snapshots/s")
    step("delete", lambda: client.finish("DELETE", f"/1.0/instances/{name}"))
    contender.create(name + "n", nic=True)
    step("start with a bridged NIC", lambda: contender.state(name + "n", "start"))
    contender.state(name + "n", "stop", force=True)
    client.finish("DELETE", f"/1.0/instances/{name}n")


def twenty(contender):
    started = time.perf_counter()
    for index in range(20):
        contender.create(f"t{index}")
        contender.state(f"t{index}", "start")
    launched = (time.perf_counter() - started) * 1000 / 20
    listing = []
    for _ in range(5):
        started = time.perf_counter()
        contender.client.request("GET", "/1.0/instances?recursion=2")
        listing.append((time.perf_counter() - started) * 1000)
    memory = pss_kib(contender.helpers())
    for index in range(20):
        contender.state(f"t{index}", "stop", force=True)
        contender.client.finish("DELETE", f"/1.0/instances/t{index}")
    return launched, statistics.median(listing), memory


def start_cella(folder, options):
    state = folder / "cella"
    state.mkdir(mode=0o711)
    contender = Contender("cella", folder, [str(options.bin / "cella"), "daemon", "--state-dir", str(state)], {"CELLA_DIR": str(state)},
                          state / "unix.socket")

    def own():
        pids = [contender.process.pid]
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if str(state).encode() in command and b"keeper" in command and int(entry.name) != contender.process.pid:
                    pids.append(int(entry.name))
        return pids
    contender.helpers = own
    contender.keeper = lambda: [pid for pid in own() if pid != contender.process.pid]
    contender.driver = options.driver if hasattr(options, "driver") else "overlay"
    return contender


def start_lxd(folder):
    if not shutil.which("lxd"):
        print("left out: lxd is not installed")
        return None
    state = folder / "lxd"
    state.mkdir(mode=0o711)
    contender = Contender("lxd", folder, ["lxd", "--group", "root"], {"LXD_DIR": str(state), "LXD_SOCKET": ""}, state / "unix.socket")

    def own():
        pids = [contender.process.pid]
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"[lxc monitor]" in command and str(state).encode() in command:
                    pids.append(int(entry.name))
        return pids
    contender.helpers = own
    contender.driver = "btrfs"
    return contender


def bench(options):
    rounds = options.rounds or 20
    figures = {}
    extra = {}
    with tempfile.TemporaryDirectory(prefix="cella-bench-") as name:
        folders = {}
        for label in ("a", "b"):
            folders[label] = pathlib.Path(name) / label
            folders[label].mkdir()
        os.chmod(name, 0o755)
        image = busybox_image(folders["a"])
        contenders = [start_cella(folders["a"], options)]
        lxd = start_lxd(folders["b"])
        if lxd:
            contenders.append(lxd)
        try:
            for contender in contenders:
                extra.setdefault("fresh", {})[contender.name] = pss_kib(contender.helpers())
                contender.prepare(contender.driver, image)
                figures[contender.name] = {}
            for index in range(rounds + 2):
                for contender in contenders:
                    keep = figures[contender.name]
                    one_round(contender, index, lambda label, ms: index >= 2 and keep.setdefault(label, []).append(ms))
            for contender in contenders:
                launched, listed, memory = twenty(contender)
                figures[contender.name]["20 launched, each"] = [launched]
                figures[contender.name]["list 20, recursion=2"] = [listed]
                extra.setdefault("with 20", {})[contender.name] = memory
        finally:
            for contender in contenders:
                for path, remove in ((f"/1.0/images/{getattr(contender, 'image', '')}", "DELETE"), ("/1.0/networks/benchbr0", "DELETE")):
                    try:
                        contender.client.finish(remove, path)
                    except (RuntimeError, OSError):
                        pass
                try:
                    contender.client.finish("PUT", "/1.0/profiles/default", {"config": {}, "devices": {}})
                    contender.client.finish("DELETE", "/1.0/storage-pools/bench")
                except (RuntimeError, OSError) as reason:
                    print(f"clean-up of {contender.name}: {reason}")
                keeper = contender.keeper() if hasattr(contender, "keeper") else []
                contender.stop_daemon()
                for pid in keeper:
                    os.kill(pid, signal.SIGKILL)
    show(figures, extra, rounds)
    return {"times": figures, "memory": extra}


def show(figures, extra, rounds):
    names = list(figures)
    print(f"\nThrough the REST API, busybox image, {rounds} interleaved rounds, median ms")
    print(f"{'':28}" + "".join(f"{name:>12}" for name in names) + ("   faster by: medians, minima" if len(names) > 1 else ""))
    for label in figures["cella"]:
        if not all(label in figures[name] for name in names):
            continue
        medians = [statistics.median(figures[name][label]) for name in names]
        line = f"{label:28}" + "".join(f"{value:12.2f}" for value in medians)
        lowest = [min(figures[name][label]) for name in names]
        print(line + (f"{medians[1] / medians[0]:15.1f}x{lowest[1] / lowest[0]:14.1f}x" if len(names) > 1 else ""))
    for label, values in extra.items():
        print(f"{'PSS KiB, ' + label:28}" + "".join(f"{values[name]:12d}" for name in names) +
              (f"{values[names[1]] / max(values[names[0]], 1):15.1f}x" if len(names) > 1 else ""))
