"""Ansible's own LXD modules (community.general), inventory and connection plugin, all from Debian, drive cella."""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, busybox_image, run


def environment(host):
    if shutil.which("ansible-playbook") is None:
        raise Skip("ansible is not installed")
    return {**os.environ, "HOME": str(host.work), "LXD_DIR": str(host.dir), "LC_ALL": "C.UTF-8",
            "ANSIBLE_STDOUT_CALLBACK": "json", "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "ANSIBLE_SSH_ARGS": "", "ANSIBLE_HOST_KEY_CHECKING": "false"}


def play(host, tasks, inventory="localhost,", hosts="localhost", connection="local", check=True):
    """Runs tasks in one play; returns their results in order."""
    book = host.work / "playbook.json"
    book.write_text(json.dumps([{"hosts": hosts, "connection": connection, "gather_facts": False,
                                 "vars": {"ansible_python_interpreter": "/usr/bin/python3"}, "tasks": tasks}]))
    done = subprocess.run(["ansible-playbook", "-i", str(inventory), str(book)], env=environment(host), timeout=300,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
    results = [next(iter(task["hosts"].values())) for part in json.loads(done.stdout)["plays"] for task in part["tasks"]]
    if check:
        assert done.returncode == 0, json.dumps(results, indent=1) + done.stderr
    return results


def instance(host, **options):
    return {"community.general.lxd_container": {"url": f"unix:{host.dir}/unix.socket", "timeout": 30, **options}}


def profile(host, **options):
    return {"community.general.lxd_profile": {"url": f"unix:{host.dir}/unix.socket", **options}}


def project(host, **options):
    return {"community.general.lxd_project": {"url": f"unix:{host.dir}/unix.socket", **options}}


def status(host, name):
    return host.out("list", f"^{name}$", "-c", "s", "--format", "csv")


SOURCE = {"type": "image", "alias": "bb"}


def test_launches_once(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    task = instance(host, name="a1", state="started", source=SOURCE, profiles=["default"],
                    config={"user.role": "web"}, wait_for_ipv4_addresses=True)
    first, second = play(host, [task, task])
    assert first["changed"] and first["actions"] == ["create", "start"] and first["old_state"] == "absent", first
    assert first["addresses"]["eth0"] == [host.address("a1")], first
    assert not second["changed"] and second["actions"] == [], second
    assert host.out("config", "get", "a1", "user.role") == "web"


def test_every_state_is_reached_once(host):
    for state, shown in (("frozen", "FROZEN"), ("started", "RUNNING"), ("stopped", "STOPPED"), ("started", "RUNNING")):
        task = instance(host, name="a1", state=state, force_stop=True)
        # The module freezes what is frozen again, which LXD refuses as cella does.
        first, *second = play(host, [task] if state == "frozen" else [task, task])
        assert first["changed"], (state, first)
        assert not any(result["changed"] for result in second), (state, second)
        assert status(host, "a1") == shown
    before = host.pid("a1")
    restarted, = play(host, [instance(host, name="a1", state="restarted", force_stop=True)])
    assert restarted["actions"] == ["restart"] and host.pid("a1") != before


def test_changes_configuration_and_devices_once(host):
    (host.work / "shared").mkdir()
    (host.work / "shared" / "file").write_text("seen")
    task = instance(host, name="a1", state="started", config={"user.role": "db", "user.new": "1"},
                    devices={"share": {"type": "disk", "source": str(host.work / "shared"), "path": "/shared"}})
    first, second = play(host, [task, task])
    assert first["actions"] == ["apply_instance_configs"] and not second["changed"], (first, second)
    assert host.exec("a1", "cat", "/shared/file") == "seen"
    assert host.out("config", "get", "a1", "user.role") == "db"
    play(host, [instance(host, name="a1", state="started", devices={})])
    assert host.exec("a1", "ls", "-A", "/shared") == ""


def test_profiles(host):
    def named(name, **options):
        return profile(host, name=name, **options)
    create = named("macp", state="present", config={"user.p": "1"}, description="one",
                   devices={"dev": {"type": "disk", "source": "/usr/share/doc", "path": "/doc"}})
    created, again = play(host, [create, create])
    assert created["changed"] and created["actions"] == ["create"] and not again["changed"], (created, again)
    changed, merged = play(host, [named("macp", config={"user.p": "2"}),
                                  named("macp", merge_profile=True, config={"user.q": "3"})])
    assert changed["changed"] and merged["changed"]
    shown = json.loads(host.out("query", "/1.0/profiles/macp"))
    assert shown["config"]["user.q"] == "3" and shown["config"]["user.p"] == "2", shown
    renamed, gone, still_gone = play(host, [named("macp", new_name="macq"), named("macq", state="absent"),
                                            named("macq", state="absent")])
    assert renamed["actions"][0] == "rename", renamed
    assert gone["changed"] and not still_gone["changed"]


def test_projects(host):
    # The module compares with all that the server keeps, so every feature is named. (Its merge_project changes nothing.)
    features = {f"features.{name}": "true" for name in ("images", "profiles", "storage.volumes")}
    create = project(host, name="ansp", state="present", config=features, description="made")
    created, again = play(host, [create, create])
    assert created["changed"] and created["actions"] == ["create"] and not again["changed"], (created, again)
    inside = instance(host, name="b1", project="ansp", state="stopped", source={"type": "none"},
                      devices={"root": {"type": "disk", "path": "/", "pool": "default"}})
    made, same, gone = play(host, [inside, inside, instance(host, name="b1", project="ansp", state="absent")])
    assert made["changed"] and not same["changed"] and gone["changed"], (made, same, gone)
    changed, renamed, removed = play(host, [project(host, name="ansp", config={**features, "user.x": "1"}),
                                            project(host, name="ansp", new_name="ansq"),
                                            project(host, name="ansq", state="absent")])
    assert changed["changed"] and renamed["actions"][0] == "rename" and removed["changed"], (changed, renamed, removed)


def test_a_failure_is_told_with_its_reason(host):
    absent, key = play(host, [{**instance(host, name="a2", state="started", source={"type": "image", "alias": "nope"}),
                               "ignore_errors": True},
                              {**instance(host, name="a1", state="started", config={"no.such": "1"}),
                               "ignore_errors": True}])
    assert absent["failed"] and "nope" in absent["msg"], absent
    assert key["failed"] and "no.such" in key["msg"], key
    assert status(host, "a2") == ""


def test_inventory_lists_instances(host):
    source = host.work / "inventory.lxd.yml"
    source.write_text(json.dumps({"plugin": "community.general.lxd", "url": f"unix:{host.dir}/unix.socket",
                                  "state": "RUNNING", "prefered_instance_network_interface": "eth",
                                  "groupby": {"busybox": {"type": "os", "attribute": "busybox"},
                                              "web": {"type": "profile", "attribute": "default"}}}))
    done = subprocess.run(["ansible-inventory", "-i", str(source), "--list"], env=environment(host), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert listed["web"]["hosts"] == ["a1"], listed
    facts = listed["_meta"]["hostvars"]["a1"]
    assert facts["ansible_host"] == host.address("a1"), facts
    assert facts["ansible_lxd_state"] == "running" and facts["ansible_lxd_profile"] == ["default"], facts


def test_connection_plugin_runs_commands_and_moves_files(host):
    script = host.work / "inside.sh"
    script.write_text("#!/bin/sh\necho ran-as $(id -u) on $(hostname)\n")
    inventory = host.work / "hosts"
    inventory.write_text("a1\n")
    raw, ran, fetched = play(host, [{"raw": "echo one; echo two >/tmp/made"}, {"script": str(script)},
                                    {"raw": "cat /tmp/made"}],
                             inventory=inventory, hosts="a1", connection="community.general.lxd")
    assert raw["stdout_lines"] == ["one"] and "ran-as 0 on a1" in ran["stdout"], (raw, ran)
    assert fetched["stdout"].strip() == "two", fetched


def test_deletes_once(host):
    task = instance(host, name="a1", state="absent", force_stop=True)
    first, second = play(host, [task, task])
    assert first["actions"] == ["stop", "delete"] and not second["changed"], (first, second)
    assert status(host, "a1") == ""


run(globals())
