#!/usr/bin/env python3
"""limits.* of instances by what they do, with daemon and command line, at start and changed live.

Runs where cgroup v2 has every controller: in the VM (tests/vm/check limits_e2e). The numbers are LXD's.
"""
import ctypes
import errno
import os
import pathlib
import shutil
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import METADATA, Skip, busybox_tree, cgroup_root, eventually, run, run_checked  # noqa: E402

MIB = 1 << 20
CPUS = (cgroup_root() / "cpuset.cpus.effective").read_text().strip()
# The first thing init does, before anything the daemon might still write later.
FIRST = "::sysinit:/bin/sh -c 'for f in memory.max pids.max cpuset.cpus.effective; do cat /sys/fs/cgroup/$f; done >/first'\n"


def image(host):
    """A busybox image whose init notes its limits before it does anything else."""
    tree = host.work / "limits-image"
    busybox_tree(tree / "rootfs")
    inittab = tree / "rootfs/etc/inittab"
    inittab.write_text(FIRST + inittab.read_text())
    (tree / "metadata.yaml").write_text(METADATA)
    target = host.work / "limits.tar"
    run_checked("tar", "-C", str(tree), "--numeric-owner", "--owner=0", "--group=0", "-cf", str(target), "metadata.yaml", "rootfs")
    return target


def instance(host, name="c", *config):
    """A fresh running instance with the config "key=value"."""
    if not host.json("image", "list"):
        host.cella("image", "import", image(host), "--alias", "busybox")
    host.cella("delete", "--force", name, check=False)
    host.cella("launch", "busybox", name, *[word for pair in config for word in ("-c", pair)])
    return name


def read(name, file):
    return (cgroup_root() / f"lxc.payload.{name}" / file).read_text().strip()


def flat(name, file, key):
    return int(dict(line.split() for line in read(name, file).split("\n"))[key])


def expect(name, **files):
    """Files by name with _ for ."""
    found = {file: read(name, file.replace("_", ".")) for file in files}
    assert found == {file: str(value) for file, value in files.items()}, found


def allocate(host, name, mib):
    """Exit status of a process inside that uses that much memory."""
    return host.cella("exec", name, "--", "dd", "if=/dev/zero", "of=/dev/null", f"bs={mib}M", "count=1", check=False).returncode


def cpus_used(host, name, seconds=2):
    before = flat(name, "cpu.stat", "usage_usec")
    loop = f"timeout {seconds} sh -c 'while :; do :; done'"
    started = time.monotonic()
    host.exec(name, "sh", "-c", f"{loop} & {loop} & wait")
    return (flat(name, "cpu.stat", "usage_usec") - before) / 1e6 / (time.monotonic() - started)


def test_a_default_container_is_not_limited(host):
    instance(host)
    expect("c", memory_max="max", memory_low=0, memory_swap_max="max", cpu_max="max 100000", cpu_weight=100, pids_max="max",
           cpuset_cpus_effective=CPUS)


def test_memory_is_set_before_init_runs_and_kills_what_asks_for_more(host):
    instance(host, "c", "limits.memory=64MiB", "limits.processes=50")
    assert host.exec("c", "cat", "/first").split("\n") == [str(64 * MIB), "50", CPUS]
    expect("c", memory_max=64 * MIB, memory_low=60395520, memory_swap_max=64 * MIB)
    assert allocate(host, "c", 40) == 0
    assert allocate(host, "c", 300) == 137
    assert flat("c", "memory.events", "oom_kill") >= 1
    assert host.instance("c")["status"] == "Running"
    assert host.exec("c", "echo", "alive") == "alive"


def test_memory_changes_live_and_its_removal_restores_everything(host):
    instance(host, "c", "limits.memory=64MiB")
    host.cella("config", "set", "c", "limits.memory", "96MiB")
    expect("c", memory_max=96 * MIB, memory_low=90595328, memory_swap_max=96 * MIB)
    host.cella("config", "unset", "c", "limits.memory")
    expect("c", memory_max="max", memory_low=0, memory_swap_max="max")
    assert allocate(host, "c", 300) == 0
    host.cella("config", "set", "c", "limits.memory", "32MiB")
    assert allocate(host, "c", 300) == 137


def test_swap_takes_what_does_not_fit_unless_forbidden(host):
    if len(open("/proc/swaps").read().splitlines()) < 2:
        raise Skip("no swap")
    instance(host, "c", "limits.memory=64MiB")
    assert allocate(host, "c", 100) == 0
    host.cella("config", "set", "c", "limits.memory.swap", "false")
    expect("c", memory_max=64 * MIB, memory_swap_max=0)
    assert allocate(host, "c", 100) == 137
    host.cella("config", "set", "c", "limits.memory.swap", "16MiB")
    expect("c", memory_swap_max=16 * MIB)
    assert allocate(host, "c", 100) == 137
    host.cella("config", "set", "c", "limits.memory.swap", "true")
    expect("c", memory_swap_max=64 * MIB)
    assert allocate(host, "c", 100) == 0


def test_memory_in_percent_of_the_host(host):
    total = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal:"))
    instance(host, "c", "limits.memory=10%")
    wanted = total * 1000 // 100 * 10
    assert int(read("c", "memory.max")) == wanted // 4096 * 4096, (read("c", "memory.max"), wanted)


def test_soft_memory_only_protects(host):
    instance(host, "c", "limits.memory=64MiB", "limits.memory.enforce=soft")
    expect("c", memory_max="max", memory_low=64 * MIB, memory_swap_max="max")
    assert allocate(host, "c", 300) == 0
    host.cella("config", "set", "c", "limits.memory.enforce", "hard")
    expect("c", memory_max=64 * MIB, memory_low=60395520)


def test_a_number_of_cpus_is_chosen_and_changed_live(host):
    instance(host, "c", "limits.cpu=1")
    assert read("c", "cpuset.cpus.effective") in ("0", "1")
    assert host.exec("c", "nproc") == "1"
    assert host.exec("c", "tail", "-n1", "/first") in ("0", "1")
    assert cpus_used(host, "c") < 1.2
    host.cella("config", "set", "c", "limits.cpu", "2")
    assert read("c", "cpuset.cpus.effective") == "0-1"
    host.cella("config", "set", "c", "limits.cpu", "5")
    assert read("c", "cpuset.cpus.effective") == CPUS
    host.cella("config", "set", "c", "limits.cpu", "1-1")
    expect("c", cpuset_cpus=1)
    host.cella("config", "unset", "c", "limits.cpu")
    assert read("c", "cpuset.cpus.effective") == CPUS
    assert host.exec("c", "nproc") == "2"


def test_containers_are_spread_over_the_cpus(host):
    instance(host, "c", "limits.cpu=1")
    instance(host, "d", "limits.cpu=1")
    assert {read("c", "cpuset.cpus"), read("d", "cpuset.cpus")} == {"0", "1"}
    host.cella("config", "set", "c", "limits.cpu", "0-0")
    eventually(lambda: read("c", "cpuset.cpus") == "0" and read("d", "cpuset.cpus") == "1", 5, "d leaves c's CPU")
    host.cella("delete", "--force", "d")


def test_allowance_as_a_quota_throttles(host):
    instance(host, "c", "limits.cpu.allowance=25ms/100ms")
    expect("c", cpu_max="25000 100000", cpu_weight=100)
    used = cpus_used(host, "c")
    assert used < 0.4, used
    assert flat("c", "cpu.stat", "nr_throttled") > 5
    host.cella("config", "set", "c", "limits.cpu.allowance", "20ms/80ms")
    expect("c", cpu_max="20000 80000")
    host.cella("config", "unset", "c", "limits.cpu.allowance")
    expect("c", cpu_max="max 100000")
    used = cpus_used(host, "c")
    assert used > 0.7, used


def test_allowance_and_priority_make_the_weight(host):
    instance(host, "c", "limits.cpu.allowance=25%")
    expect("c", cpu_weight=25, cpu_max="max 100000")
    for allowance, priority, weight in (("50%", "", 50), ("", "0", 90), ("", "10", 100), ("25ms/100ms", "5", 95), ("11%", "0", 1),
                                        ("5%", "0", 1), ("", "", 100)):
        host.cella("config", "set", "c", f"limits.cpu.allowance={allowance}", f"limits.cpu.priority={priority}")
        expect("c", cpu_weight=weight)


def test_two_containers_share_a_cpu_by_weight(host):
    instance(host, "c", "limits.cpu=0-0", "limits.cpu.allowance=25%")
    instance(host, "d", "limits.cpu=0-0")
    # Counted while both run: under emulation the second starts late.
    for name in "cd":
        host.exec(name, "sh", "-c", "timeout 60 sh -c 'while :; do :; done' >/dev/null 2>&1 &")
    before = {name: flat(name, "cpu.stat", "usage_usec") for name in "cd"}
    time.sleep(4)
    used = {name: flat(name, "cpu.stat", "usage_usec") - before[name] for name in "cd"}
    host.cella("delete", "--force", "d")
    assert 0.12 < used["c"] / used["d"] < 0.5, used


def test_processes_refuse_the_fork_beyond(host):
    instance(host, "c", "limits.processes=20")
    expect("c", pids_max=20)
    done = host.cella("exec", "c", "--", "sh", "-c", "for i in $(seq 40); do sleep 5 & done; wait", check=False)
    assert "fork" in done.stderr, done.stderr
    assert flat("c", "pids.events", "max") >= 1
    host.cella("config", "set", "c", "limits.processes", "100")
    expect("c", pids_max=100)
    host.exec("c", "sh", "-c", "for i in $(seq 40); do sleep 0 & done; wait")
    host.cella("config", "unset", "c", "limits.processes")
    expect("c", pids_max="max")


def test_disk_priority_is_the_weight(host):
    instance(host, "c", "limits.disk.priority=5")
    expect("c", io_weight="default 500")
    for priority, weight in (("0", 10), ("10", 1000), ("", 100)):
        host.cella("config", "set", "c", f"limits.disk.priority={priority}")
        expect("c", io_weight=f"default {weight}")


def test_kernel_limits_are_the_rlimits_of_init_and_exec(host):
    instance(host, "c", "limits.kernel.nofile=300:400", "limits.kernel.core=0")
    assert host.exec("c", "sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c").split() == ["300", "400", "0"]
    limits = (pathlib.Path("/proc") / str(host.pid("c")) / "limits").read_text()
    assert ["300", "400"] == next(line for line in limits.split("\n") if line.startswith("Max open files")).split()[3:5], limits


def test_metrics_show_memory_and_disks(host):
    instance(host, "c", "limits.memory=64MiB")
    host.exec("c", "sh", "-c", "dd if=/dev/zero of=/root/f bs=1M count=8 && sync")
    assert allocate(host, "c", 300) == 137
    written = lambda: sum(int(word[7:]) for word in read("c", "io.stat").split() if word.startswith("wbytes="))
    before = written()
    lines = run_checked("curl", "-s", "--unix-socket", str(host.dir / "unix.socket"), "http://cella/1.0/metrics")
    values = {}
    for line in lines.split("\n"):
        if 'name="c"' in line:
            name, value = line.split("{")[0], float(line.split()[-1])
            values[name] = values.get(name, 0) + value
    assert values["lxd_memory_MemTotal_bytes"] == 64 * MIB
    assert 0 < values["lxd_memory_MemFree_bytes"] < 64 * MIB
    assert values["lxd_memory_OOM_kills_total"] >= 1
    assert "lxd_memory_Cached_bytes" in values and "lxd_memory_RSS_bytes" in values
    assert before <= values.get("lxd_disk_written_bytes_total", 0) <= written()


def test_huge_pages(host):
    instance(host, "c", "limits.hugepages.2MB=4MiB")
    expect("c", hugetlb_2MB_max=4 * MIB)
    host.cella("config", "unset", "c", "limits.hugepages.2MB")
    expect("c", hugetlb_2MB_max="max")


def test_bad_values_are_refused_and_change_nothing(host):
    instance(host, "c", "limits.memory=64MiB", "limits.cpu.allowance=50%", "limits.processes=50")
    for key, value in (("limits.memory", "banana"), ("limits.memory", "0"), ("limits.memory", "120%"), ("limits.memory.enforce", "firm"),
                       ("limits.memory.swap", "perhaps"), ("limits.cpu", "none"), ("limits.cpu", "3-1"), ("limits.cpu", "0"),
                       ("limits.cpu.allowance", "0%"), ("limits.cpu.allowance", "0ms/80ms"), ("limits.cpu.allowance", "fast"),
                       ("limits.cpu.priority", "11"), ("limits.processes", "0"), ("limits.processes", "many"),
                       ("limits.disk.priority", "-1"), ("limits.kernel.nofile", "x"), ("limits.kernel.sofa", "1")):
        host.refused("config", "set", "c", f"{key}={value}", naming=[key])
    expect("c", memory_max=64 * MIB, cpu_weight=50, pids_max=50)
    assert host.out("config", "get", "c", "limits.memory") == "64MiB"
    host.refused("init", "busybox", "e", "-c", "limits.memory=banana", naming=["limits.memory", "banana"])
    assert not any(item["name"] == "e" for item in host.json("list"))


def test_the_container_cannot_lift_its_limits(host):
    instance(host, "c", "limits.memory=64MiB")
    for file in ("memory.max", "memory.swap.max", "pids.max", "cpu.max", "cpuset.cpus", "io.max", "cgroup.freeze"):
        assert host.cella("exec", "c", "--", "sh", "-c", f"echo max > /sys/fs/cgroup/{file}", check=False).returncode != 0, file
    expect("c", memory_max=64 * MIB)


def test_state_shows_the_cgroups_numbers(host):
    instance(host, "c", "limits.memory=64MiB")
    state = host.api("GET", "/1.0/instances/c/state")[1]["metadata"]
    assert 0 < state["memory"]["usage"] <= 64 * MIB, state["memory"]
    assert 0 < state["cpu"]["usage"] <= flat("c", "cpu.stat", "usage_usec") * 1000
    assert state["processes"] == int(read("c", "pids.current")) >= 1


def test_pause_freezes_the_cgroup(host):
    instance(host)
    host.cella("pause", "c")
    assert flat("c", "cgroup.events", "frozen") == 1
    host.cella("start", "c")
    assert flat("c", "cgroup.events", "frozen") == 0


def errno_inside(name, path):
    """errno of opening a host file from a process of the host that joined the container's cgroup."""
    pid = os.fork()
    if pid == 0:
        try:
            (cgroup_root() / f"lxc.payload.{name}" / "cgroup.procs").write_text(str(os.getpid()))
            os.open(path, os.O_RDONLY)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_device_program_is_on_the_cgroup(host):
    instance(host)
    assert errno_inside("c", "/dev/null") == 0
    assert errno_inside("c", "/dev/kmsg") == errno.EPERM
    # bpf(BPF_PROG_QUERY) with attach type BPF_CGROUP_DEVICE: exactly one.
    attributes = ctypes.create_string_buffer(128)
    directory = os.open(cgroup_root() / "lxc.payload.c", os.O_RDONLY)
    struct.pack_into("=III", attributes, 0, directory, 6, 0)
    assert ctypes.CDLL(None, use_errno=True).syscall(321, 16, attributes, len(attributes)) == 0, os.strerror(ctypes.get_errno())
    os.close(directory)
    assert struct.unpack_from("=I", attributes, 24)[0] == 1


def test_limits_hold_and_change_after_the_daemon_was_killed(host):
    instance(host, "c", "limits.memory=64MiB", "limits.cpu=1")
    host.restart()
    expect("c", memory_max=64 * MIB)
    host.cella("config", "set", "c", "limits.memory", "96MiB")
    expect("c", memory_max=96 * MIB, memory_low=90595328)
    host.cella("config", "unset", "c", "limits.cpu")
    assert read("c", "cpuset.cpus.effective") == CPUS
    host.cella("config", "unset", "c", "limits.memory")
    expect("c", memory_max="max", memory_swap_max="max")


def test_a_stopped_containers_cgroup_is_gone_and_a_new_one_starts(host):
    instance(host, "c", "limits.memory=64MiB")
    for _ in range(3):
        host.cella("stop", "--force", "c")
        eventually(lambda: not (cgroup_root() / "lxc.payload.c").exists(), 5, "cgroup removed")
        host.cella("start", "c")
        expect("c", memory_max=64 * MIB)
    assert shutil.which("busybox") and host.exec("c", "echo", "up") == "up"


if __name__ == "__main__":
    run(globals())
