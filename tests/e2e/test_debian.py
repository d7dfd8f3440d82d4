"""A whole Debian 12 with its own systemd in an unprivileged container."""
import subprocess
import time

from harness import DEBIAN, Skip, eventually, run, run_checked


def image(host):
    if not (DEBIAN / "rootfs.squashfs").exists():
        raise Skip(f"no Debian image in {DEBIAN}: tools/debian-image makes it")
    if "debian/12" not in host.out("image", "list", "--format", "csv"):
        host.cella("image", "import", DEBIAN / "metadata.tar.xz", DEBIAN / "rootfs.squashfs", "--alias", "debian/12")


def running(host, name):
    def settled():
        state = host.cella("exec", name, "--", "systemctl", "is-system-running", check=False).stdout.strip()
        return state if state in ("running", "degraded", "maintenance") else None
    state = eventually(settled, 60, f"systemd of {name} has settled")
    failed = host.cella("exec", name, "--", "systemctl", "--failed", "--no-legend", check=False).stdout
    assert state == "running", f"{state}: {failed}"


def test_systemd_reaches_running_without_a_failed_unit(host):
    image(host)
    host.cella("launch", "debian/12", "first")
    running(host, "first")
    assert host.exec("first", "hostname") == "first"
    assert host.exec("first", "systemctl", "--failed", "--no-legend") == ""


def test_first_boot_gives_an_identity_of_its_own(host):
    host.cella("launch", "debian/12", "second")
    running(host, "second")
    ids = {host.exec(name, "cat", "/etc/machine-id") for name in ("first", "second")}
    assert len(ids) == 2 and all(len(i) == 32 for i in ids), ids


def test_containers_reach_each_other_by_name(host):
    assert host.address("first") and host.address("second")
    def reached():
        done = host.cella("exec", "first", "--", "ping", "-c", "1", "-W", "2", "second", check=False)
        return done.stdout if done.returncode == 0 else None
    eventually(reached, 20, "ping by name")
    # The bridge's DNS knows the full name; the short one may be answered by the neighbour itself.
    assert host.address("second") in host.exec("first", "getent", "ahostsv4", "second.lxd")


def test_dhcp_gives_the_address_that_was_there_before(host):
    address = host.address("first")
    eventually(lambda: "DHCP4" in host.exec("first", "networkctl", "status", "eth0", check=False), 20, "DHCP lease")
    assert address in host.exec("first", "ip", "-4", "addr", "show", "eth0")
    lines = [line for line in host.exec("first", "ip", "-4", "-o", "addr", "show", "eth0").split("\n") if line]
    assert len(lines) == 1, lines


def test_a_package_is_installed_with_apt(host):
    package = host.work / "hello-cella"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "usr/bin").mkdir(parents=True)
    (package / "DEBIAN/control").write_text("Package: hello-cella\nVersion: 1\nArchitecture: all\n"
                                            "Maintainer: cella <cella@example.org>\nDescription: test package\n")
    (package / "DEBIAN/postinst").write_text("#!/bin/sh\nset -e\nadduser --system --group hello-cella >/dev/null 2>&1 || "
                                             "useradd --system hello-cella\nchown hello-cella /usr/bin/hello-cella\n")
    (package / "DEBIAN/postinst").chmod(0o755)
    (package / "usr/bin/hello-cella").write_text("#!/bin/sh\necho hello from a package\n")
    (package / "usr/bin/hello-cella").chmod(0o755)
    run_checked("dpkg-deb", "--root-owner-group", "-b", str(package), str(host.work / "hello.deb"))
    host.cella("config", "device", "add", "first", "packages", "disk", f"source={host.work}", "path=/mnt")
    host.exec("first", "sh", "-c", "cp /mnt/hello.deb /tmp && apt-get install -y /tmp/hello.deb", timeout=180)
    assert host.exec("first", "hello-cella") == "hello from a package"
    host.cella("config", "device", "remove", "first", "packages")


def test_reboot_from_inside_starts_it_again(host):
    before = host.pid("first")
    host.cella("exec", "first", "--", "systemctl", "reboot", check=False)
    eventually(lambda: host.instance("first")["status"] == "Running" and host.pid("first") not in (0, before), 40, "reboot")
    running(host, "first")
    assert host.exec("first", "hello-cella") == "hello from a package"


def test_poweroff_from_inside_stops_it(host):
    host.cella("exec", "second", "--", "systemctl", "poweroff", check=False)
    eventually(lambda: host.instance("second")["status"] == "Stopped", 40, "poweroff")


def test_graceful_stop_takes_seconds_not_a_time_out(host):
    started = time.monotonic()
    host.cella("stop", "first", "--timeout", "60")
    assert time.monotonic() - started < 30, time.monotonic() - started
    assert host.instance("first")["status"] == "Stopped"


def test_journal_shows_a_clean_shut_down(host):
    host.cella("start", "first")
    running(host, "first")
    log = host.exec("first", "journalctl", "-b", "-1", "--no-pager", "-q", check=False)
    if log:
        assert "Reached target" in log


def test_a_unit_with_sandboxing_runs_inside(host):
    host.exec("first", "systemd-run", "--wait", "-p", "PrivateTmp=yes", "-p", "ProtectSystem=strict", "-p",
              "PrivateDevices=yes", "-p", "DynamicUser=yes", "-p", "ProtectKernelTunables=yes", "/bin/true")


if __name__ == "__main__":
    run(globals())
