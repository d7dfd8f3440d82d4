"""The stock `lxc` 5.0.2 of Debian's lxd-client drives cella: what its users type must do what they expect."""
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import METADATA, Skip, busybox_image, busybox_tree, eventually, on_terminal, run, run_checked


def environment(host):
    if shutil.which("lxc") is None:
        raise Skip("lxc (package lxd-client) is not installed")
    return {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LC_ALL": "C.UTF-8"}


def lxc(host, *words, status=0, timeout=60, **options):
    """Runs one lxc command, checks its exit status, and returns the CompletedProcess."""
    options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
    options.setdefault("text", True)
    done = subprocess.run(["lxc", *map(str, words)], env=environment(host), capture_output=True, timeout=timeout, **options)
    assert done.returncode == status, f"lxc {words}: status {done.returncode}: {done.stdout} {done.stderr}"
    return done


def out(host, *words, **options):
    return lxc(host, *words, **options).stdout.rstrip("\n")


def test_imports_a_unified_image(host):
    lxc(host, "image", "import", busybox_image(host.work), "--alias", "bb", "purpose=test")
    info = out(host, "image", "info", "bb")
    assert "Fingerprint: " + hashlib.sha256(busybox_image(host.work).read_bytes()).hexdigest() in info
    assert "purpose: test" in info
    lxc(host, "image", "export", "bb", host.work / "unified")
    assert (host.work / "unified.tar.xz").read_bytes() == busybox_image(host.work).read_bytes()


def test_imports_a_split_image(host):
    tree = host.work / "split"
    busybox_tree(tree / "rootfs")
    (tree / "metadata.yaml").write_text(METADATA)
    run_checked("tar", "-C", str(tree), "-cf", str(host.work / "meta.tar"), "metadata.yaml")
    run_checked("mksquashfs", str(tree / "rootfs"), str(host.work / "root.squashfs"), "-all-root", "-quiet")
    lxc(host, "image", "import", host.work / "meta.tar", host.work / "root.squashfs", "--alias", "split")
    lxc(host, "image", "export", "split", host.work / "again")
    assert (host.work / "again").read_bytes() == (host.work / "meta.tar").read_bytes()
    assert (host.work / "again.root").read_bytes() == (host.work / "root.squashfs").read_bytes()


def test_refuses_a_truncated_upload(host):
    short = host.work / "short.tar.xz"
    short.write_bytes(busybox_image(host.work).read_bytes()[:400000])
    assert "Error" in lxc(host, "image", "import", short, status=1).stderr
    assert not list((host.dir / "images" / "uploads").iterdir())


def test_edits_images_and_aliases(host):
    lxc(host, "image", "set-property", "bb", "color", "red")
    assert "color: red" in out(host, "image", "show", "bb")
    fingerprint = next(item["fingerprint"] for item in host.json("image", "list") if item["properties"].get("color"))
    lxc(host, "image", "alias", "create", "busy/box", fingerprint[:12])
    assert "busy/box" in out(host, "image", "alias", "list", "--format", "csv")
    lxc(host, "image", "alias", "delete", "busy/box")
    assert "busy/box" not in out(host, "image", "alias", "list", "--format", "csv")


def test_launches_lists_and_shows(host):
    lxc(host, "launch", "bb", "c1", "-c", "user.a=b")
    assert out(host, "list", "-c", "ns", "--format", "csv") == "c1,RUNNING"
    assert out(host, "list", "-c", "n", "--format", "csv", "status=running") == "c1"
    assert out(host, "list", "-c", "n", "--format", "csv", "status=stopped") == ""
    info = out(host, "info", "c1")
    assert "Status: RUNNING" in info and "eth0" in info
    assert "user.a: b" in out(host, "config", "show", "c1")


def test_gets_a_name_from_the_server(host):
    launched = out(host, "launch", "split")
    name = next(line.split(": ")[1].strip() for line in launched.split("\n") if "Instance name is" in line)
    assert out(host, "exec", name, "--", "hostname") == name
    lxc(host, "delete", "-f", name)


def test_exec_keeps_streams_status_and_identity(host):
    done = lxc(host, "exec", "c1", "-T", "--env", "A=b", "--cwd", "/tmp", "--user", "1000", "--group", "1000", "--",
               "sh", "-c", "id -u; pwd; echo $A; cat; echo err >&2; exit 7", status=7, input="in")
    assert done.stdout == "1000\n/tmp\nb\nin" and done.stderr == "err\n", done
    assert "Command not found" in lxc(host, "exec", "c1", "--", "nosuch", status=127).stderr
    lxc(host, "exec", "c1", "--", "/etc/passwd", status=126)
    lxc(host, "exec", "c1", "--", "sh", "-c", "kill -9 $$", status=137)


def test_exec_moves_much_data_both_ways(host):
    data = os.urandom(20_000_000)
    done = lxc(host, "exec", "c1", "--", "cat", input=data, text=False)
    assert done.stdout == data


def test_exec_ends_with_its_process_though_a_child_holds_the_output(host):
    started = time.monotonic()
    assert out(host, "exec", "c1", "--", "sh", "-c", "sleep 50 & echo done") == "done"
    assert time.monotonic() - started < 20


def test_exec_on_a_terminal_has_one(host):
    seen, status = on_terminal(["lxc", "exec", "c1", "--", "sh", "-c", "tty; read x; echo got-$x; exit 3"],
                               [("/dev/pts/", b"typed\r"), ], {**environment(host), "TERM": "xterm"})
    assert status == 3 and "got-typed" in seen, (seen, status)


def test_exec_passes_signals_and_ends_with_a_killed_client(host):
    client = subprocess.Popen(["lxc", "exec", "c1", "--", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done"],
                              env=environment(host), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"up\n"
    client.send_signal(signal.SIGTERM)
    assert client.wait(20) == 9
    client = subprocess.Popen(["lxc", "exec", "c1", "--", "sh", "-c", "echo up; exec sleep 4321"], env=environment(host),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert client.stdout.readline() == b"up\n"
    client.kill()
    client.wait(20)
    eventually(lambda: "4321" not in out(host, "exec", "c1", "--", "ps"), 20, "the command of a killed client ends")


def test_console_attaches_and_detaches(host):
    seen, status = on_terminal(["lxc", "console", "c1"], [("detach", b"marker\r"), ("marker\r\n", b"\x01"), ("marker\r\n", b"q")],
                               {**environment(host), "TERM": "xterm"})
    assert "marker" in seen
    assert "marker" in out(host, "console", "c1", "--show-log")


def test_changes_configuration_and_devices(host):
    lxc(host, "config", "set", "c1", "user.x=1", "user.y=2")
    assert out(host, "config", "get", "c1", "user.x") == "1"
    lxc(host, "config", "unset", "c1", "user.x")
    assert out(host, "config", "get", "c1", "user.x") == ""
    assert "bad.key" in lxc(host, "config", "set", "c1", "bad.key", "1", status=1).stderr
    lxc(host, "config", "device", "add", "c1", "mnt", "disk", "source=/usr/share/doc", "path=/mnt")
    assert out(host, "exec", "c1", "--", "ls", "/mnt")
    lxc(host, "config", "device", "remove", "c1", "mnt")
    assert out(host, "exec", "c1", "--", "ls", "-A", "/mnt") == ""


def test_a_stale_edit_is_refused(host):
    profile = host.api("GET", "/1.0/profiles/default")[1]["metadata"]
    assert host.api("PUT", "/1.0/profiles/default", profile)[0] == 200  # no If-Match: goes through
    command = ["curl", "-s", "--unix-socket", host.dir / "unix.socket", "-X", "PUT", "-H", 'If-Match: "0000"', "-w",
               "%{http_code}", "-o", "/dev/null", "http://cella/1.0/instances/c1", "-d", '{"config":{"user.z":"1"}}']
    assert run_checked(*map(str, command)) == "412"
    assert out(host, "config", "get", "c1", "user.z") == ""


def test_profiles(host):
    lxc(host, "profile", "create", "p1")
    lxc(host, "profile", "set", "p1", "user.p", "q")
    lxc(host, "profile", "add", "c1", "p1")
    assert "user.p: q" in out(host, "config", "show", "--expanded", "c1")
    assert "Error" in lxc(host, "profile", "delete", "p1", status=1).stderr
    lxc(host, "profile", "assign", "c1", "default")
    lxc(host, "profile", "copy", "p1", "p2")
    lxc(host, "profile", "rename", "p2", "p3")
    for name in ("p1", "p3"):
        lxc(host, "profile", "delete", name)


def test_networks(host):
    lxc(host, "network", "create", "xlxc0", "ipv4.address=10.201.7.1/24", "ipv6.address=none")
    assert "xlxc0,bridge,YES,10.201.7.1/24" in out(host, "network", "list", "--format", "csv")
    lxc(host, "network", "set", "xlxc0", "ipv4.dhcp.ranges", "10.201.7.10-10.201.7.20")
    assert "10.201.7.10-10.201.7.20" in out(host, "network", "show", "xlxc0")
    lxc(host, "network", "unset", "xlxc0", "ipv4.dhcp.ranges")
    assert "10.201.7.1" in out(host, "network", "list-leases", "xlxc0")
    assert "State: up" in out(host, "network", "info", "xlxc0")
    lxc(host, "network", "delete", "xlxc0")


def test_storage(host):
    lxc(host, "storage", "create", "sp", "dir")
    assert "sp,dir" in out(host, "storage", "list", "--format", "csv")
    assert "total space" in out(host, "storage", "info", "sp")
    lxc(host, "launch", "bb", "c2", "-s", "sp")
    assert "c2" in out(host, "storage", "volume", "list", "sp", "--format", "csv")
    assert "in use" in lxc(host, "storage", "delete", "sp", status=1).stderr
    lxc(host, "delete", "-f", "c2")


def test_states(host):
    lxc(host, "pause", "c1")
    assert out(host, "list", "-c", "s", "--format", "csv") == "FROZEN"
    lxc(host, "start", "c1")
    lxc(host, "restart", "-f", "c1")
    assert "already running" in lxc(host, "start", "c1", status=1).stderr
    lxc(host, "stop", "-f", "c1")
    lxc(host, "rename", "c1", "c3")
    lxc(host, "start", "--all")
    assert out(host, "list", "-c", "ns", "--format", "csv") == "c3,RUNNING"
    lxc(host, "stop", "--all", "-f")
    lxc(host, "start", "c3")


def test_an_ephemeral_instance_goes_with_its_stop(host):
    lxc(host, "launch", "bb", "gone", "-e")
    lxc(host, "stop", "-f", "gone")
    eventually(lambda: "gone" not in out(host, "list", "-c", "n", "--format", "csv"), 20, "the instance is gone")


def test_bad_input_is_named(host):
    for words, naming in ((("launch", "nosuch", "x"), "nosuch"), (("init", "bb", "bad_name"), "bad_name"),
                          (("init", "bb", "x", "-p", "nope"), "nope"), (("start", "nobody"), "not found"),
                          (("init", "bb", "c3"), "c3"), (("network", "create", "br!", "ipv4.address=none"), "br!"),
                          (("storage", "create", "sp2", "nodriver"), "nodriver")):
        stderr = lxc(host, *words, status=1).stderr
        assert naming.lower() in stderr.lower(), (words, stderr)
    assert out(host, "list", "-c", "n", "--format", "csv") == "c3"


def test_monitor_tells_what_happens(host):
    monitor = subprocess.Popen(["lxc", "monitor", "--type=lifecycle"], env=environment(host), stdout=subprocess.PIPE,
                               text=True)
    try:
        os.set_blocking(monitor.stdout.fileno(), False)
        seen = ""

        def told():
            nonlocal seen
            lxc(host, "config", "set", "c3", f"user.t={time.monotonic()}")
            seen += monitor.stdout.read() or ""
            return "action: instance-updated" in seen
        eventually(told, 20, "an event arrives")
    finally:
        monitor.terminate()
        monitor.wait()


def test_lists_of_the_server(host):
    assert "default (current)" in out(host, "project", "list")
    for words in (("warning", "list"), ("config", "trust", "list"), ("operation", "list")):
        lxc(host, *words)
    assert "Total:" in out(host, "info", "--resources")
    assert "api_extensions" in out(host, "info")
    assert out(host, "query", "/1.0/instances") .strip().startswith("[")
    assert '"status_code": 200' in out(host, "query", "--wait", "-X", "PUT", "-d", '{"action":"freeze"}',
                                       "/1.0/instances/c3/state")


if __name__ == "__main__":
    run(globals())
