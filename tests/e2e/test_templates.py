"""Image templates: rendered at create and start through the confined worker; metadata and templates edited."""
import pathlib
import shutil
import subprocess

from harness import METADATA, Skip, busybox_tree, run, run_checked

TEMPLATES = """templates:
  /etc/hostname:
    when: [create, copy]
    template: hostname.tpl
  /etc/deep/new/file:
    when: [create]
    template: deep.tpl
    properties:
      key: value
  /var/lib/cloud/seed/user-data:
    when: [create, copy]
    template: seed.tpl
    properties:
      default: nothing
  /etc/starts:
    when: [start]
    template: starts.tpl
  /etc/kept:
    when: [create]
    create_only: true
    template: hostname.tpl
  /escape/file:
    when: [start]
    template: hostname.tpl
"""


def templated_image(host):
    tree = host.work / "templated"
    busybox_tree(tree / "rootfs")
    (tree / "rootfs/etc/kept").write_text("mine")
    (tree / "rootfs/etc/hostname").write_text("old")
    (tree / "rootfs/etc/hostname").chmod(0o600)
    (tree / "rootfs/escape").symlink_to("../../../../../../../../tmp")
    (tree / "templates").mkdir()
    (tree / "templates/hostname.tpl").write_text("{{ container.name }}\n")
    (tree / "templates/deep.tpl").write_text(
        "{{ trigger }} {{ path }} {{ properties.key }} {{ instance.type }} {{ config_get('user.x', 'none') }}")
    (tree / "templates/seed.tpl").write_text("{{ config_get('cloud-init.user-data', properties.default) }}")
    (tree / "templates/starts.tpl").write_text("{% if config_get('user.x', '') == 'on' %}on{% else %}off{% endif %}")
    (tree / "metadata.yaml").write_text(METADATA + TEMPLATES)
    target = host.work / "templated.tar"
    run_checked("tar", "-C", str(tree), "--numeric-owner", "--owner=0", "--group=0", "-cf", str(target),
                "metadata.yaml", "templates", "rootfs")
    return target


def text(host, path):
    return host.cella("file", "pull", f"t1/{path}", "-").stdout


def test_rendered_at_first_start(host):
    host.cella("image", "import", templated_image(host), "--alias", "templated")
    host.cella("init", "templated", "t1", "-c", "cloud-init.user-data=#cloud-config")
    assert host.out("config", "get", "t1", "volatile.apply_template") == "create"
    assert text(host, "etc/hostname") == "old"
    host.cella("start", "t1")
    assert text(host, "etc/hostname") == "t1\n"
    assert host.out("exec", "t1", "--", "stat", "-c", "%a %u", "/etc/hostname") == "600 0"
    assert text(host, "etc/deep/new/file") == "create /etc/deep/new/file value container none"
    assert host.out("exec", "t1", "--", "stat", "-c", "%a %u", "/etc/deep/new/file") == "644 0"
    assert text(host, "etc/kept") == "mine"
    assert text(host, "var/lib/cloud/seed/user-data") == "#cloud-config"
    assert text(host, "etc/starts") == "off"
    assert host.out("config", "get", "t1", "volatile.apply_template") == ""
    assert text(host, "tmp/file") == "t1\n"
    assert not pathlib.Path("/tmp/file").exists(), "a template was written outside of the root"


def test_start_templates_follow_the_configuration(host):
    host.cella("config", "set", "t1", "user.x", "on")
    host.cella("exec", "t1", "--", "sh", "-c", "echo changed >/etc/hostname")
    host.cella("restart", "t1", "--force")
    assert text(host, "etc/starts") == "on"
    assert text(host, "etc/hostname") == "changed\n"


def test_metadata_and_templates_are_edited(host):
    shown = host.out("config", "metadata", "show", "t1")
    assert "creation_date: 1700000000" in shown and "/etc/starts:" in shown, shown
    assert host.out("config", "template", "list", "t1", "--format", "csv").split() == [
        "deep.tpl", "hostname.tpl", "seed.tpl", "starts.tpl"]
    host.cella("config", "template", "create", "t1", "new.tpl", input="new {{ instance.name }}")
    assert host.out("config", "template", "show", "t1", "new.tpl") == "new {{ instance.name }}"
    status, answer = host.api("GET", "/1.0/instances/t1/metadata")
    metadata = answer["metadata"]
    assert metadata["templates"]["/etc/deep/new/file"] == {
        "when": ["create"], "create_only": False, "template": "deep.tpl", "properties": {"key": "value"}}, metadata
    metadata["templates"]["/etc/new"] = {"when": ["start"], "create_only": False, "template": "new.tpl", "properties": {}}
    assert host.api("PUT", "/1.0/instances/t1/metadata", metadata)[0] == 200
    assert host.api("GET", "/1.0/instances/t1/metadata")[1]["metadata"] == metadata
    host.cella("restart", "t1", "--force")
    assert text(host, "etc/new") == "new t1"
    metadata["templates"]["/../x"] = metadata["templates"]["/etc/new"]
    assert host.api("PUT", "/1.0/instances/t1/metadata", {**metadata, "templates": {
        "/etc/x": {"when": ["start"], "template": "../metadata.yaml"}}})[0] == 400
    for name in ("..", "../metadata.yaml", "a/b", ""):
        status = host.api("POST", f"/1.0/instances/t1/metadata/templates?path={name}", "{}")[0]
        assert status == 400, (name, status)
    host.cella("config", "template", "delete", "t1", "new.tpl")
    host.cella("stop", "t1", "--force")
    host.refused("start", "t1", naming="/etc/new")
    assert host.api("PUT", "/1.0/instances/t1/metadata", {**metadata, "templates": {}})[0] == 200
    host.cella("start", "t1")


def test_broken_template_is_named(host):
    host.cella("stop", "t1", "--force")
    host.cella("config", "template", "create", "t1", "bad.tpl", input="{% include '/etc/shadow' %}")
    status, answer = host.api("PATCH", "/1.0/instances/t1/metadata", {"templates": {
        "/etc/bad": {"when": ["start"], "create_only": False, "template": "bad.tpl", "properties": {}}}})
    assert status == 200, answer
    host.refused("start", "t1", naming="bad.tpl")
    host.cella("delete", "t1")


def test_stock_client(host):
    if not shutil.which("lxc"):
        raise Skip("no stock lxc client")
    host.cella("init", "templated", "t2")
    import os
    env = {**os.environ, "LXD_DIR": str(host.dir), "LXD_CONF": str(host.work / "lxc")}

    def lxc(*arguments, **options):
        return subprocess.run(["lxc", *arguments], env=env, check=True, capture_output=True, text=True, **options).stdout
    assert "hostname.tpl" in lxc("config", "template", "list", "t2")
    lxc("config", "template", "create", "t2", "mine.tpl", input="hello")
    assert lxc("config", "template", "show", "t2", "mine.tpl").rstrip("\n") in ("hello", "")
    assert "architecture: x86_64" in lxc("config", "metadata", "show", "t2")
    lxc("config", "template", "delete", "t2", "mine.tpl")
    host.cella("delete", "t2")


if __name__ == "__main__":
    run(globals())
