"""Runs a cella daemon on a state directory of its own and drives it with the command line, as a user would.

A suite is a file with functions test_*(host); run(globals()) calls each in order on one daemon, prints one line a test
and "N passed, N failed, N skipped" at the end, and then checks that nothing is left on the machine. Start suites in a
network namespace of their own: `unshare --net -- python3 tests/e2e/test_x.py [TEST…]`.
CELLA_BIN names the directory of the programs (default build/release).
"""
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("CELLA_BIN", ROOT / "build" / "release")).resolve()
DEBIAN = pathlib.Path(os.environ.get("CELLA_IMAGE_CACHE", "/var/cache/cella")) / "debian-12"


class Skip(Exception):
    """A test that this machine cannot run; the text says why."""


def run_checked(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def cgroup_root():
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    return unified if unified.is_dir() else pathlib.Path("/sys/fs/cgroup")


def has_controller(name):
    return name in (cgroup_root() / "cgroup.controllers").read_text().split()


def eventually(check, seconds=30, what="condition"):
    """Polls until check() is true; for outside effects that give no event to wait for."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def busybox_tree(folder):
    """A root file system of one static busybox with an init that runs until told to stop."""
    busybox = shutil.which("busybox") or "/bin/busybox"
    for name in ("bin", "sbin", "etc/init.d", "proc", "sys", "dev", "tmp", "root", "run", "var", "usr/share/udhcpc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, folder / "bin/busybox")
    for applet in run_checked(busybox, "--list").split():
        if applet != "busybox" and not (folder / "bin" / applet).exists():
            os.symlink("busybox", folder / "bin" / applet)
    os.symlink("../bin/busybox", folder / "sbin/init")
    (folder / "etc/inittab").write_text(
        "::sysinit:/bin/mkdir -p /run\n::respawn:/bin/sleep 1000000\n::ctrlaltdel:/sbin/reboot\n::shutdown:/bin/true\n")
    (folder / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n")
    (folder / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
    (folder / "usr/share/udhcpc/default.script").write_text(
        '#!/bin/sh\n[ "$1" = bound ] && echo "$ip" >/run/leased; exit 0\n')
    (folder / "usr/share/udhcpc/default.script").chmod(0o755)
    (folder / "tmp").chmod(0o1777)


METADATA = """architecture: x86_64
creation_date: 1700000000
properties:
  architecture: amd64
  description: Busybox test image
  os: Busybox
  release: "1"
"""


def busybox_image(folder):
    """A unified tarball with a busybox root; returns its path."""
    tree = folder / "busybox-image"
    target = folder / "busybox.tar.xz"
    if not target.exists():
        busybox_tree(tree / "rootfs")
        (tree / "metadata.yaml").write_text(METADATA)
        run_checked("tar", "-C", str(tree), "--numeric-owner", "--owner=0", "--group=0", "-cJf", str(target),
                    "metadata.yaml", "rootfs")
    return target


def footprint():
    """What a leak would show up in: links, mounts, cgroups, loop devices and processes of ours, by kind."""
    return {
        "links": set(json_names(run_checked("ip", "-j", "link"))),
        # The first `ip netns add` of a test on a fresh machine mounts /run/netns for good.
        "mounts": set(line.split()[4] for line in open("/proc/self/mountinfo")) - {"/run/netns"},
        "cgroups": set(str(p) for p in cgroup_root().glob("lxc.payload.*")) |
                   set(str(p) for p in cgroup_root().glob("cella*")),
        "loops": set(json_loops()),
        "nft": set(run_checked("nft", "list", "tables").split("\n")) if shutil.which("nft") else set(),
    }


def json_names(text):
    return [link["ifname"] for link in json.loads(text or "[]")]


def json_loops():
    listed = subprocess.run(["losetup", "--json", "-O", "NAME,BACK-FILE"], capture_output=True, text=True).stdout
    return [f'{loop["name"]} {loop["back-file"]}' for loop in json.loads(listed or '{"loopdevices":[]}')["loopdevices"]]


class Host:
    """One daemon and its state directory; killed and removed by close()."""

    def __init__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="cella-e2e-"))
        self.work.chmod(0o755)  # dnsmasq reads its files as a user without rights
        self.dir = self.work / "state"
        self.dir.mkdir(mode=0o711)
        self.env = {**os.environ, "CELLA_DIR": str(self.dir), "LC_ALL": "C.UTF-8"}
        self.env.pop("CELLA_SOCKET", None)
        self.log = open(self.work / "daemon.log", "ab")
        self.process = None
        run_checked("ip", "link", "set", "lo", "up")

    def start(self):
        self.process = subprocess.Popen([BIN / "cella", "daemon", "--state-dir", self.dir], env=self.env,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        eventually(self.answers, 20, "daemon answers")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"daemon ended with {self.process.returncode}:\n{self.tail()}")
        return (self.dir / "unix.socket").exists() and self.cella("query", "/1.0", check=False).returncode == 0

    def tail(self, lines=30):
        return "\n".join((self.work / "daemon.log").read_text(errors="replace").split("\n")[-lines:])

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def restart(self):
        self.kill()
        self.start()

    def cella(self, *arguments, check=True, timeout=120, **options):
        """Runs one command; returns the CompletedProcess with text output."""
        options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
        done = subprocess.run([BIN / "cella", *map(str, arguments)], env=self.env, capture_output=True, text=True,
                              timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"cella {' '.join(map(str, arguments))}: status {done.returncode}: {done.stderr.strip()}")
        return done

    def out(self, *arguments, **options):
        return self.cella(*arguments, **options).stdout.rstrip("\n")

    def refused(self, *arguments, naming):
        """The command fails with status 1 and names every given text on standard error."""
        done = self.cella(*arguments, check=False)
        assert done.returncode == 1, f"status {done.returncode}, wanted 1: {arguments}: {done.stderr}"
        for text in [naming] if isinstance(naming, str) else naming:
            assert text.lower() in done.stderr.lower(), f"{text!r} not in {done.stderr!r}"
        return done.stderr

    def api(self, method, path, body=None):
        """One raw request; returns (HTTP status, decoded body)."""
        command = ["curl", "-s", "--unix-socket", str(self.dir / "unix.socket"), "-X", method,
                   "-w", "\n%{http_code}", f"http://cella{path}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", body if isinstance(body, str) else json.dumps(body)]
        text, _, status = run_checked(*command).rpartition("\n")
        return int(status), json.loads(text) if text.strip() else None

    def json(self, *arguments):
        return json.loads(self.out(*arguments, "--format", "json"))

    def instance(self, name):
        return next(item for item in self.json("list") if item["name"] == name)

    def address(self, name, family="inet"):
        found = self.instance(name)["state"]["network"] or {}
        for address in found.get("eth0", {}).get("addresses", []):
            if address["family"] == family and address["scope"] == "global":
                return address["address"]
        return None

    def pid(self, name):
        return self.instance(name)["state"]["pid"]

    def exec(self, name, *command, **options):
        return self.out("exec", name, "--", *command, **options)

    def keeper_pid(self):
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(str(self.dir).encode() in part for part in command) and b"keeper" in command:
                return int(entry.name)
        return None

    def close(self):
        """Removes every object through the command line, ends daemon and keeper, and deletes the state."""
        if self.process and self.process.poll() is None:
            for name in self.out("list", "-c", "n", "--format", "csv", check=False).split():
                self.cella("delete", "--force", name, check=False)
            for image in self.json("image", "list"):
                self.cella("image", "delete", image["fingerprint"], check=False)
            for device in ("eth0", "root"):
                self.cella("profile", "device", "remove", "default", device, check=False)
            for network in self.json("network", "list"):
                if network.get("managed"):
                    self.cella("network", "delete", network["name"], check=False)
            for pool in self.json("storage", "list"):
                self.cella("storage", "delete", pool["name"], check=False)
            keeper = self.keeper_pid()
            self.stop()
            if keeper:
                os.kill(keeper, signal.SIGKILL)
        self.log.close()

    def remove(self):
        shutil.rmtree(self.work)


def leaks(before):
    """Names what is there now and was not before; waits a little for the kernel's own clean-up."""
    def difference():
        now = footprint()
        return {kind: now[kind] - before[kind] for kind in now if now[kind] - before[kind]}
    deadline = time.monotonic() + 10
    while difference() and time.monotonic() < deadline:
        time.sleep(0.1)
    return difference()


def enter_private_mounts():
    """Own mounts that propagate to namespaces made from here, as systemd leaves a host: a test's mounts reach the daemon."""
    if os.environ.get("CELLA_E2E_MOUNTS") == "private":
        return
    os.environ["CELLA_E2E_MOUNTS"] = "private"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c",
                          'mount --make-rshared / && exec "$0" "$@"', sys.executable, *sys.argv])


def run(names, init=True):
    """Runs every test_* of a suite's globals() on one daemon; exits 1 when one failed or something is left over."""
    enter_private_mounts()
    wanted = sys.argv[1:]
    tests = [(name, value) for name, value in names.items() if name.startswith("test_") and (not wanted or name in wanted)]
    counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def report(word, name, text=""):
        counts[word] += 1
        print(f"{word} {name}{': ' + text if text else ''}", flush=True)

    before = footprint()
    host = Host()
    try:
        host.start()
        if init:
            host.cella("admin", "init", "--auto")
        for name, test in tests:
            started = time.monotonic()
            try:
                test(host)
                report("ok", name, f"{time.monotonic() - started:.2f} s")
            except Skip as reason:
                report("skip", name, str(reason))
            except Exception:
                report("FAIL", name, traceback.format_exc())
                print(host.tail(), flush=True)
    except Exception:
        report("FAIL", "set-up", traceback.format_exc())
        print(host.tail(), flush=True)
    finally:
        try:
            host.close()
            left = leaks(before)
            report("FAIL" if left else "ok", "leaves nothing behind", str(left) if left else "")
        except Exception:
            report("FAIL", "tear-down", traceback.format_exc())
        if counts["FAIL"]:
            print(f"daemon log: {host.work}/daemon.log", flush=True)
        else:
            host.remove()
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    sys.exit(1 if counts["FAIL"] else 0)


def on_terminal(command, script, env, seconds=20):
    """Runs a command on a pseudo-terminal; script is [(text to wait for, bytes to type)]; returns (output, status)."""
    import pty
    pid, master = pty.fork()
    if pid == 0:
        os.execvpe(str(command[0]), [str(part) for part in command], env)
    seen = b""
    steps = list(script)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                part = os.read(master, 65536)
            except OSError:
                part = b""
            if not part:
                break
            seen += part
        while steps and steps[0][0].encode() in seen:
            os.write(master, steps.pop(0)[1])
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return seen.decode(errors="replace"), os.waitstatus_to_exitcode(status)
