"""Running commands: recorded output, metadata, large data, half-closed input, vanishing clients, stopping containers; and
the logs of instances."""
import hashlib
import os
import pathlib
import signal
import subprocess
import threading

from harness import BIN, Skip, busybox_image, eventually, on_terminal, run, run_checked


def instance(host, name="x1"):
    if not any(item["name"] == "bb" for item in host.api("GET", "/1.0/images/aliases?recursion=1")[1]["metadata"]):
        host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    if not any(item["name"] == name for item in host.json("list")):
        host.cella("launch", "bb", name)
    return name


def lxc_environment(host):
    return {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LC_ALL": "C.UTF-8"}


def lxc(host, *words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        return subprocess.run(["lxc", *words], env=lxc_environment(host), capture_output=True, timeout=120, **options)
    except FileNotFoundError:
        raise Skip("no lxc client here")


def run_detached(host, name, command, **more):
    status, body = host.api("POST", f"/1.0/instances/{name}/exec",
                            {"command": command, "wait-for-websocket": False, "interactive": False, **more})
    assert status == 202, body
    return host.api("GET", body["operation"] + "/wait")[1]["metadata"]


def processes_of(*words):
    """Ids, as the host sees them, of processes with that command line."""
    wanted, found = b"".join(word.encode() + b"\0" for word in words), []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.read_bytes() == wanted:
                found.append(int(entry.parent.name))
        except OSError:
            pass
    return found


def raw(host, method, path):
    return run_checked("curl", "-s", "--unix-socket", str(host.dir / "unix.socket"), "-X", method, f"http://cella{path}")


def test_recorded_output_can_be_fetched_and_deleted(host):
    name = instance(host)
    operation = run_detached(host, name, ["sh", "-c", "echo out; echo err >&2; exit 3"], **{"record-output": True})
    assert operation["status"] == "Success" and operation["metadata"]["return"] == 3
    urls = operation["metadata"]["output"]
    assert raw(host, "GET", urls["1"]) == "out\n" and raw(host, "GET", urls["2"]) == "err\n"
    listed = host.api("GET", f"/1.0/instances/{name}/logs")[1]["metadata"]
    assert urls["1"] in listed and urls["2"] in listed
    assert host.api("DELETE", urls["1"])[0] == 200
    assert host.api("GET", urls["1"])[0] == 404
    assert urls["1"] not in host.api("GET", f"/1.0/instances/{name}/logs")[1]["metadata"]
    for bad in ("..%2F..%2Fserver.key", "%2e%2e%2fx", "nothing"):
        assert host.api("GET", f"/1.0/instances/{name}/logs/{bad}")[0] in (400, 404)


def test_metadata_shows_what_is_run(host):
    name = instance(host)
    host.cella("config", "set", name, "environment.FROM_CONFIG=c")
    operation = run_detached(host, name, ["env"], environment={"MINE": "m"}, **{"record-output": True})
    metadata = operation["metadata"]
    assert metadata["command"] == ["env"] and metadata["interactive"] is False and metadata["return"] == 0
    environment = metadata["environment"]
    assert environment["MINE"] == "m" and environment["FROM_CONFIG"] == "c"
    assert environment["HOME"] == "/root" and environment["USER"] == "root" and environment["LANG"] == "C.UTF-8"
    inside = dict(line.split("=", 1) for line in raw(host, "GET", metadata["output"]["1"]).split("\n") if line)
    assert {key: inside.get(key) for key in environment} == environment
    failed = run_detached(host, name, ["/no/such"])
    assert failed["status"] == "Failure" and failed["metadata"]["return"] == 127


def test_a_hundred_megabytes_both_ways(host):
    name = instance(host)
    size = 100 << 20
    data = os.urandom(1 << 20) * (size >> 20)
    process = subprocess.Popen(["lxc", "exec", name, "--", "cat"], env=lxc_environment(host), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    feeder = threading.Thread(target=lambda: (process.stdin.write(data), process.stdin.close()))
    feeder.start()
    digest = hashlib.sha256()
    for part in iter(lambda: process.stdout.read(1 << 20), b""):
        digest.update(part)
    feeder.join()
    assert process.wait(60) == 0
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    done = lxc(host, "exec", name, "--", "sha256sum", stdin=None, input=data)
    assert done.stdout.split()[0].decode() == digest.hexdigest()


def test_input_that_ends_lets_output_go_on(host):
    done = lxc(host, "exec", instance(host), "--", "sh", "-c", "cat; sleep 0.5; echo later", stdin=None, input=b"first\n")
    assert done.returncode == 0 and done.stdout == b"first\nlater\n", done


def test_a_terminal_is_resized_and_signalled(host):
    name = instance(host)
    output = on_terminal(["lxc", "exec", name, "--", "sh", "-c", "stty size; echo READY; read x; echo got:$x"],
                         [("READY", b"word\r")], lxc_environment(host))
    assert "got:word" in str(output)


def test_a_client_that_vanishes_takes_its_command_along(host):
    name = instance(host)
    client = subprocess.Popen([BIN / "cella", "exec", name, "--", "sleep", "4242"], env=host.env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    eventually(lambda: processes_of("sleep", "4242"), 10, "the command runs")
    client.send_signal(signal.SIGKILL)
    client.wait(10)
    eventually(lambda: not processes_of("sleep", "4242"), 20, "the command has ended")


def test_a_container_that_stops_ends_its_commands(host):
    name = instance(host, "x2")
    client = subprocess.Popen([BIN / "cella", "exec", name, "--", "sh", "-c", "echo here; sleep 4243"], env=host.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert client.stdout.readline() == b"here\n"
    host.cella("stop", "-f", name)
    assert client.wait(20) != 0


def test_quarter_of_a_megabyte_through_pylxd(host):
    script = ("import pylxd, sys\n"
              "client = pylxd.Client(endpoint='http+unix://' + sys.argv[1].replace('/', '%2F'))\n"
              "data = b'0123456789abcdef' * 16384\n"
              "result = client.containers.get('x1').execute(['sha256sum'], stdin_payload=data)\n"
              "import hashlib; assert result.exit_code == 0, result\n"
              "assert result.stdout.split()[0] == hashlib.sha256(data).hexdigest(), result.stdout\n")
    if subprocess.run(["/usr/bin/python3", "-c", "import pylxd"], capture_output=True).returncode != 0:
        raise Skip("no pylxd here")
    instance(host)
    done = subprocess.run(["/usr/bin/python3", "-c", script, str(host.dir / "unix.socket")], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_launch_log_tells_what_a_start_did(host):
    name = instance(host)
    log = raw(host, "GET", f"/1.0/instances/{name}/logs/lxc.log")
    assert " INFO  root (" in log and log.rstrip().endswith("started"), log
    assert host.api("DELETE", f"/1.0/instances/{name}/logs/lxc.log")[0] == 400
    shown = lxc(host, "info", "--show-log", name)
    assert shown.returncode == 0 and b"Log:" in shown.stdout and b"started" in shown.stdout
    gone = host.work / "gone"
    gone.mkdir()
    host.cella("init", "bb", "x3")
    host.cella("config", "device", "add", "x3", "d", "disk", f"source={gone}", "path=/d")
    gone.rmdir()
    failed = lxc(host, "start", "x3")
    assert failed.returncode == 1 and b"--show-log" in failed.stderr + failed.stdout, failed
    assert str(gone).encode() in lxc(host, "info", "--show-log", "x3").stdout


def test_the_console_log_outlives_the_container(host):
    name = instance(host, "x4")
    host.exec(name, "sh", "-c", "echo words on the console >/dev/console")
    eventually(lambda: "words on the console" in host.out("console", name, "--show-log"), 5, "in the live log")
    host.cella("stop", "-f", name)
    assert "words on the console" in host.out("console", name, "--show-log")
    shown = lxc(host, "console", "--show-log", name)
    assert b"words on the console" in shown.stdout, shown


def test_logs_follow_a_rename_and_go_with_the_instance(host):
    host.cella("rename", "x4", "x5")
    assert "words on the console" in host.out("console", "x5", "--show-log")
    assert (host.dir / "logs" / "x5").is_dir() and not (host.dir / "logs" / "x4").exists()
    host.cella("delete", "x5")
    assert not (host.dir / "logs" / "x5").exists()


run(globals())
