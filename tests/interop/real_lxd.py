"""Debian's own LXD 5.0 as a second server to compare with: on its own state directory, network and mounts."""
import os
import shutil
import signal
import subprocess

from harness import Skip, eventually

# A network namespace with the sysfs that belongs to it (LXD looks its bridges up there) and the cgroups kept.
PRIVATE = """set -e
mount --make-rprivate /
kept=$(mktemp -d); mount --rbind /sys/fs/cgroup "$kept"
mount -t sysfs sysfs /sys; mount --rbind "$kept" /sys/fs/cgroup; umount -l "$kept"; rmdir "$kept"
ip link set lo up
exec "$0" "$@"
"""


class RealLxd:
    """One lxd, started in the ordinary scheduling class (it cannot start containers from a real-time one)."""

    def __init__(self, folder):
        if not shutil.which("lxd") or not shutil.which("lxc"):
            raise Skip("lxd and lxc (packages lxd and lxd-client) are not installed")
        self.dir = folder / "lxd"
        self.dir.mkdir(mode=0o711)
        self.log = open(folder / "lxd.log", "wb")
        env = {**os.environ, "LXD_DIR": str(self.dir), "LXD_SOCKET": "", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(["chrt", "--other", "0", "unshare", "--mount", "--net", "sh", "-c", PRIVATE, "lxd",
                                         "--group", "root"], env=env, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True)
        eventually(lambda: lxc(self.dir, folder, "query", "/1.0").returncode == 0, 60, "lxd answers")

    def close(self):
        self.process.send_signal(signal.SIGPWR)  # stops its instances, then itself
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
        self.log.close()


def lxc(directory, home, *words, timeout=120, **options):
    """One command of the stock client against the server of a state directory."""
    env = {**os.environ, "LXD_DIR": str(directory), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    options.setdefault("stdin", subprocess.DEVNULL) if "input" not in options else None
    return subprocess.run(["lxc", *map(str, words)], env=env, capture_output=True, text=True, timeout=timeout, **options)
