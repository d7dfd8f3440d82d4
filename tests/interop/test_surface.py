"""The command line as lxc's users know it: every command, alias and flag of Debian's lxc 5.0.2 is there.

Walks `lxc … --help` and compares it with `cella … --help`; what is left out stands below with its reason.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import BIN, Skip, busybox_image, eventually, run

NO_CLUSTER = "cella runs on one host"
LEFT_OUT_COMMANDS = {
    "cluster": NO_CLUSTER,
    "manpage": "packages build manual pages from --help",
    "network acl": "rules belong to the bridge; lists of rules are not offered",
    "network forward": "not offered: proxy devices forward ports",
    "network peer": "of OVN networks only",
    "network zone": "not offered: names are served by the bridge's own DNS",
}
LEFT_OUT_FLAGS = {
    "--target": NO_CLUSTER,
    "--destination-target": NO_CLUSTER,
    "remote add --domain": "candid authentication",
    "image copy --vm": "images of virtual machines",
    "image export --vm": "images of virtual machines",
    "image info --vm": "images of virtual machines",
    "image show --vm": "images of virtual machines",
}


def parts(text):
    """(commands, {flag: letter}, aliases) of a help text."""
    section, commands, flags, aliases = "", [], {}, set()
    for line in text.split("\n"):
        if heading := re.match(r"^(\S.*):$", line):
            section = heading[1].lower()
        elif section in ("available commands", "commands"):
            commands += re.findall(r"^  (\S+)\s", line)
        elif section in ("flags", "global flags"):
            flags.update({name: letter for letter, name in re.findall(r"^\s+(?:-(\w), )?--([\w-]+)", line)})
        elif section == "aliases":
            aliases |= {word.strip() for word in line.split(",") if word.strip()}
    return commands, flags, aliases


def help_of(host, program, path):
    if shutil.which("lxc") is None:
        raise Skip("lxc (package lxd-client) is not installed")
    command = [program, *path, "--help"] + (["--all"] if not path else [])
    return subprocess.run(command, env={**os.environ, "HOME": str(host.work), "LXD_DIR": str(host.dir)}, capture_output=True,
                          text=True, stdin=subprocess.DEVNULL).stdout


def differences(host, path=()):
    theirs, flags, aliases = parts(help_of(host, "lxc", path))
    text = help_of(host, BIN / "cella", path)
    ours = parts(text)
    name = " ".join(path)
    for flag, letter in flags.items():
        if f"--{flag}" in LEFT_OUT_FLAGS or f"{name} --{flag}" in LEFT_OUT_FLAGS:
            continue
        if ours[1].get(flag) != letter:
            yield f"{name} --{flag}: " + ("missing" if flag not in ours[1] else f"-{letter} is -{ours[1][flag]}")
    if aliases - ours[2] - {path[-1] if path else ""}:
        yield f"{name}: aliases {aliases - ours[2]}"
    for command in theirs:
        below = f"{name} {command}".strip()
        if below in LEFT_OUT_COMMANDS:
            continue
        if command not in ours[0]:
            yield f"{below}: missing"
        elif command != "help":
            yield from differences(host, (*path, command))


def test_every_command_and_flag_of_lxc_is_here(host):
    found = list(differences(host))
    assert not found, "\n" + "\n".join(found)


def test_global_flags(host):
    for flags in (["--debug"], ["--force-local"], ["--project", "default"], ["-q"], ["--quiet"], ["-v"], ["--verbose"]):
        host.cella("list", *flags)
    assert host.out("--version") == host.out("version").split("\n")[0].split(": ")[1]
    assert "device add" in host.out("config", "--help", "--sub-commands")
    assert host.out("help", "config", "device") == host.out("config", "device", "--help")
    host.refused("help", "nope", naming="nope")


def own_environment(host):
    return {**host.env, "CELLA_CONF": str(host.work / "conf"), "PATH": f"{BIN}:{os.environ['PATH']}"}


def own(host, *words, status=0):
    done = subprocess.run([BIN / "cella", *words], env=own_environment(host), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == status, (words, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def test_aliases(host):
    host.cella("image", "import", busybox_image(host.work), "--alias", "bb")
    host.cella("launch", "bb", "s1")
    own(host, "alias", "add", "ll", "list -c ns -f csv")
    assert own(host, "ll") == "s1,RUNNING\n" and own(host, "ll", "nosuch") == "" and own(host, "-q", "ll") == "s1,RUNNING\n"
    own(host, "alias", "add", "in", 'exec @ARG1@ -- sh -c "echo $0 $1" @ARGS@')
    assert own(host, "in", "s1", "two") == "s1 two\n"
    own(host, "alias", "add", "list", "list -f compact")
    assert "+" not in own(host, "list")
    assert own(host, "alias", "list", "-f", "json") == json.dumps(
        {"in": 'exec @ARG1@ -- sh -c "echo $0 $1" @ARGS@', "list": "list -f compact", "ll": "list -c ns -f csv"},
        separators=(",", ":")) + "\n"
    assert "already exists" in own(host, "alias", "add", "ll", "x", status=1)
    own(host, "alias", "rename", "ll", "lk")
    assert "doesn't exist" in own(host, "alias", "rm", "ll", status=1)
    for name in ("in", "list", "lk"):
        own(host, "alias", "remove", name)
    assert own(host, "alias", "list", "-f", "csv") == ""
    own(host, "alias", "add", "hello", "/bin/echo hello")
    assert own(host, "hello", "you") == "hello you\n"


def test_list_columns_and_filters(host):
    host.cella("config", "set", "s1", "user.note=longer")
    for letter in "46abcdDefFlmMnNpPsStuL":
        assert host.out("list", "-c", letter).startswith("+"), letter
    assert host.out("list", "-c", "n,user.note:N:4,devices:eth0.name:DEV,config:image.os", "-f", "csv") == "s1,long,eth0,Busybox"
    assert " N " in host.out("list", "-c", "user.note:N:-1").split("\n")[1]
    for words in (["s"], ["^s1$"], ["user.note=longer"], ["u.note=long.*"], ["type=container", "status=running"],
                  ["status=stopped,running"], [f"ipv4={host.address('s1')}"], ["architecture=x86_64"], ["local:"], ["local:s1"]):
        assert host.out("list", *words, "-c", "n", "-f", "csv") == "s1", words
    for words in (["x"], ["user.note=nope"], ["status=frozen"], ["ipv4=192.0.2.0/24"]):
        assert host.out("list", *words, "-c", "n", "-f", "csv") == "", words
    assert host.out("list", "--fast", "-f", "csv").startswith("s1,RUNNING,x86_64,")
    host.refused("list", "-c", "nZ", naming="Z")
    host.refused("list", "-c", "n", "--fast", naming="--fast")
    host.refused("list", "-f", "bogus", naming="bogus")


def test_lists_in_every_format(host):
    import yaml
    host.cella("snapshot", "s1", "snap")
    for words in (["list"], ["image", "list"], ["image", "alias", "list"], ["profile", "list"], ["network", "list"],
                  ["network", "list-leases", "cellabr0"], ["storage", "list"], ["storage", "volume", "list", "default"],
                  ["operation", "list"], ["remote", "list"], ["config", "trust", "list"], ["alias", "list"]):
        for form in ("table", "compact", "csv", "json", "yaml"):
            text = host.out(*words, "--format", form)
            if form == "json":
                assert json.loads(text) is not None, words
            if form == "yaml":
                yaml.safe_load(text)


def completed(host, *words):
    return own(host, "__complete", *words).split("\n")[:-1]


def test_completion(host):
    own(host, "remote", "add", "spare", f"unix://{host.dir}/unix.socket")
    own(host, "alias", "add", "zzz", "list")
    assert "s1" in completed(host, "exec", "s") and "spare:" in completed(host, "exec", "s")
    assert completed(host, "start", "spare:") == ["spare:s1"]
    assert completed(host, "delete", "s1/") == ["s1/snap"]
    assert completed(host, "launch", "b") == ["bb"] and completed(host, "profile", "show", "d") == ["default"]
    assert completed(host, "network", "show", "c") == ["cellabr0"] and completed(host, "storage", "info", "d") == ["default"]
    assert completed(host, "zz") == ["zzz"] and completed(host, "config", "device", "ad") == ["add"]
    assert completed(host, "list", "--project", "d") == ["default"]


def test_completion_in_bash(host):
    script = f"""
source /usr/share/bash-completion/bash_completion
source <(cella completion bash)
COMP_WORDS=(cella start s) COMP_CWORD=2 COMP_LINE="cella start s" COMP_POINT=13
_cella
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], env=own_environment(host), capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["s1", "spare:"], done


def test_completion_in_zsh(host):
    if shutil.which("zsh") is None:
        raise Skip("zsh is not installed")
    script = """
compadd() { [[ $1 == -S ]] && shift 2; shift; print -l -- "$@" }
compdef() { : }
source <(cella completion zsh)
words=(cella start s) CURRENT=3
_cella
"""
    done = subprocess.run(["zsh", "-f", "-c", script], env=own_environment(host), capture_output=True, text=True, timeout=60)
    assert sorted(done.stdout.split()) == ["s1", "spare:"], done


def test_file_mount(host):
    if shutil.which("sshfs") is None:
        raise Skip("sshfs is not installed")
    if not os.path.exists("/dev/fuse"):
        raise Skip("no /dev/fuse")
    target = host.work / "mounted"
    target.mkdir()
    host.exec("s1", "sh", "-c", "mkdir -p /root/d && echo inside >/root/d/file")
    host.refused("file", "mount", "s1/root", naming="directory to mount on")
    host.refused("file", "mount", "s1/root", host.work / "nope", naming="nope")
    mounting = subprocess.Popen([BIN / "cella", "file", "mount", "s1/root", target], env=host.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        eventually((target / "d" / "file").exists, 20, "the file is seen through the mount")
        assert (target / "d" / "file").read_text() == "inside\n"
        (target / "d" / "back").write_text("outside")
        assert host.exec("s1", "cat", "/root/d/back") == "outside"
    finally:
        mounting.send_signal(signal.SIGINT)
        told, errors = mounting.communicate(timeout=30)
    assert mounting.returncode == 0 and "sshfs has stopped" in told, (mounting.returncode, told, errors)
    assert not (target / "d").exists()


run(globals())
