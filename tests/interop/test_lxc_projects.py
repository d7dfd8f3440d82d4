"""The stock `lxc` works with projects as its users expect: create, switch, launch, copy and move between them, limits."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, busybox_image, has_controller, run
from test_lxc import lxc, out


def prepare(host, project):
    if "bb" not in out(host, "image", "alias", "list", "--format", "csv"):
        lxc(host, "image", "import", busybox_image(host.work), "--alias", "bb")
    if project not in out(host, "project", "list", "--format", "csv"):
        lxc(host, "project", "create", project, "-c", "features.images=false")
        lxc(host, "--project", project, "profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")


def drop(host, project):
    for name in out(host, "--project", project, "list", "-c", "n", "--format", "csv").split():
        lxc(host, "--project", project, "delete", "--force", name)
    lxc(host, "project", "delete", project)


def test_creates_shows_and_edits(host):
    lxc(host, "project", "create", "web", "-c", "user.a=b")
    listed = out(host, "project", "list", "--format", "csv").split("\n")
    assert listed[1].startswith("web,YES,YES,YES,NO,") and listed[1].endswith(",1"), listed
    assert listed[0].startswith("default (current),YES,YES,YES,YES,"), listed
    lxc(host, "project", "set", "web", "limits.instances", "3")
    assert out(host, "project", "get", "web", "limits.instances") == "3"
    lxc(host, "project", "unset", "web", "limits.instances")
    shown = out(host, "project", "show", "web")
    assert "name: web" in shown and "user.a: b" in shown
    lxc(host, "project", "edit", "web", input=shown.replace("user.a: b", "user.a: c"))
    assert out(host, "project", "get", "web", "user.a") == "c"
    lxc(host, "project", "rename", "web", "shop")
    info = out(host, "project", "info", "shop", "--format", "csv")
    assert "INSTANCES,UNLIMITED,0" in info and "MEMORY,UNLIMITED,0B" in info, info
    assert "Only empty" not in lxc(host, "project", "delete", "shop").stderr
    assert "not found" in lxc(host, "project", "show", "shop", status=1).stderr.lower()
    assert "not found" in lxc(host, "--project", "shop", "list", status=1).stderr.lower()


def test_launches_and_execs_in_a_project(host):
    prepare(host, "web")
    lxc(host, "--project", "web", "launch", "bb", "c1")
    lxc(host, "launch", "bb", "c1")
    assert out(host, "--project", "web", "exec", "c1", "--", "hostname") == "c1"
    assert out(host, "--project", "web", "list", "-c", "ens", "--format", "csv") == "web,c1,RUNNING"
    everywhere = out(host, "list", "--all-projects", "-c", "en", "--format", "csv").split("\n")
    assert sorted(everywhere) == ["default,c1", "web,c1"]
    lxc(host, "--project", "web", "file", "push", "/etc/hostname", "c1/root/h")
    lxc(host, "--project", "web", "snapshot", "c1", "s0")
    lxc(host, "--project", "web", "restore", "c1", "s0")
    assert "s0" in out(host, "--project", "web", "info", "c1")
    lxc(host, "--project", "web", "stop", "--force", "c1")
    lxc(host, "--project", "web", "export", "c1", host.work / "web-c1.tar.gz")
    lxc(host, "--project", "web", "import", host.work / "web-c1.tar.gz", "c9")
    assert "Only empty projects can be removed" in lxc(host, "project", "delete", "web", status=1).stderr
    lxc(host, "delete", "--force", "c1")
    drop(host, "web")


def test_switch_changes_where_commands_work(host):
    prepare(host, "web")
    lxc(host, "project", "switch", "web")
    try:
        name = out(host, "init", "bb").split(": ")[-1].strip()
        assert name in out(host, "list", "-c", "n", "--format", "csv").split("\n"), name
        assert "web (current)" in out(host, "project", "list", "--format", "csv")
        lxc(host, "delete", name)
    finally:
        lxc(host, "project", "switch", "default")
    drop(host, "web")


def test_copies_and_moves_between_projects(host):
    prepare(host, "web")
    lxc(host, "init", "bb", "c1")
    lxc(host, "snapshot", "c1", "s0")
    lxc(host, "copy", "c1", "c2", "--target-project", "web")
    assert out(host, "--project", "web", "list", "-c", "nS", "--format", "csv") == "c2,1"
    lxc(host, "move", "c1", "--target-project", "web")
    assert out(host, "--project", "web", "list", "-c", "nS", "--format", "csv").split("\n") == ["c1,1", "c2,1"]
    assert out(host, "list", "-c", "n", "--format", "csv") == ""
    lxc(host, "--project", "web", "start", "c1")
    lxc(host, "profile", "create", "extra")
    lxc(host, "profile", "copy", "extra", "extra", "--target-project", "web")
    assert "extra" in out(host, "--project", "web", "profile", "list", "--format", "csv")
    lxc(host, "profile", "delete", "extra")
    lxc(host, "--project", "web", "profile", "delete", "extra")
    drop(host, "web")


def test_images_of_a_project(host):
    prepare(host, "web")
    lxc(host, "project", "create", "own")
    assert out(host, "--project", "own", "image", "list", "--format", "csv") == ""
    lxc(host, "--project", "own", "image", "import", busybox_image(host.work), "--alias", "bb")
    fingerprint = json.loads(out(host, "--project", "own", "image", "list", "--format", "json"))[0]["fingerprint"]
    lxc(host, "--project", "own", "image", "delete", "bb")
    assert fingerprint in out(host, "image", "info", "bb")
    drop(host, "own")
    drop(host, "web")


def test_restrictions_and_counts(host):
    prepare(host, "web")
    lxc(host, "project", "set", "web", "restricted=true", "limits.instances=1")
    p = ("--project", "web")
    lxc(host, *p, "init", "bb", "c1")
    assert "limits.instances" in lxc(host, *p, "init", "bb", "c2", status=1).stderr
    for words in (("config", "set", "c1", "security.nesting=true"),
                  ("config", "device", "add", "c1", "d", "disk", "source=/etc", "path=/mnt"),
                  ("profile", "set", "default", "security.nesting=true"),
                  ("snapshot", "c1"), ("export", "c1", str(host.work / "no.tar.gz"))):
        assert "restricted." in lxc(host, *p, *words, status=1).stderr, words
    lxc(host, "project", "set", "web", "restricted.containers.nesting=allow")
    lxc(host, *p, "config", "set", "c1", "security.nesting=true")
    drop(host, "web")


def test_memory_is_summed(host):
    if not has_controller("memory"):
        raise Skip("needs the memory controller in cgroup v2")
    prepare(host, "web")
    lxc(host, "project", "set", "web", "limits.memory", "1GiB")
    assert "limits.memory" in lxc(host, "--project", "web", "init", "bb", "c1", status=1).stderr
    lxc(host, "--project", "web", "init", "bb", "c1", "-c", "limits.memory=700MiB")
    assert "limits.memory" in lxc(host, "--project", "web", "init", "bb", "c2", "-c", "limits.memory=700MiB", status=1).stderr
    assert "MEMORY,1.00GiB,700.00MiB" in out(host, "project", "info", "web", "--format", "csv")
    drop(host, "web")


if __name__ == "__main__":
    run(globals())
