"""What a new user does in the first hour, with a busybox image."""
import json
import os
import pathlib
import signal

from harness import BIN, busybox_image, eventually, on_terminal, run


def test_init_is_usable_and_can_be_run_twice(host):
    host.cella("admin", "init", "--auto")
    assert "default" in host.out("storage", "list", "--format", "csv")
    assert "cellabr0" in host.out("network", "list", "--format", "csv")
    profile = host.out("profile", "show", "default")
    assert "eth0" in profile and "root" in profile, profile


def test_imports_an_image_with_an_alias(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox", "purpose=test")
    listed = host.json("image", "list")
    assert len(listed) == 1 and listed[0]["aliases"][0]["name"] == "busybox"
    assert listed[0]["properties"]["purpose"] == "test"
    assert "Fingerprint: " + listed[0]["fingerprint"] in host.out("image", "info", "busybox")
    import hashlib
    assert listed[0]["fingerprint"] == hashlib.sha256(busybox_image(host.work).read_bytes()).hexdigest()


def test_exports_the_image_byte_for_byte(host):
    host.cella("image", "export", "busybox", host.work / "exported")
    exported = list(host.work.glob("exported*"))
    assert exported and exported[0].read_bytes() == busybox_image(host.work).read_bytes()


def test_launches_and_lists(host):
    host.cella("launch", "busybox", "c1")
    assert host.out("list", "-c", "ns", "--format", "csv") == "c1,RUNNING"
    assert host.exec("c1", "hostname") == "c1"
    assert host.instance("c1")["profiles"] == ["default"]
    for form in ("table", "csv", "json", "yaml", "compact"):
        assert "c1" in host.out("list", "--format", form)


def test_init_creates_without_starting(host):
    host.cella("init", "busybox", "c2", "-c", "user.note=hello")
    assert host.instance("c2")["status"] == "Stopped"
    assert host.out("config", "get", "c2", "user.note") == "hello"
    host.cella("start", "c2")
    assert host.instance("c2")["status"] == "Running"


def test_picks_a_name_when_none_is_given(host):
    host.cella("launch", "busybox")
    names = {item["name"] for item in host.json("list")} - {"c1", "c2"}
    assert len(names) == 1
    host.cella("delete", "--force", names.pop())


def test_exec_keeps_streams_and_status_apart(host):
    done = host.cella("exec", "c1", "--", "sh", "-c", "cat; echo err >&2; exit 7", input="in\n", check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("in\n", "err\n", 7), done
    assert host.cella("exec", "c1", "--", "no-such-program", check=False).returncode == 127
    assert host.cella("exec", "c1", "--", "/etc/passwd", check=False).returncode == 126
    assert host.cella("exec", "c1", "--", "sh", "-c", "kill -9 $$", check=False).returncode == 137


def test_exec_takes_environment_user_and_directory(host):
    out = host.out("exec", "c1", "--env", "A=b c", "--user", "1000", "--group", "1000", "--cwd", "/tmp", "--",
                   "sh", "-c", "echo $A; id -u; id -g; pwd")
    assert out.split("\n") == ["b c", "1000", "1000", "/tmp"], out


def test_exec_carries_large_binary_data(host):
    data = os.urandom(8 << 20)
    import subprocess
    done = subprocess.run([BIN / "cella", "exec", "c1", "-T", "--", "cat"], input=data, env=host.env, capture_output=True,
                          timeout=60)
    assert done.returncode == 0 and done.stdout == data, (done.returncode, len(done.stdout), done.stderr)


def test_exec_on_a_terminal(host):
    out, status = on_terminal([BIN / "cella", "exec", "c1", "--", "sh"], [
        ("#", b"tty; stty size; echo done-$((1+1))\n"), ("done-2", b"exit 5\n")], host.env)
    assert "/dev/pts/" in out and status == 5, (out, status)


def test_console_attaches_and_detaches(host):
    out, status = on_terminal([BIN / "cella", "console", "c1"], [("detach", b"\x01q")], host.env)
    assert status == 0, (out, status)


def test_config_is_set_read_and_unset(host):
    host.cella("config", "set", "c1", "user.a=1", "environment.COLOUR=green")
    assert host.exec("c1", "sh", "-c", "echo $COLOUR") == "green"
    assert host.out("config", "get", "c1", "user.a") == "1"
    host.cella("config", "unset", "c1", "user.a")
    assert host.out("config", "get", "c1", "user.a") == ""
    assert "environment.COLOUR: green" in host.out("config", "show", "c1")


def test_profiles_apply_in_order_and_the_instance_wins(host):
    for name, value in (("p1", "one"), ("p2", "two")):
        host.cella("profile", "create", name)
        host.cella("profile", "set", name, "user.which", value)
    host.cella("init", "busybox", "c3", "-p", "default", "-p", "p1", "-p", "p2")
    assert "user.which: two" in host.out("config", "show", "c3", "--expanded")
    host.cella("config", "set", "c3", "user.which", "mine")
    assert "user.which: mine" in host.out("config", "show", "c3", "--expanded")
    host.refused("profile", "delete", "p1", naming="in use")
    host.cella("delete", "c3")
    host.cella("profile", "delete", "p1")
    host.cella("profile", "delete", "p2")


def test_disk_device_is_plugged_into_a_running_container(host):
    shared = host.work / "shared"
    shared.mkdir()
    (shared / "file").write_text("from the host")
    host.cella("config", "device", "add", "c1", "data", "disk", f"source={shared}", "path=/mnt/data")
    assert host.exec("c1", "cat", "/mnt/data/file") == "from the host"
    host.cella("config", "device", "remove", "c1", "data")
    assert host.cella("exec", "c1", "--", "cat", "/mnt/data/file", check=False).returncode != 0
    host.cella("config", "device", "add", "c1", "data", "disk", f"source={shared}", "path=/mnt/data", "readonly=true")
    host.cella("restart", "--force", "c1")
    assert host.exec("c1", "cat", "/mnt/data/file") == "from the host"
    assert host.cella("exec", "c1", "--", "touch", "/mnt/data/new", check=False).returncode != 0
    host.cella("config", "device", "remove", "c1", "data")


def test_pause_and_start_again(host):
    host.cella("pause", "c1")
    assert host.instance("c1")["status"] == "Frozen"
    host.cella("start", "c1")
    assert host.instance("c1")["status"] == "Running"


def test_stop_restart_rename_delete(host):
    first = host.pid("c1")
    host.cella("restart", "c1")
    assert host.pid("c1") != first
    host.cella("stop", "c1")
    assert host.instance("c1")["status"] == "Stopped"
    host.cella("rename", "c1", "renamed")
    host.cella("start", "renamed")
    assert host.exec("renamed", "hostname") == "renamed"
    host.refused("delete", "renamed", naming="running")
    host.cella("delete", "--force", "renamed")
    host.refused("info", "renamed", naming="not found")


def test_graceful_stop_is_quick(host):
    import time
    started = time.monotonic()
    host.cella("stop", "c2", "--timeout", "20")
    assert time.monotonic() - started < 10
    host.cella("start", "c2")


def test_files_survive_a_restart_of_the_container(host):
    host.exec("c2", "sh", "-c", "echo kept > /root/file")
    host.cella("restart", "--force", "c2")
    assert host.exec("c2", "cat", "/root/file") == "kept"


def test_ephemeral_instance_goes_with_its_stop(host):
    host.cella("launch", "busybox", "brief", "--ephemeral")
    host.cella("stop", "--force", "brief")
    eventually(lambda: "brief" not in host.out("list", "--format", "csv"), 10, "ephemeral instance removed")


def test_image_can_be_deleted_while_used(host):
    host.cella("image", "delete", "busybox")
    host.cella("restart", "--force", "c2")
    assert host.exec("c2", "cat", "/root/file") == "kept"
    host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")


def test_monitor_shows_life_cycle_events(host):
    import subprocess
    watch = subprocess.Popen([BIN / "cella", "monitor", "--type", "lifecycle", "--format", "json"], env=host.env,
                             stdout=subprocess.PIPE, text=True)
    try:
        import time
        time.sleep(0.5)  # there is no sign that the subscription stands
        host.cella("restart", "--force", "c2")
        line = json.loads(watch.stdout.readline())
        assert line["type"] == "lifecycle" and line["metadata"]["action"].startswith("instance-"), line
    finally:
        watch.send_signal(signal.SIGINT)
        watch.wait(10)


def test_info_shows_state_and_launch_steps(host):
    text = host.out("info", "c2")
    for word in ("Name: c2", "Status: RUNNING", "Architecture: x86_64", "PID:"):
        assert word.lower() in text.lower(), text
    assert "ms" in host.out("info", "c2", "--trace") or "us" in host.out("info", "c2", "--trace")


def test_help_everywhere(host):
    top = host.out("--help")
    for word in ("launch", "exec", "image", "network", "storage", "profile"):
        assert word in top
        assert "Usage" in host.out(word, "--help")
    assert host.cella("nonsense", check=False).returncode == 1


def test_completion_names_instances(host):
    script = host.work / "completion.bash"
    script.write_text(host.out("completion", "bash"))
    import subprocess
    subprocess.run(["bash", "-n", script], check=True)


if __name__ == "__main__":
    run(globals())
