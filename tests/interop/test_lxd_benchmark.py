"""Debian's lxd-benchmark (lxd-tools) makes, starts, stops and deletes batches of instances on cella."""
import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, busybox_image, run

COUNT = 12


def benchmark(host, *words):
    """Runs one action; returns what it printed. It ends with 0 whatever happened, so its words are read."""
    if shutil.which("lxd-benchmark") is None:
        raise Skip("lxd-benchmark (package lxd-tools) is not installed")
    env = {**os.environ, "LXD_DIR": str(host.dir), "HOME": str(host.work), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["lxd-benchmark", *map(str, words)], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)
    told = done.stdout + done.stderr
    assert done.returncode == 0 and "Failed" not in told and "Batch processing completed" in told, told
    return told


def states(host):
    listed = [item for item in host.json("list") if re.fullmatch(r"benchmark-\d+", item["name"])]
    return sorted({item["status"] for item in listed}), len(listed)


def test_launches_a_batch(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    report = host.work / "report.csv"
    told = benchmark(host, "launch", "--count", COUNT, "--parallel", 3, "--report-file", report, "bb")
    assert "Found image in local store" in told and "Container backend: cella" in told, told
    assert states(host) == (["Running"], COUNT)
    rows = list(csv.reader(report.open()))
    assert rows[0][:2] == ["timeStamp", "elapsed"] and rows[1][2] == "launch", rows


def test_stops_and_starts_them_all(host):
    benchmark(host, "stop", "--parallel", 3)
    assert states(host) == (["Stopped"], COUNT)
    benchmark(host, "start", "--parallel", 3)
    assert states(host) == (["Running"], COUNT)


def test_a_frozen_batch_is_launched_and_deleted(host):
    benchmark(host, "delete", "--parallel", 3)
    assert states(host) == ([], 0)
    benchmark(host, "launch", "--count", 4, "--parallel", 2, "--freeze", "bb")
    assert states(host) == (["Frozen"], 4)
    benchmark(host, "delete", "--parallel", 2)
    assert states(host) == ([], 0)


def test_init_leaves_them_stopped(host):
    benchmark(host, "init", "--count", 5, "--parallel", 5, "bb")
    assert states(host) == (["Stopped"], 5)
    benchmark(host, "delete")
    assert states(host) == ([], 0)


run(globals())
