"""The same commands of the stock client against cella and against Debian's own LXD 5.0.2: equal output, equal status.

What differs on purpose stands in WANTED, with the reason. Instances go both ways as backups, with their snapshots.
"""
import json
import pathlib
import re
import shlex
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import busybox_image, run
from real_lxd import RealLxd, lxc

SERVERS = {}  # name → state directory; both are made by the first test
REAL = []

# What differs from run to run, and what only a server's name, place or host explains. Regular expressions, in order.
SUBSTITUTES = (
    (r"[^\r\n]*\r", ""),  # progress, which is overwritten
    (r"^(Transferring instance|Retrieving image|Remapping container filesystem).*\n?", ""),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\w{3} \d+, \d{4} at \d+:\d\d[ap]m", "TIME"),
    (r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d:?\d\d))?( UTC)?", "TIME"),
    (r"published with fingerprint: \w+", "published"),
    (r"00:16:3e(:[0-9a-f]{2}){3}", "MAC"),
    (r"8000\.[0-9a-f]{12}", "BRIDGE"),
    (r"fe80[0-9a-f:]+", "ADDRESS"),
    (r"veth[0-9a-z]{6,}", "VETH"),
    (r"\d+(\.\d+)?([kKMGT]i?B|B)\b", "SIZE"),
    (r"(PID|Processes|Packets \w+|CPU usage \(in seconds\)|Forward delay): \d+", r"\1: N"),
    (r"(pid|usage|usage_peak|(packets|bytes)_(sent|received)): \d+", r"\1: N"),
    # LXD maps as many ids as it finds; cella 65536 for each instance. LXD's files have the ids of the map.
    (r'"(Hostid|Maprange)":\d+', r'"\1":N'),
    (r'idmap.base: "\d+"', 'idmap.base: "N"'),
    (r"volatile.last_state.idmap: .*", "volatile.last_state.idmap"),
    (r"volatile.d2\.\w+: .*\n", ""),  # LXD keeps keys of a device that could not be added
    (r"Default (LXD|cella) ", "Default "),
    (r"(snapshots|backups): (null|\[\])", r"\1: none"),
    # Without the memory controller in cgroup v2 cella counts no memory; LXD reads cgroup v1.
    (r" *Memory( usage| \(\w+\)):.*\n", ""),
    (r" +", " "), (r"-{2,}", "-"), (r" +$", ""), (r"\n\n+", "\n"))

# Commands run on both, in this order.
SAME = """
list
list -f csv
list -f compact
list -c nsacPtbdDefFlNPSu -f csv
list -c n,user.a:USERA:3,config:image.os,devices:eth0.network -f csv
list user.a=b -c n -f csv
list u.a=b -c n -f csv
list c -c n -f csv
list status=stopped -c n -f csv
list type=container -c n -f csv
list architecture=x86_64 -c n -f csv
list -c Z
list --fast
list -f bogus
list -f yaml
info c1
info nosuch
config show c1
config show c1 --expanded
config show
config get c1 user.a
config get c1 nosuch.key
config get c1 user.nosuch
config set c1 user.b=c user.d=e
config set c1 user.b c
config set c1 bogus.key=1
config set c1 limits.memory=bogus
config set c1 boot.autostart=maybe
config unset c1 user.b
config unset c1 user.nosuch
config set c1
config set nosuch a=b
config device list c1
config device show c1
config device add c1 d1 disk source=/tmp path=/mnt
config device add c1 d1 disk source=/tmp path=/mnt
config device get c1 d1 path
config device get c1 d1 nosuch
config device get c1 nosuch path
config device set c1 d1 path=/mnt2
config device set c1 d1 bogus=1
config device unset c1 d1 readonly
config device override c1 eth0 name=eth0
config device override c1 eth0 name=eth0
config device remove c1 d1
config device remove c1 d1
config device remove c1 eth0
config device add c1 d2 nosuchtype
config device add c1 d2 disk path=/x
config device add c1 d2 nic nictype=bridged parent=nosuchbr
config device list c1
config metadata show c1
config template list c1
config trust list
config trust list -f csv
snapshot c1
snapshot c1 s1
snapshot c1 s1
snapshot c1 bad/name
config show c1/s1
config show c1/nosuch
list -c nS -f csv
rename c1/s1 c1/s2
restore c1 s2
restore c1 nosuch
delete c1/s2
delete c1/nosuch
copy c1 c2
copy c1 c2
copy c1/snap0 c3
list -c ns -f csv
config show c2
start c2
start c2
pause c2
pause c2
list -c ns -f csv
start c2
stop c2 --force
stop c2 --force
stop nosuch
restart c2 --force
rename c2 c4
rename c1 cX
move c4 c5
delete c5 c3
delete c1
delete nosuch
launch nosuch x
launch bb c1
init bb c6 -c user.x=y -p default -s default
init bb c7 -p nosuch
init bb c7 -s nosuch
init bb c7 -n nosuch
init bb bad_name
init bb c7 -c bogus=1
init bb --empty c7
init --empty c7
start c7
delete c6
delete c7
exec c1 -- echo hi
exec c1 -- nosuch
exec c1 -- sh -c "exit 3"
exec nosuch -- true
exec c1 --user 1000 -- id
exec c1 --env A=b -- sh -c "env | sort"
file push /etc/hostname c1/tmp/h
file push /etc/hostname c1/nosuch/h
file push /etc/hostname c1/newdir/h -p
file pull c1/tmp/h -
file pull c1/tmp/nosuch -
file delete c1/tmp/h
file delete c1/tmp/h
image list
image list -f csv
image list -f json
image list -f compact
image list -c lfFpdasuat -f csv
image info bb
image info nosuch
image show bb
image alias list
image alias list -f csv
image alias create a2 nosuchfp
image alias rename bb b3
image alias rename b3 bb
image alias delete nosuch
image set-property bb k v
image get-property bb k
image get-property bb nosuch
image unset-property bb k
image delete nosuch
image edit nosuch
image export nosuch
profile list
profile list -f csv
profile list -f json
profile show default
profile show nosuch
profile create p1
profile create p1
profile create bad/p
profile set p1 user.z=1
profile set p1 bogus=1
profile get p1 user.z
profile unset p1 user.z
profile unset p1 user.z
profile device add p1 root disk path=/ pool=default
profile device list p1
profile device show p1
profile device get p1 root path
profile device remove p1 root
profile device remove p1 root
profile copy p1 p2
profile copy p1 p2
profile rename p2 p3
profile rename p1 p3
profile add c1 p1
profile add c1 p1
profile add c1 nosuch
profile assign c1 default,p1
profile assign c1 nosuch
profile remove c1 p1
profile remove c1 p1
profile assign c1 default
profile delete p3
profile delete p1
profile delete default
profile delete nosuch
network list
network list -f csv
network show lxdbr0
network show nosuch
network show lo
network info lxdbr0
network info nosuch
network get lxdbr0 ipv4.address
network get lxdbr0 nosuch
network set lxdbr0 user.x=1
network set lxdbr0 bogus=1
network set lxdbr0 ipv4.address=bogus
network unset lxdbr0 user.x
network list-leases lxdbr0 -f csv
network create n2 ipv4.address=none ipv6.address=none
network create n2
network create bad/name
network create n3 -t nosuch
network create waytoolongnetworkname
network attach n2 c1 eth5
network attach n2 c1 eth5
network detach n2 c1 eth5
network detach n2 c1 eth5
network attach-profile n2 default eth7
network detach-profile n2 default eth7
network rename n2 n4
network delete n4
network delete lxdbr0
network delete nosuch
storage list -f csv
storage show default
storage show nosuch
storage info nosuch
storage get default source
storage get default nosuch
storage set default user.x 1
storage set default bogus 1
storage unset default user.x
storage create p2 dir
storage create p2 dir
storage create p3 nosuch
storage create bad/name dir
storage delete p2
storage delete default
storage delete nosuch
storage volume show default container/c1
operation show nosuch
operation delete nosuch
remote list
remote get-default
query /1.0/nosuch
query /
query /1.0/instances
query /1.0/instances/c1/snapshots
query /1.0/storage-pools/default/volumes/container
warning show nosuch
project list -f csv
project show default
project show nosuch
project create pp
project create pp
project get pp features.images
project set pp user.x=1
project set pp bogus=1
project set pp features.images=maybe
project unset pp user.x
project rename pp pq
project list -f csv
project delete pq
project delete default
project delete nosuch
storage volume create default v1
storage volume create default v1
storage volume list default -f csv
storage volume show default v1
storage volume show default nosuch
storage volume set default v1 user.x=1
storage volume get default v1 user.x
storage volume set default v1 bogus=1
storage volume snapshot default v1
storage volume snapshot default v1 s1
storage volume info default v1
storage volume rename default v1 v2
storage volume attach default v2 c1 dv /srv/v
exec c1 -- test -d /srv/v
storage volume delete default v2
storage volume detach default v2 c1
storage volume restore default v2 s1
storage volume delete default v2/s1
storage volume delete default v2
storage volume delete default v2
query -X PATCH /1.0/instances/c1 -d '{"config":{"user.patch":"1"}}' --wait
query --wait -X PUT /1.0/instances/c1/state -d '{"action":"bogus"}'
query -X POST /1.0/instances -d '{}'
query -X POST /1.0/instances -d 'junk'
query -X POST /1.0/profiles -d '{}'
query -X PUT /1.0/profiles -d '{}'
query -X DELETE /1.0
publish c1 --alias pub
stop c1 -f
publish c1 --alias pub x=y -q
image show pub
image delete pub
start c1
"""

# Differences that are meant: the command and why.
WANTED = {
    "storage volume list default -f csv": "cella keeps images unpacked in pools of plain directories too",
    "storage volume info default v1": "cella counts what a volume holds where no quota does",
}

# lxc prints these maps in the order of the day.
UNORDERED = ("image info", "info ", "network info")

# What LXD tells and cella does not, with its reason: PATH of members.
NOT_TOLD = {
    "/1.0.environment.lxc_features": "features of liblxc, which cella does not use",
    "/1.0.environment.kernel_features": "only what cella looks at is told",
    "/1.0/resources.pci.devices[].product": "names need a database of PCI numbers",
    "/1.0/resources.pci.devices[].vendor": "names need a database of PCI numbers",
    "/1.0/resources.pci.devices[].vpd": "read from the device's own memory, for network cards",
    "/1.0/resources.storage.disks[].device_id": "of disks that udev gave a name below /dev/disk/by-id",
}

SHAPES = """/1.0 /1.0/instances?recursion=1 /1.0/instances?recursion=2 /1.0/instances/c1 /1.0/instances/c1?recursion=1
/1.0/instances/c1/state /1.0/instances/c1/snapshots?recursion=1 /1.0/instances/c1/metadata
/1.0/images?recursion=1 /1.0/images/aliases?recursion=1 /1.0/profiles?recursion=1 /1.0/profiles/default
/1.0/networks?recursion=1 /1.0/networks/lxdbr0 /1.0/networks/lxdbr0/state /1.0/networks/lxdbr0/leases /1.0/networks/lo/state
/1.0/storage-pools?recursion=1 /1.0/storage-pools/default /1.0/storage-pools/default/resources
/1.0/storage-pools/default/volumes?recursion=1 /1.0/storage-pools/default/volumes/container/c1
/1.0/projects?recursion=1 /1.0/projects/default /1.0/operations?recursion=1 /1.0/cluster /1.0/resources""".split()


def normal(text):
    for pattern, replacement in SUBSTITUTES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    for directory in SERVERS.values():
        text = text.replace(str(directory), "DIR")
    return text.strip()


def on(host, server, *words, **options):
    return lxc(SERVERS[server], host.work, *words, **options)


def ok(host, server, *words, **options):
    done = on(host, server, *words, **options)
    assert done.returncode == 0, (server, words, done.stdout, done.stderr)
    return done.stdout


def test_both_servers_are_set_up_alike(host):
    REAL.append(RealLxd(host.work))
    SERVERS.update(cella=host.dir, lxd=REAL[0].dir)
    for server in SERVERS:
        ok(host, server, "storage", "create", "default", "dir")
        ok(host, server, "network", "create", "lxdbr0", "ipv4.address=none", "ipv6.address=none")
        ok(host, server, "profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
        ok(host, server, "profile", "device", "add", "default", "eth0", "nic", "network=lxdbr0", "name=eth0")
        ok(host, server, "image", "import", busybox_image(host.work), "--alias", "bb")
        ok(host, server, "launch", "bb", "c1", "-c", "user.a=b")


def outcome(line, done):
    text = normal(done.stdout)
    if line.startswith(UNORDERED):
        text = "\n".join(sorted(text.split("\n")))
    return done.returncode, text, bool(done.stderr.strip())


def test_the_same_commands_do_the_same(host):
    differing = []
    for line in filter(None, SAME.split("\n")):
        done = {server: on(host, server, *shlex.split(line)) for server in SERVERS}
        seen = {server: outcome(line, result) for server, result in done.items()}
        if (seen["cella"] != seen["lxd"]) != (line in WANTED):
            differing += [line] + [f"  {server}: {seen[server]} {done[server].stderr}" for server in SERVERS]
    assert not differing, "\n" + "\n".join(differing)


def missing(path, theirs, ours):
    """Members that LXD's value has and ours lacks, or has in another type. A null or an empty value tells no type."""
    if path in NOT_TOLD or theirs in (None, [], {}, "") or ours in (None, [], {}, ""):
        return []
    if type(theirs) is not type(ours):
        return [f"{path}: {type(theirs).__name__} in LXD, {type(ours).__name__} here"]
    if isinstance(theirs, list):
        merged = [{} if isinstance(part[0], dict) else part[0] for part in (theirs, ours)]
        if isinstance(theirs[0], dict):
            merged = [{key: value for item in part for key, value in item.items()} for part in (theirs, ours)]
        return missing(path + "[]", *merged)
    if not isinstance(theirs, dict):
        return []
    # Where keys are names, each server has its own.
    free = path.endswith(("config", "devices", "properties", "network", "disk", "resources", "operations?recursion=1"))
    found = []
    for key, value in theirs.items():
        if key in ours:
            found += missing(f"{path}.{key}", value, ours[key])
        elif not free and value is not None and f"{path}.{key}" not in NOT_TOLD:
            found.append(f"{path}.{key}: not here")
    return found


def test_answers_have_the_same_members(host):
    found = []
    for path in SHAPES:
        theirs, ours = (json.loads(ok(host, server, "query", path) or "null") for server in ("lxd", "cella"))
        found += missing(path, theirs, ours)
    assert not found, "\n" + "\n".join(found)


def moves(host, source, target):
    """An instance that has run, with a snapshot, goes as a backup to the other server, starts and is restored there."""
    file = host.work / f"from-{source}.tar.gz"
    change = "echo {} >/root/file; mkdir -p /root/dir; chown 1000:1001 /root/file /root/dir; chmod 2755 /root/dir; chmod 4750 /root/file"
    ok(host, source, "launch", "bb", "mover", "-c", "user.kept=1", "-q")
    ok(host, source, "exec", "mover", "--", "sh", "-c", change.format("one"))
    ok(host, source, "snapshot", "mover", "before")
    ok(host, source, "exec", "mover", "--", "sh", "-c", change.format("two"))
    ok(host, source, "export", "mover", file, "-q")
    ok(host, target, "import", file, "-q")
    ok(host, target, "start", "mover")
    show = ("exec", "mover", "--", "sh", "-c", "cat /root/file; stat -c '%a %u %g' /root/file /root/dir")
    assert ok(host, target, *show) == "two\n4750 1000 1001\n2755 1000 1001\n"
    assert ok(host, target, "config", "get", "mover", "user.kept") == "1\n"
    ok(host, target, "restore", "mover", "before")
    assert ok(host, target, *show).startswith("one\n4750 1000 1001\n")
    # And back again, from where it came.
    ok(host, target, "export", "mover", file, "-q")
    ok(host, source, "delete", "-f", "mover")
    ok(host, source, "import", file, "-q")
    ok(host, source, "start", "mover")
    assert ok(host, source, *show) == ok(host, target, *show)
    for server in SERVERS:
        ok(host, server, "delete", "-f", "mover")


def test_backups_of_lxd_live_on_here(host):
    moves(host, "lxd", "cella")


def test_backups_of_cella_live_on_in_lxd(host):
    moves(host, "cella", "lxd")


def test_lxd_ends(host):
    for name in on(host, "lxd", "list", "-c", "n", "-f", "csv").stdout.split():
        on(host, "lxd", "delete", "-f", name)
    REAL[0].close()


run(globals(), init=False)
