"""GET /1.0/metrics, its own address, and GET /1.0/resources."""
import re
import subprocess

from harness import busybox_image, has_controller, run, run_checked

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')


def fetch(host):
    return run_checked("curl", "-s", "--unix-socket", str(host.dir / "unix.socket"), "http://cella/1.0/metrics")


def parse(text):
    """{(family, labels): value}; fails on a line that no Prometheus would take."""
    assert text.endswith("# EOF\n")
    types, samples = {}, {}
    for line in text.split("\n")[:-2]:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types, f"{name} twice"
            types[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        match = LINE.match(line)
        assert match, line
        labels = dict(re.findall(r'([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        family = re.sub(r"_(bucket|sum|count)$", "", match[1])
        assert match[1] in types or family in types, f"no type for {line}"
        samples[(match[1], tuple(sorted(labels.items())))] = float(match[3])
    return samples


def of(samples, family, **labels):
    wanted = set(labels.items())
    return {key: value for key, value in samples.items() if key[0] == family and wanted <= set(key[1])}


def test_running_instances_are_counted(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    host.cella("launch", "bb", "m1")
    host.cella("init", "bb", "m2")
    host.exec("m1", "sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
    samples = parse(fetch(host))
    mine = {"name": "m1", "project": "default", "type": "container"}
    assert sum(of(samples, "lxd_cpu_seconds_total", **mine).values()) > 0.05
    assert of(samples, "lxd_cpu_seconds_total", cpu="0", mode="user", **mine)
    assert of(samples, "lxd_procs_total", **mine)
    assert of(samples, "lxd_network_receive_bytes_total", device="eth0", **mine)
    assert of(samples, "lxd_network_transmit_packets_total", device="lo", **mine)
    assert of(samples, "lxd_filesystem_size_bytes", mountpoint="/", **mine)
    assert bool(of(samples, "lxd_memory_RSS_bytes", **mine)) == has_controller("memory")
    assert not any(("name", "m2") in key[1] for key in samples), "stopped instances have no metrics"
    assert of(samples, "lxd_instances") == {("lxd_instances", (("type", "container"),)): 2.0}


def test_counters_count(host):
    before = of(parse(fetch(host)), "lxd_network_transmit_packets_total", device="lo", name="m1")
    host.exec("m1", "ping", "-c", "3", "-i", "0.1", "127.0.0.1")
    after = of(parse(fetch(host)), "lxd_network_transmit_packets_total", device="lo", name="m1")
    assert sum(after.values()) >= sum(before.values()) + 6


def test_the_daemon_tells_of_itself(host):
    samples = parse(fetch(host))
    assert of(samples, "lxd_uptime_seconds") and of(samples, "cella_daemon_resident_bytes")
    assert of(samples, "cella_launch_step_seconds_count", step="total") == {
        ("cella_launch_step_seconds_count", (("step", "total"),)): 1.0}
    buckets = of(samples, "cella_launch_step_seconds_bucket", step="total")
    assert max(buckets.values()) == 1 and len(buckets) == 11
    host.refused("config", "set", "core.metrics_address", "nowhere", naming="core.metrics_address")


def https(host, path, *extra):
    return subprocess.run(["curl", "-sk", "-w", "\n%{http_code}", *extra, f"https://127.0.0.1:9191{path}"],
                          capture_output=True, text=True).stdout.rpartition("\n")


def test_an_address_of_their_own(host):
    host.cella("config", "set", "core.metrics_address", "127.0.0.1:9191")
    assert https(host, "/1.0/metrics")[2] == "403"
    run_checked("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes", "-keyout",
                str(host.work / "m.key"), "-out", str(host.work / "m.crt"), "-days", "2", "-subj", "/CN=metrics")
    host.cella("config", "trust", "add", host.work / "m.crt", "--type", "metrics", "--name", "scraper")
    shown = ["--cert", str(host.work / "m.crt"), "--key", str(host.work / "m.key")]
    text, _, status = https(host, "/1.0/metrics", *shown)
    assert status == "200" and parse(text + "\n" if not text.endswith("\n") else text)
    assert https(host, "/1.0/instances", *shown)[2] in ("403", "404")
    host.cella("config", "set", "core.metrics_authentication", "false")
    assert https(host, "/1.0/metrics")[2] == "200"
    assert https(host, "/1.0/instances")[2] in ("403", "404")
    host.restart()
    assert https(host, "/1.0/metrics")[2] == "200"
    host.cella("config", "unset", "core.metrics_address")
    assert https(host, "/1.0/metrics")[2] == "000"
    host.cella("config", "unset", "core.metrics_authentication")


def test_resources_describe_this_host(host):
    resources = host.api("GET", "/1.0/resources")[1]["metadata"]
    assert resources["cpu"]["total"] == int(run_checked("nproc", "--all"))
    threads = [t for s in resources["cpu"]["sockets"] for c in s["cores"] for t in c["threads"]]
    assert len(threads) == resources["cpu"]["total"] and all(t["online"] for t in threads)
    assert resources["memory"]["total"] > resources["memory"]["used"] > 0
    for part in ("gpu", "network"):
        assert len(resources[part]["cards"]) == resources[part]["total"]
    for part in ("usb", "pci"):
        assert len(resources[part]["devices"]) == resources[part]["total"]
    for disk in resources["storage"]["disks"]:
        size = int(run_checked("cat", f"/sys/class/block/{disk['id']}/size")) * 512
        assert disk["size"] == size and re.fullmatch(r"\d+:\d+", disk["device"])
    env = {**host.env, "LXD_DIR": str(host.dir), "HOME": str(host.work)}
    shown = subprocess.run(["lxc", "info", "--resources"], env=env, capture_output=True, text=True,
                           stdin=subprocess.DEVNULL)
    assert shown.returncode == 0 and "CPU" in shown.stdout, shown.stderr


run(globals())
