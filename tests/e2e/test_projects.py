"""Projects: names of their own, limits, restrictions on every way in, restricted certificates, kill -9."""
import json
import os
import signal
import subprocess
import time

from harness import BIN, Skip, busybox_image, cgroup_root, eventually, has_controller, run, run_checked
from test_remotes import command, client, listen, token

ROOT_DISK = {"root": {"type": "disk", "path": "/", "pool": "default"}}


def image(host, project="default"):
    words = ("--project", project) if project != "default" else ()
    if host.cella(*words, "image", "info", "busybox", check=False).returncode != 0:
        host.cella(*words, "image", "import", busybox_image(host.work), "--alias", "busybox")


def make(host, name, *config, profile=True):
    """A project with a root disk in its default profile and the default project's images."""
    image(host)
    if name in [project["name"] for project in host.json("project", "list")]:
        drop(host, name)  # of a test that failed
    host.cella("project", "create", name, "-c", "features.images=false",
               *[word for each in config for word in ("-c", each)])
    if profile:
        host.cella("--project", name, "profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")


def drop(host, name):
    for instance in host.out("--project", name, "list", "-c", "n", "--format", "csv").split():
        host.cella("--project", name, "delete", "--force", instance)
    for url in json.loads(host.out("query", f"/1.0/projects/{name}"))["used_by"]:
        if url.startswith("/1.0/images/"):
            host.cella("--project", name, "image", "delete", url[len("/1.0/images/"):].split("?")[0])
    host.cella("project", "delete", name)


def wait(host, answer):
    """The operation's error of an asynchronous answer, or the answer's own."""
    status, body = answer
    if body.get("type") != "async":
        return body.get("error", "") if status >= 400 else ""
    _, done = host.api("GET", body["operation"] + "/wait?timeout=60")
    return done["metadata"]["err"]


def test_a_project_is_made_shown_and_removed(host):
    image(host)
    host.cella("project", "create", "web", "-c", "user.owner=ann")
    shown = host.out("project", "show", "web")
    for line in ("features.images: \"true\"", "features.profiles: \"true\"", "user.owner: ann",
                 "- /1.0/profiles/default?project=web"):
        assert line in shown, shown
    assert [p["name"] for p in host.json("project", "list")] == ["default", "web"]
    assert "default (current)" in host.out("project", "list", "--format", "csv")
    host.cella("project", "set", "web", "user.owner=bob")
    assert host.out("project", "get", "web", "user.owner") == "bob"
    host.cella("project", "unset", "web", "user.owner")
    assert host.out("project", "get", "web", "user.owner") == ""
    host.refused("project", "create", "web", naming="web")
    for name in ("a_b", "a/b", "", "a b", "*"):
        status, body = host.api("POST", "/1.0/projects", {"name": name})
        assert status == 400, (name, status, body)
    host.cella("project", "rename", "web", "shop")
    assert "?project=shop" in host.out("project", "show", "shop")
    host.refused("project", "delete", "default", naming="default")
    host.refused("project", "rename", "default", "x", naming="default")
    host.refused("project", "set", "default", "features.images=false", naming="default project")
    host.cella("project", "delete", "shop")
    assert host.api("GET", "/1.0/projects/shop")[0] == 404
    for path in ("/1.0/instances?project=shop", "/1.0/images?project=shop", "/1.0?project=shop"):
        assert host.api("GET", path)[0] == 404, path


def test_an_etag_guards_a_project(host):
    host.cella("project", "create", "web")
    head = run_checked("curl", "-si", "--unix-socket", str(host.dir / "unix.socket"), "http://x/1.0/projects/web")
    tag = next(line.split(": ")[1] for line in head.split("\n") if line.lower().startswith("etag"))
    def put(etag):
        return run_checked("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
                           str(host.dir / "unix.socket"), "-X", "PATCH", "-H", f"If-Match: {etag}",
                           "-d", '{"description":"x"}', "http://x/1.0/projects/web")
    assert put(tag) == "200"
    assert put(tag) == "412"
    host.cella("project", "delete", "web")


def test_names_are_each_projects_own(host):
    make(host, "web")
    host.cella("launch", "busybox", "c1")
    host.cella("--project", "web", "launch", "busybox", "c1")
    assert host.exec("c1", "hostname") == "c1"
    assert host.out("--project", "web", "exec", "c1", "--", "hostname") == "c1"
    host.cella("--project", "web", "exec", "c1", "--", "touch", "/mine")
    assert host.cella("exec", "c1", "--", "test", "-e", "/mine", check=False).returncode == 1
    assert (cgroup_root() / "lxc.payload.web_c1").is_dir() and (cgroup_root() / "lxc.payload.c1").is_dir()
    rows = sorted(host.out("list", "--all-projects", "-c", "en", "--format", "csv").split("\n"))
    assert rows == ["default,c1", "web,c1"], rows
    assert host.out("list", "-c", "n", "--format", "csv") == "c1"
    # A project's instance is not to be had by its name on the disk.
    for method, path in (("GET", "/1.0/instances/web_c1"), ("DELETE", "/1.0/instances/web_c1"),
                         ("GET", "/1.0/instances/web_c1/state"), ("PUT", "/1.0/instances/web_c1/state")):
        assert host.api(method, path, "{}" if method == "PUT" else None)[0] in (400, 404), path
    status, body = host.api("POST", "/1.0/instances/c1", {"name": "web_c2"})
    assert status == 400, body
    status, body = host.api("POST", "/1.0/instances", {"name": "x", "source": {"type": "copy", "source": "web_c1"}})
    assert status in (400, 404), body
    host.refused("project", "delete", "web", naming="Only empty projects can be removed")
    host.refused("project", "set", "web", "features.profiles=false", naming="empty")
    used = json.loads(host.out("query", "/1.0/projects/web"))["used_by"]
    assert "/1.0/instances/c1?project=web" in used, used
    drop(host, "web")
    assert host.exec("c1", "echo", "still") == "still"
    host.cella("delete", "--force", "c1")


def test_everything_of_an_instance_works_in_a_project(host):
    make(host, "web")
    p = ("--project", "web")
    host.cella(*p, "launch", "busybox", "c1")
    host.cella(*p, "file", "push", "-", "c1/root/x", input="hello")
    assert host.out(*p, "file", "pull", "c1/root/x", "-") == "hello"
    host.cella(*p, "snapshot", "c1", "s0")
    host.cella(*p, "exec", "c1", "--", "rm", "/root/x")
    host.cella(*p, "restore", "c1", "s0")
    assert host.out(*p, "exec", "c1", "--", "cat", "/root/x") == "hello"
    assert host.api("GET", "/1.0/instances/c1/snapshots?project=web")[1]["metadata"] == \
        ["/1.0/instances/c1/snapshots/s0?project=web"]
    host.cella(*p, "config", "set", "c1", "user.a=b")
    host.cella(*p, "stop", "--force", "c1")
    host.cella(*p, "rename", "c1", "c2")
    assert host.out(*p, "info", "c2")
    host.cella(*p, "copy", "c2", "c3")
    host.cella(*p, "export", "c2", host.work / "c2.tar.gz")
    host.cella(*p, "delete", "c2")
    host.cella(*p, "import", host.work / "c2.tar.gz", "c4")
    host.cella(*p, "start", "c4")
    assert host.out(*p, "exec", "c4", "--", "cat", "/root/x") == "hello"
    host.cella(*p, "restart", "--force", "c4")
    assert host.out(*p, "list", "-c", "nS", "--format", "csv").split("\n") == ["c3,1", "c4,1"]
    drop(host, "web")


def test_images_and_aliases_are_each_projects_own(host):
    image(host)
    fingerprint = host.json("image", "list")[0]["fingerprint"]
    host.cella("project", "create", "own")
    assert host.json("--project", "own", "image", "list") == []
    assert host.api("GET", f"/1.0/images/{fingerprint}?project=own")[0] == 404
    status, body = host.api("POST", "/1.0/instances?project=own",
                            {"name": "x", "source": {"type": "image", "fingerprint": fingerprint}, "devices": ROOT_DISK})
    assert status == 404, body
    image(host, "own")
    assert host.json("--project", "own", "image", "list")[0]["fingerprint"] == fingerprint
    host.cella("--project", "own", "image", "alias", "create", "other", fingerprint)
    assert "other" not in host.out("image", "alias", "list", "--format", "csv")
    host.cella("--project", "own", "profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
    host.cella("--project", "own", "launch", "busybox", "c1")
    host.restart()
    assert host.json("--project", "own", "image", "list")[0]["fingerprint"] == fingerprint
    # One project's copy goes, the other's stays whole.
    host.cella("--project", "own", "image", "delete", fingerprint)
    host.cella("image", "export", "busybox", host.work / "exported")
    assert (host.work / "exported.tar.xz").read_bytes() == busybox_image(host.work).read_bytes()
    host.cella("launch", "busybox", "c2")
    host.cella("delete", "--force", "c2")
    drop(host, "own")


def test_profiles_are_each_projects_own(host):
    make(host, "web")
    make(host, "shared", "features.profiles=false", profile=False)
    host.cella("profile", "create", "extra")
    assert [p["name"] for p in host.json("--project", "web", "profile", "list")] == ["default"]
    assert [p["name"] for p in host.json("--project", "shared", "profile", "list")] == ["default", "extra"]
    host.cella("--project", "web", "profile", "create", "extra")
    host.cella("--project", "web", "profile", "set", "extra", "user.from=web")
    host.cella("profile", "set", "extra", "user.from=default")
    for project, expected in (("web", "web"), ("shared", "default")):
        host.cella("--project", project, "init", "busybox", "c1", "-p", "default", "-p", "extra")
        found = json.loads(host.out("--project", project, "query", "/1.0/instances/c1"))
        assert found["expanded_config"]["user.from"] == expected, found
    assert json.loads(host.out("query", "/1.0/profiles/extra"))["used_by"] == ["/1.0/instances/c1?project=shared"]
    host.refused("profile", "delete", "extra", naming="in use")
    host.cella("profile", "rename", "extra", "renamed")
    found = json.loads(host.out("--project", "shared", "query", "/1.0/instances/c1"))
    assert found["profiles"] == ["default", "renamed"]
    assert json.loads(host.out("--project", "web", "query", "/1.0/instances/c1"))["profiles"] == ["default", "extra"]
    host.cella("--project", "web", "delete", "c1")
    host.cella("--project", "web", "profile", "delete", "extra")
    drop(host, "shared")
    drop(host, "web")
    host.cella("profile", "delete", "renamed")


def test_limits_are_sums_that_hold(host):
    if not has_controller("memory"):
        raise Skip("needs the memory controller in cgroup v2")
    make(host, "tight", "limits.memory=1GiB", "limits.instances=2")
    p = ("--project", "tight")
    host.refused(*p, "init", "busybox", "a", naming=["limits.memory", "a"])
    host.cella(*p, "init", "busybox", "a", "-c", "limits.memory=600MiB")
    host.refused(*p, "init", "busybox", "b", "-c", "limits.memory=600MiB", naming="limits.memory")
    host.refused(*p, "config", "set", "a", "limits.memory=2GiB", naming="limits.memory")
    host.refused(*p, "config", "unset", "a", "limits.memory", naming="limits.memory")
    host.refused(*p, "config", "set", "a", "limits.memory=50%", naming="limits.memory")
    host.refused("project", "set", "tight", "limits.memory=500MiB", naming="limits.memory")
    host.refused("project", "set", "tight", "limits.cpu=4", naming="limits.cpu")
    host.cella(*p, "init", "busybox", "b", "-c", "limits.memory=100MiB")
    host.refused(*p, "copy", "b", "c", naming="limits.instances")
    host.refused("project", "set", "tight", "limits.instances=1", naming="limits.instances")
    # Through a profile all who use it count.
    host.cella(*p, "profile", "set", "default", "limits.memory=400MiB")
    host.cella(*p, "config", "unset", "a", "limits.memory")
    host.cella(*p, "config", "unset", "b", "limits.memory")
    host.refused(*p, "profile", "set", "default", "limits.memory=600MiB", naming="limits.memory")
    state = json.loads(host.out("query", "/1.0/projects/tight/state"))["resources"]
    assert state["memory"] == {"Limit": 1 << 30, "Usage": 800 << 20}, state
    assert state["instances"] == {"Limit": 2, "Usage": 2}, state
    info = host.out("project", "info", "tight", "--format", "csv")
    assert "MEMORY,1.00GiB,800.00MiB" in info and "PROCESSES,UNLIMITED,0" in info, info
    drop(host, "tight")


def test_the_disk_is_summed_over_roots_and_volumes(host):
    made = host.cella("storage", "create", "quota", "btrfs", "size=1GiB", check=False)
    if made.returncode != 0:
        raise Skip(made.stderr.strip())
    make(host, "tight", profile=False)
    p = ("--project", "tight")
    host.cella(*p, "profile", "device", "add", "default", "root", "disk", "path=/", "pool=quota")
    host.cella("project", "set", "tight", "limits.disk=500MiB")
    host.refused(*p, "init", "busybox", "a", naming=["limits.disk", "size"])
    host.cella(*p, "profile", "device", "set", "default", "root", "size=200MiB")
    host.cella(*p, "init", "busybox", "a")
    host.refused(*p, "storage", "volume", "create", "quota", "v", naming="limits.disk")
    host.cella(*p, "storage", "volume", "create", "quota", "v", "size=200MiB")
    host.refused(*p, "storage", "volume", "create", "quota", "w", "size=200MiB", naming="limits.disk")
    host.refused(*p, "storage", "volume", "set", "quota", "v", "size=400MiB", naming="limits.disk")
    host.refused(*p, "init", "busybox", "b", naming="limits.disk")
    host.refused("project", "set", "tight", "limits.disk=300MiB", naming="limits.disk")
    host.cella(*p, "storage", "volume", "delete", "quota", "v")
    host.cella(*p, "init", "busybox", "b")
    drop(host, "tight")
    host.cella("storage", "delete", "quota")


def test_limits_hold_when_many_come_at_once(host):
    make(host, "tight", "limits.instances=3")
    begun = [subprocess.Popen([BIN / "cella", "--project", "tight", "init", "busybox", f"n{i}"], env=host.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(10)]
    assert sorted(process.wait() for process in begun) == [0] * 3 + [1] * 7
    assert len(host.json("--project", "tight", "list")) == 3
    drop(host, "tight")


# What a restricted project forbids: (configuration, devices, the key that says so).
FORBIDDEN = [
    ({"security.nesting": "true"}, {}, "restricted.containers.nesting"),
    ({"boot.host_shutdown_timeout": "5"}, {}, "restricted.containers.lowlevel"),
    ({}, {"d": {"type": "disk", "path": "/mnt", "source": "/etc"}}, "restricted.devices.disk"),
    ({}, {"d": {"type": "unix-char", "path": "/dev/fuse", "source": "/dev/fuse"}}, "restricted.devices.unix-char"),
    ({}, {"d": {"type": "nic", "nictype": "p2p"}}, "restricted.devices.nic"),
]


def ways_in(host, config, devices):
    """Every verb of the API that could give an instance of project "jail" this configuration."""
    body = {"config": config, "devices": {**ROOT_DISK, **devices}, "profiles": ["default"]}
    i = "/1.0/instances"
    image_source = {"type": "image", "alias": "busybox"}
    yield "create", lambda: host.api("POST", f"{i}?project=jail", {"name": "new", "source": image_source, **body})
    yield "create empty", lambda: host.api("POST", f"{i}?project=jail", {"name": "new", "source": {"type": "none"}, **body})
    yield "put", lambda: host.api("PUT", f"{i}/c1?project=jail", body)
    yield "patch", lambda: host.api("PATCH", f"{i}/c1?project=jail", {"config": config, "devices": devices})
    yield "profile put", lambda: host.api("PUT", "/1.0/profiles/default?project=jail",
                                          {"config": config, "devices": {**ROOT_DISK, **devices}})
    yield "profile patch", lambda: host.api("PATCH", "/1.0/profiles/default?project=jail",
                                            {"config": config, "devices": devices})
    yield "profile create", lambda: host.api("POST", "/1.0/profiles?project=jail",
                                             {"name": "bad", "config": config, "devices": devices})
    yield "copy with overrides", lambda: host.api("POST", f"{i}?project=jail",
                                                  {"name": "new", "source": {"type": "copy", "source": "c1"}, **body})
    yield "copy from outside", lambda: host.api(
        "POST", f"{i}?project=jail", {"name": "new", "source": {"type": "copy", "source": "free", "project": "default"}})
    yield "move from outside", lambda: host.api("POST", f"{i}/free", {"name": "free", "project": "jail", "migration": True})
    yield "restore", lambda: host.api("PUT", f"{i}/c1?project=jail", {"restore": "bad"})
    yield "import", lambda: import_backup(host)
    yield "project", lambda: host.api("PATCH", "/1.0/projects/open", {"config": {"restricted": "true"}})


def import_backup(host):
    text, _, status = run_checked(
        "curl", "-s", "--unix-socket", str(host.dir / "unix.socket"), "-w", "\n%{http_code}", "-X", "POST",
        "-H", "Content-Type: application/octet-stream", "-H", "X-LXD-name: new", "--data-binary",
        f"@{host.work}/free.tar.gz", "http://x/1.0/instances?project=jail").rpartition("\n")
    return int(status), json.loads(text)


def test_no_way_leads_into_a_restricted_project(host):
    make(host, "open")
    # A snapshot taken while the project was open holds what is forbidden later.
    for config, devices, key in FORBIDDEN:
        make(host, "jail", "restricted.snapshots=allow", "restricted.backups=allow")
        body = {"config": config, "devices": {**ROOT_DISK, **devices}, "profiles": ["default"]}
        for name, project in (("free", "default"), ("c1", "jail"), ("held", "open")):
            assert wait(host, host.api("POST", f"/1.0/instances?project={project}",
                                       {"name": name, "source": {"type": "none"}, **body})) == ""
        host.cella("--project", "jail", "snapshot", "c1", "bad")
        assert wait(host, host.api("PUT", "/1.0/instances/c1?project=jail",
                                   {"config": {}, "devices": ROOT_DISK, "profiles": ["default"]})) == ""
        host.cella("export", "free", host.work / "free.tar.gz")
        host.refused("project", "set", "open", "restricted=true", naming=key)
        host.cella("project", "set", "jail", "restricted=true")
        for verb, act in ways_in(host, config, devices):
            failure = wait(host, act())
            assert key in failure, (verb, key, failure)
        assert [x["name"] for x in host.json("--project", "jail", "list")] == ["c1"]
        now = json.loads(host.out("--project", "jail", "query", "/1.0/instances/c1"))
        for unwanted in config:
            assert unwanted not in now["expanded_config"], now
        assert set(now["expanded_devices"]) == {"root"}, now
        assert [x["name"] for x in host.json("--project", "jail", "profile", "list")] == ["default"]
        # The same is allowed when the project says so.
        value = "allow"
        host.cella("project", "set", "jail", f"{key}={value}")
        assert wait(host, host.api("PATCH", "/1.0/instances/c1?project=jail",
                                   {"config": config, "devices": devices})) == "", key
        host.refused("project", "unset", "jail", key, naming=key)
        host.cella("--project", "open", "delete", "held")
        host.cella("delete", "free")
        drop(host, "jail")
    drop(host, "open")


def test_a_preseed_makes_projects(host):
    image(host)
    host.cella("project", "create", "old", "-c", "limits.instances=5", "-c", "user.kept=1")
    text = """
projects:
- name: web
  description: sites
  config: {features.images: "false", limits.instances: "2"}
- name: old
  config: {limits.instances: "7"}
profiles:
- name: default
  project: web
  devices:
    root: {type: disk, path: /, pool: default}
"""
    for _ in range(2):  # another run changes nothing
        host.cella("admin", "init", "--preseed", input=text)
    host.cella("--project", "web", "init", "busybox", "c1")
    projects = {x["name"]: x for x in host.json("project", "list")}
    assert projects["web"]["description"] == "sites" and projects["web"]["config"]["limits.instances"] == "2", projects
    assert projects["old"]["config"]["limits.instances"] == "7" and projects["old"]["config"]["user.kept"] == "1"
    assert "root" not in json.loads(host.out("query", "/1.0/profiles/default?project=old"))["devices"]
    dump = host.out("admin", "init", "--dump")
    drop(host, "web")
    drop(host, "old")
    host.cella("admin", "init", "--preseed", input=dump)
    assert {x["name"]: x["config"] for x in host.json("project", "list")} == {
        name: x["config"] for name, x in projects.items()}
    host.cella("--project", "web", "init", "busybox", "c1")
    drop(host, "web")
    # What was made is gone again when a later part fails.
    bad = text + "    bad: {type: nowhere}\n"
    failed = host.cella("admin", "init", "--preseed", input=bad, check=False)
    assert failed.returncode == 1 and "web" in failed.stderr and "nowhere" in failed.stderr, failed.stderr
    assert host.api("GET", "/1.0/projects/web")[0] == 404
    drop(host, "old")


def test_disks_stay_below_the_directories_allowed(host):
    """By their text and, when they are opened, by what the links of the host's tree lead to."""
    key = "restricted.devices.disk.paths"
    host.refused("project", "create", "bad", "-c", f"{key}=srv", naming=key)
    open_to_all, secret = host.work / "shared", host.work / "secret"
    for directory in (open_to_all / "sub", secret / "sub"):
        directory.mkdir(parents=True)
    (open_to_all / "sub" / "word").write_text("shared\n")
    (secret / "sub" / "word").write_text("secret\n")
    for name, target in (("inner", "sub"), ("out", "../secret"), ("absolute", secret), ("magic", "/proc/1/root")):
        (open_to_all / name).symlink_to(target)
    make(host, "jail", "restricted=true", "restricted.devices.disk=allow", f"{key}={open_to_all}")
    jail = ("--project", "jail")
    host.cella(*jail, "launch", "busybox", "c1")
    host.cella(*jail, "init", "busybox", "c2")

    def add(instance, source):
        return host.cella(*jail, "config", "device", "add", instance, "d", "disk", f"source={source}", "path=/mnt/d",
                          check=False)

    for instance in ("c1", "c2"):
        for source in (secret, host.work, f"{open_to_all}x", f"{open_to_all}/out",
                       f"{open_to_all}/out/sub", f"{open_to_all}/out/nothing", f"{open_to_all}/absolute/sub",
                       f"{open_to_all}/magic/etc"):
            refused = add(instance, source)
            assert refused.returncode == 1 and key in refused.stderr, (source, refused.stderr)
            assert str(source) in refused.stderr, refused.stderr
        assert add(instance, f"{open_to_all}/inner").returncode == 0
    read = ("exec", "c1", "--", "cat", "/mnt/d/word")
    assert host.out(*jail, *read) == "shared"
    # The link is turned after the check: what is opened at the start decides.
    (open_to_all / "inner").unlink()
    (open_to_all / "inner").symlink_to("../secret/sub")
    assert host.out(*jail, *read) == "shared"
    host.refused(*jail, "start", "c2", naming=key)
    (open_to_all / "inner").unlink()
    (open_to_all / "inner").symlink_to("./sub")
    host.cella(*jail, "start", "c2")
    assert host.out(*jail, "exec", "c2", "--", "cat", "/mnt/d/word") == "shared"
    host.refused("project", "set", "jail", f"{key}=/srv", naming=key)
    drop(host, "jail")


def test_snapshots_and_backups_can_be_forbidden(host):
    make(host, "jail", "restricted=true")
    host.cella("--project", "jail", "init", "busybox", "c1")
    host.refused("--project", "jail", "snapshot", "c1", "s0", naming="restricted.snapshots")
    host.refused("--project", "jail", "export", "c1", host.work / "x.tar.gz", naming="restricted.backups")
    host.cella("project", "set", "jail", "restricted.snapshots=allow", "restricted.backups=allow")
    host.cella("--project", "jail", "snapshot", "c1", "s0")
    host.cella("--project", "jail", "export", "c1", host.work / "x.tar.gz")
    drop(host, "jail")


def test_keys_without_meaning_are_refused_by_name(host):
    for setting in ("features.networks=true", "features.storage.buckets=true", "restricted.networks.uplinks=x",
                    "restricted.cluster.target=allow", "no.such.key=1", "limits.memory=10%", "restricted=perhaps",
                    "limits.cpu=0-1", "restricted.devices.nic=yes"):
        host.refused("project", "create", "bad", "-c", setting, naming=setting.split("=")[0])
    assert host.api("GET", "/1.0/projects/bad")[0] == 404


def test_instances_move_and_copy_between_projects(host):
    make(host, "web")
    host.cella("init", "busybox", "c1")
    host.cella("snapshot", "c1", "s0")
    host.cella("copy", "c1", "c2", "--target-project", "web")
    assert host.out("--project", "web", "list", "-c", "nS", "--format", "csv") == "c2,1"
    assert wait(host, host.api("POST", "/1.0/instances/c1", {"name": "c1", "project": "web", "migration": True})) == ""
    assert host.out("list", "-c", "n", "--format", "csv") == ""
    assert host.out("--project", "web", "list", "-c", "nS", "--format", "csv").split("\n") == ["c1,1", "c2,1"]
    host.restart()
    host.cella("--project", "web", "start", "c1")
    host.cella("--project", "web", "restore", "c1", "s0")
    drop(host, "web")


def test_operations_and_events_are_told_in_their_project(host):
    make(host, "web")
    listeners = {}
    for name, words in (("web", ("--project", "web", "monitor")), ("default", ("monitor",)),
                        ("all", ("monitor", "--all-projects"))):
        listeners[name] = subprocess.Popen([BIN / "cella", *words, "--type=lifecycle,operation", "--format=json"],
                                           env=host.env, stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    host.cella("--project", "web", "init", "busybox", "secret")
    host.cella("init", "busybox", "plain")
    heard = {}
    for name, process in listeners.items():
        time.sleep(0.5) if name == "web" else None
        process.send_signal(signal.SIGINT)
        heard[name] = [json.loads(line) for line in process.communicate(timeout=10)[0].split("\n") if line]
    text = {name: json.dumps(events) for name, events in heard.items()}
    assert "secret" in text["web"] and "plain" not in text["web"], text["web"]
    assert "plain" in text["default"] and "secret" not in text["default"], text["default"]
    assert "plain" in text["all"] and "secret" in text["all"], text["all"]
    sources = [e["metadata"]["source"] for e in heard["web"] if e["type"] == "lifecycle"]
    assert "/1.0/instances/secret?project=web" in sources, sources
    resources = [e["metadata"]["resources"]["instances"] for e in heard["web"]
                 if e["type"] == "operation" and (e["metadata"].get("resources") or {}).get("instances")]
    assert ["/1.0/instances/secret"] in resources, resources  # as LXD 5.0 has it: clients take the last part
    assert all(e["project"] == "web" for e in heard["web"]), heard["web"]
    host.cella("delete", "plain")
    drop(host, "web")


def test_containers_of_a_project_survive_the_daemon(host):
    make(host, "web")
    host.cella("--project", "web", "launch", "busybox", "c1")
    host.cella("launch", "busybox", "c1")
    def pids():
        return {x["project"]: x["state"]["pid"] for x in host.json("list", "--all-projects")}
    before = pids()
    assert len(set(before.values())) == 2
    host.restart()
    assert pids() == before
    assert host.out("--project", "web", "exec", "c1", "--", "hostname") == "c1"
    host.kill()
    os.kill(before["web"], signal.SIGKILL)
    host.start()
    eventually(lambda: host.json("--project", "web", "list")[0]["status"] == "Stopped", 10, "web's c1 is stopped")
    assert host.instance("c1")["status"] == "Running"
    host.cella("--project", "web", "start", "c1")
    assert host.out("--project", "web", "exec", "c1", "--", "echo", "again") == "again"
    host.cella("delete", "--force", "c1")
    drop(host, "web")


def test_switch_is_remembered(host):
    make(host, "web")
    mine = client(host, "switcher")
    mine["CELLA_DIR"] = str(host.dir)
    command(mine, "project", "switch", "web")
    command(mine, "init", "busybox", "c1")
    assert command(mine, "list", "-c", "e", "--format", "csv").stdout == "web\n"
    assert "web (current)" in command(mine, "project", "list", "--format", "csv").stdout
    assert command(mine, "project", "switch", "nowhere", check=False).returncode == 1
    command(mine, "delete", "c1")
    command(mine, "project", "delete", "web")
    assert "default (current)" in command(mine, "project", "list", "--format", "csv").stdout


def test_a_restricted_certificate_sees_its_project_only(host):
    listen(host)
    make(host, "web")
    make(host, "other")
    host.cella("--project", "other", "init", "busybox", "hidden")
    me = client(host, "tenant")
    command(me, "remote", "add", "box", token(host, "tenant", "--restricted", "--projects", "web"))
    inside = ("--project", "web")
    command(me, *inside, "init", "box:busybox", "box:mine")
    assert command(me, *inside, "list", "box:", "-c", "n", "--format", "csv").stdout == "mine\n"
    listed = json.loads(command(me, "project", "list", "box:", "--format", "json").stdout)
    assert [project["name"] for project in listed] == ["web"], listed
    for words in (("--project", "other", "list", "box:"), ("list", "box:"), ("list", "box:", "--all-projects"),
                  ("--project", "other", "delete", "box:hidden"), ("project", "create", "box:x"),
                  ("project", "set", "box:web", "restricted=false"), ("project", "show", "box:other"),
                  ("project", "delete", "box:web")):
        done = command(me, *words, check=False)
        assert done.returncode == 1 and "not authorized" in done.stderr.lower(), (words, done.stderr)
    # Not by the back door of a body either.
    for body in ({"name": "x", "source": {"type": "copy", "source": "hidden", "project": "other"}},):
        done = command(me, "query", "-X", "POST", "-d", json.dumps(body), "box:/1.0/instances?project=web", check=False)
        assert done.returncode == 1 and "not authorized" in done.stderr.lower(), done.stderr
    done = command(me, "query", "-X", "POST", "-d", json.dumps({"name": "mine", "project": "other", "migration": True}),
                   "box:/1.0/instances/mine?project=web", check=False)
    assert done.returncode == 1 and "not authorized" in done.stderr.lower(), done.stderr
    # Nor with the source of a volume, which comes in a body that the handler reads itself.
    host.cella("--project", "other", "storage", "volume", "create", "default", "secrets")
    body = {"name": "stolen", "source": {"type": "copy", "pool": "default", "name": "secrets", "project": "other"}}
    done = command(me, "query", "-X", "POST", "-d", json.dumps(body),
                   "box:/1.0/storage-pools/default/volumes/custom?project=web", check=False)
    assert done.returncode == 1 and "not authorized" in done.stderr.lower(), done.stderr
    host.cella("--project", "other", "storage", "volume", "delete", "default", "secrets")
    # Nor by another spelling of the path.
    for path in ("1.0//instances/other_hidden", "1.0/%69nstances/other_hidden", "/1.0/instances/other_hidden",
                 "1.0//instances/hidden?project=other"):
        separator = "&" if "?" in path else "?"
        done = command(me, "query", f"box:/{path}{separator}project=web", check=False)
        assert done.returncode == 1 and "busybox" not in done.stdout, (path, done.stdout)
    # What its project shares with the default one it may read, not change.
    fingerprint = host.json("image", "list")[0]["fingerprint"]
    assert fingerprint in command(me, "query", "box:/1.0/images?project=web").stdout
    done = command(me, "query", "-X", "DELETE", f"box:/1.0/images/{fingerprint}?project=web", check=False)
    assert done.returncode == 1 and "not authorized" in done.stderr.lower(), done.stderr
    host.cella("--project", "other", "config", "device", "add", "hidden", "eth1", "nic", "network=cellabr0")
    host.cella("--project", "other", "start", "hidden")
    assert "hidden" in host.out("network", "list-leases", "cellabr0")
    for path in ("networks/cellabr0", "networks/cellabr0/leases", "networks?recursion=1", "storage-pools/default", "storage-pools?recursion=1",
                 "profiles?recursion=1", "images?recursion=1"):
        separator = "&" if "?" in path else "?"
        assert "hidden" not in command(me, "query", f"box:/1.0/{path}{separator}project=web").stdout, path
    assert "hidden" not in command(me, "query", "box:/1.0/operations?project=web&recursion=1").stdout
    # A project it may not use and one that is not there answer alike.
    answers = {command(me, "--project", name, "list", "box:", check=False).stderr for name in ("other", "nowhere")}
    assert len(answers) == 1, answers
    command(me, *inside, "delete", "box:mine")
    # Another project of that name is not the one it was trusted for.
    drop(host, "web")
    make(host, "web")
    done = command(me, *inside, "list", "box:", check=False)
    assert done.returncode == 1 and "not authorized" in done.stderr.lower(), done.stderr
    drop(host, "web")
    drop(host, "other")


def test_a_move_does_not_change_the_pool_in_words_only(host):
    make(host, "web", profile=False)
    host.cella("storage", "create", "second", "overlay")
    host.cella("--project", "web", "profile", "device", "add", "default", "root", "disk", "path=/", "pool=second")
    host.cella("init", "busybox", "c1")
    host.refused("move", "c1", "c1", "--target-project", "web", naming="root volume is in default")
    assert host.json("list")[0]["name"] == "c1"
    host.cella("delete", "c1")
    drop(host, "web")
    host.cella("storage", "delete", "second")


def test_who_is_trusted_is_no_business_of_the_default_project(host):
    listen(host)
    narrow = client(host, "narrow")
    command(narrow, "remote", "add", "box", token(host, "narrow", "--restricted", "--projects", "default"))
    listeners = [subprocess.Popen([BIN / "cella", "monitor", *where, "--type=lifecycle,operation", "--format=json"],
                                  env=environment, stdout=subprocess.PIPE, text=True)
                 for where, environment in (((), host.env), (("box:",), narrow))]
    time.sleep(1)
    invitation = token(host, "newcomer")
    assert "newcomer" in host.out("config", "trust", "list-tokens")
    assert "newcomer" not in command(narrow, "query", "box:/1.0/operations?recursion=1").stdout
    command(client(host, "newcomer"), "remote", "add", "box", invitation)
    time.sleep(0.5)
    for process in listeners:
        process.send_signal(signal.SIGINT)
    everything, little = [process.communicate(timeout=10)[0] for process in listeners]
    assert "newcomer" in everything and "certificate-created" in everything, everything
    assert "newcomer" not in little and "certificate-created" not in little, little


if __name__ == "__main__":
    run(globals())
