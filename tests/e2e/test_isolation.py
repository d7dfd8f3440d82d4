"""What a container must not see or reach, and what the host must not show."""
import os
import pathlib

from harness import busybox_image, run, run_checked


def prepare(host, *names):
    if not host.json("image", "list"):
        host.cella("image", "import", busybox_image(host.work), "--alias", "busybox")
    existing = {item["name"] for item in host.json("list")}
    for name in names:
        if name not in existing:
            host.cella("launch", "busybox", name)


def status_of(pid):
    return dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().split("\n") if ":\t" in line)


def uid_map(pid):
    return [tuple(map(int, line.split())) for line in open(f"/proc/{pid}/uid_map")]


def test_root_inside_is_nobody_outside_and_ranges_differ(host):
    prepare(host, "a", "b")
    maps = {name: uid_map(host.pid(name)) for name in ("a", "b")}
    for name in maps:
        assert len(maps[name]) == 1 and maps[name][0][0] == 0 and maps[name][0][1] >= 100000, maps
        assert maps[name][0][2] == 65536
        assert int(status_of(host.pid(name))["Uid"].split()[0]) == maps[name][0][1]
    first, second = (maps[name][0][1] for name in ("a", "b"))
    assert abs(first - second) >= 65536, maps


def test_no_helper_process_per_container(host):
    prepare(host, "a", "b")
    daemon, keeper = host.process.pid, host.keeper_pid()
    inits = {host.pid("a"), host.pid("b")}
    for pid in inits:
        assert int(status_of(pid)["PPid"]) == keeper, status_of(pid)["PPid"]
    children = pathlib.Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    assert {int(child) for child in children} == inits, (children, inits)
    for child in pathlib.Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split():
        assert b"dnsmasq" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()


def test_nothing_of_a_container_is_in_the_hosts_mount_table(host):
    prepare(host, "a")
    table = open("/proc/self/mountinfo").read()
    assert str(host.dir) not in table, [line for line in table.split("\n") if str(host.dir) in line]
    inside = host.exec("a", "cat", "/proc/self/mountinfo")
    assert str(host.dir) not in inside, inside


def test_files_on_disk_keep_container_ids(host):
    prepare(host, "a")
    host.exec("a", "sh", "-c", "echo x > /root/mine; chown 1000:1000 /root/mine")
    found = [path for path in host.dir.rglob("mine")]
    assert found and os.stat(found[0]).st_uid == 1000, [(p, os.stat(p).st_uid) for p in found]


def test_the_state_directory_is_closed_to_other_users(host):
    prepare(host, "a")
    for name in ("storage-pools", "images", "database"):
        mode = os.stat(host.dir / name).st_mode & 0o777
        assert mode & 0o007 == 0, (name, oct(mode))


def test_capabilities_and_seccomp_are_set_for_init_and_exec(host):
    prepare(host, "a")
    for text in (open(f"/proc/{host.pid('a')}/status").read(), host.exec("a", "cat", "/proc/self/status")):
        status = dict(line.split(":\t", 1) for line in text.split("\n") if ":\t" in line)
        assert status["CapInh"] == status["CapAmb"] == "0" * 16, status
        bounding = int(status["CapBnd"], 16)
        for name, bit in (("SYS_MODULE", 16), ("SYS_RAWIO", 17), ("SYS_TIME", 25), ("MAC_OVERRIDE", 32), ("MAC_ADMIN", 33)):
            assert not bounding >> bit & 1, name
        assert status["Seccomp"].strip() == "2"


def test_exec_joins_every_namespace_and_the_cgroup(host):
    prepare(host, "a")
    for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        inside = host.exec("a", "readlink", f"/proc/self/ns/{kind}")
        assert inside == os.readlink(f"/proc/{host.pid('a')}/ns/{kind}"), kind
        assert inside != os.readlink(f"/proc/self/ns/{kind}"), kind
    lines = host.exec("a", "cat", "/proc/self/cgroup").split("\n")
    unified = next(line for line in lines if line.startswith("0::"))
    assert unified in ("0::/.lxc", "0::/"), unified


def test_sensitive_kernel_files_are_closed(host):
    prepare(host, "a")
    script = "for f in /proc/kcore /proc/sysrq-trigger /proc/keys /proc/timer_list /sys/firmware/dmi; do " \
             "[ -s $f ] && head -c1 $f >/dev/null 2>&1 && [ -n \"$(head -c1 $f 2>/dev/null)\" ] && echo readable $f; done; " \
             "true"
    done = host.cella("exec", "a", "--", "sh", "-c", script)
    assert "readable" not in done.stdout, done.stdout
    # Where the kernel has it, the container's own /dev/null covers it: writing does nothing.
    trigger = host.exec("a", "sh", "-c", "[ -e /proc/sysrq-trigger ] && stat -c %t:%T /proc/sysrq-trigger || echo none")
    assert trigger in ("1:3", "none"), trigger
    for attempt in ("echo x > /proc/sys/kernel/core_pattern", "mknod /tmp/sda b 8 0"):
        assert host.cella("exec", "a", "--", "sh", "-c", attempt, check=False).returncode != 0, attempt


def test_the_host_and_its_processes_are_out_of_sight(host):
    prepare(host, "a", "b")
    seen = [pid for pid in host.exec("a", "ls", "/proc").split() if pid.isdigit()]
    assert 1 <= len(seen) <= 8, seen
    host.exec("a", "sh", "-c", "umount -l / 2>/dev/null; true")


def test_device_nodes_cannot_be_made_and_unlisted_ones_not_opened(host):
    prepare(host, "b")
    assert host.cella("exec", "b", "--", "mknod", "/root/disk", "b", "254", "0", check=False).returncode != 0
    for node in ("null", "zero", "full", "random", "urandom", "tty"):
        host.exec("b", "test", "-c", f"/dev/{node}")
    assert host.exec("b", "sh", "-c", "echo gone > /dev/null; head -c 4 /dev/zero | wc -c") == "4"


def test_links_in_the_image_lead_nowhere(host):
    """An image whose /dev, /proc and /etc point outside must neither start harm nor touch the host."""
    import tarfile, io, subprocess
    tree = host.work / "hostile"
    from harness import busybox_tree, METADATA
    busybox_tree(tree / "rootfs")
    (tree / "metadata.yaml").write_text(METADATA)
    for name in ("dev", "proc", "sys"):
        (tree / "rootfs" / name).rmdir()
        os.symlink("../../../../../../tmp/cella-escape", tree / "rootfs" / name)
    run_checked("tar", "-C", str(tree), "--numeric-owner", "--owner=0", "--group=0", "-czf", str(host.work / "hostile.tar.gz"),
                "metadata.yaml", "rootfs")
    host.cella("image", "import", host.work / "hostile.tar.gz", "--alias", "hostile")
    done = host.cella("launch", "hostile", "evil", check=False)
    assert not os.path.exists("/tmp/cella-escape")
    assert open("/proc/self/mountinfo").read().count("cella-escape") == 0
    host.cella("delete", "--force", "evil", check=False)
    host.cella("image", "delete", "hostile")


if __name__ == "__main__":
    run(globals())
