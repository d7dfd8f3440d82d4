"""./quickstart as a new user runs it, into directories of its own, and --remove after it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import BIN, DEBIAN, ROOT, footprint, leaks


def main():
    counts = {"ok": 0, "FAIL": 0}

    def expect(what, truth, text=""):
        counts["ok" if truth else "FAIL"] += 1
        print(("ok " if truth else "FAIL ") + what + ("" if truth else f": {text}"), flush=True)

    before = footprint()
    work = pathlib.Path(tempfile.mkdtemp(prefix="cella-quickstart-"))
    work.chmod(0o755)  # dnsmasq reads its files as a user without rights
    # The image is copied, because --remove deletes the cache it was given.
    shutil.copytree(DEBIAN, work / "cache/debian-12", copy_function=os.link)
    env = {**os.environ, "CELLA_DIR": str(work / "state"), "CELLA_PREFIX": str(work / "prefix"), "CELLA_IMAGE_CACHE": str(work / "cache")}
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def quickstart(*arguments):
        return subprocess.run([ROOT / "quickstart", *arguments], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=1500)
    first = quickstart()
    expect("the first run succeeds", first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:])
    expect("it shows systemd running", "\nrunning\n" in first.stdout, first.stdout[-2000:])
    expect("it shows a ping by name", "0% packet loss" in first.stdout, first.stdout[-2000:])
    expect("it lists both with addresses", first.stdout.count("RUNNING") >= 2 and "eth0" in first.stdout, first.stdout[-2000:])
    again = quickstart()
    expect("the second run is harmless", again.returncode == 0 and "\nrunning\n" in again.stdout, again.stdout[-2000:] + again.stderr[-2000:])
    removed = quickstart("--remove")
    expect("--remove succeeds", removed.returncode == 0, removed.stdout[-2000:] + removed.stderr[-2000:])
    left = leaks(before)
    keeper = subprocess.run(["pgrep", "-fx", f"cella-runtime keeper {work}/state"], capture_output=True, text=True).stdout
    expect("--remove ends the keeper", not keeper, keeper)
    expect("--remove leaves nothing", not left and not (work / "state").exists() and not (work / "prefix/bin/cella").exists(), left)
    if not counts["FAIL"]:
        shutil.rmtree(work)
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, 0 skipped")
    sys.exit(1 if counts["FAIL"] else 0)


if __name__ == "__main__":
    main()
