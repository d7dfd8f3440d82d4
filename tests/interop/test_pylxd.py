"""Debian's pylxd (2.2) drives cella: everything it offers for containers on one host."""
import json
import os
import pathlib
import socket
import sys
import threading
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import METADATA, Skip, busybox_image, busybox_tree, run, run_checked

warnings.simplefilter("ignore")


def client(host):
    try:
        import pylxd
    except ImportError as error:
        raise Skip("python3-pylxd is not installed") from error
    return pylxd.Client(endpoint="http+unix://" + str(host.dir / "unix.socket").replace("/", "%2F"))


def test_images(host):
    images = client(host).images
    image = images.create(busybox_image(host.work).read_bytes(), wait=True)
    image.add_alias("bb", "a busybox")
    assert images.get_by_alias("bb").fingerprint == image.fingerprint
    with image.export() as exported:
        assert exported.read() == busybox_image(host.work).read_bytes()
    assert [item.fingerprint for item in images.all()] == [image.fingerprint]
    assert images.exists(image.fingerprint) and images.exists("bb", alias=True) and not images.exists("nope", alias=True)
    image.sync()
    image.properties["color"] = "red"
    image.public = True
    image.save(wait=True)
    again = images.get(image.fingerprint)
    assert again.properties["color"] == "red" and again.public is True
    image.add_alias("second", "another")
    image.delete_alias("second")
    assert [alias["name"] for alias in images.get(image.fingerprint).aliases] == ["bb"]


def test_split_image(host):
    tree = host.work / "split"
    busybox_tree(tree / "rootfs")
    (tree / "metadata.yaml").write_text(METADATA)
    run_checked("tar", "-C", str(tree), "-cf", str(host.work / "meta.tar"), "metadata.yaml")
    run_checked("mksquashfs", str(tree / "rootfs"), str(host.work / "root.squashfs"), "-all-root", "-quiet")
    images = client(host).images
    image = images.create((host.work / "root.squashfs").read_bytes(), (host.work / "meta.tar").read_bytes())
    assert images.get(image.fingerprint).properties["os"] == "Busybox"
    image.delete(wait=True)
    assert not images.exists(image.fingerprint)


def test_life_of_an_instance(host):
    containers = client(host).containers
    one = containers.create({"name": "py1", "source": {"type": "image", "alias": "bb"}}, wait=True)
    one.start(wait=True)
    assert one.state().status == "Running" and one.state().pid > 0
    one.config["user.x"] = "1"
    one.save(wait=True)
    one.sync()
    assert one.config["user.x"] == "1"
    one.freeze(wait=True)
    assert one.state().status == "Frozen"
    one.unfreeze(wait=True)
    assert [item.name for item in containers.all()] == ["py1"]
    assert containers.exists("py1") and not containers.exists("py2")
    one.restart(wait=True)
    assert one.state().status == "Running"
    one.sync()
    one.description = "told"
    one.save(wait=True)
    assert containers.get("py1").description == "told"


def test_rename_and_its_state_api(host):
    containers = client(host).containers
    two = containers.create({"name": "py2", "source": {"type": "none"}}, wait=True)
    two.rename("py3", wait=True)
    assert two.name == "py3" and containers.exists("py3") and not containers.exists("py2")
    two.delete(wait=True)
    state = containers.get("py1").state()
    assert state.network["eth0"]["addresses"] and state.memory is not None and state.processes > 0


def test_snapshots(host):
    one = client(host).containers.get("py1")
    one.execute(["sh", "-c", "echo before >/root/kept"])
    snapshot = one.snapshots.create("s1", wait=True)
    assert [item.name for item in one.snapshots.all()] == ["s1"] and one.snapshots.get("s1").name == "s1"
    one.execute(["sh", "-c", "echo after >/root/kept"])
    one.restore_snapshot("s1", wait=True) if hasattr(one, "restore_snapshot") else one.client.api.containers["py1"].put(
        json={"restore": "s1"})
    snapshot.rename("s2", wait=True)
    image = snapshot.publish(wait=True)
    assert client(host).images.exists(image.fingerprint)
    image.delete(wait=True)
    snapshot.delete(wait=True)
    assert one.snapshots.all() == []


def test_a_copy_and_a_publication(host):
    server = client(host)
    server.containers.get("py1").stop(wait=True)
    copy = server.containers.create({"name": "copy", "source": {"type": "copy", "source": "py1"}}, wait=True)
    image = copy.publish(wait=True)
    assert server.images.get(image.fingerprint).properties
    image.delete(wait=True)
    copy.delete(wait=True)
    server.containers.get("py1").start(wait=True)


def test_files(host):
    from pylxd.exceptions import NotFound
    files = client(host).containers.get("py1").files
    data = os.urandom(300_000)
    files.put("/root/data", data, mode=0o640, uid=1000, gid=1000)
    assert files.get("/root/data") == data
    assert host.exec("py1", "stat", "-c", "%a %u %g", "/root/data") == "640 1000 1000"
    (host.work / "tree" / "deep").mkdir(parents=True)
    (host.work / "tree" / "deep" / "leaf").write_text("leaf")
    files.recursive_put(str(host.work / "tree"), "/root/tree", mode=0o700)
    assert host.exec("py1", "cat", "/root/tree/deep/leaf") == "leaf"
    assert files.delete_available()
    files.delete("/root/data")
    try:
        files.get("/root/data")
        raise AssertionError("a deleted file was read")
    except NotFound:
        pass


def test_exec(host):
    one = client(host).containers.get("py1")
    done = one.execute(["sh", "-c", "echo out; echo err >&2; exit 5"])
    assert (done.exit_code, done.stdout, done.stderr) == (5, "out\n", "err\n"), done
    assert one.execute(["wc", "-c"], stdin_payload=b"x" * 100000).stdout.strip() == "100000"
    assert one.execute(["sh", "-c", "echo $A"], environment={"A": "b"}).stdout == "b\n"
    pieces = []
    one.execute(["sh", "-c", "seq 3"], stdout_handler=pieces.append)
    assert "".join(pieces).split() == ["1", "2", "3"], pieces
    sockets = one.raw_interactive_execute(["sh"])
    assert sockets["ws"].startswith("/1.0/operations/") and "secret=" in sockets["control"], sockets


def test_profiles_networks_and_pools(host):
    server = client(host)
    profile = server.profiles.create("pp", config={"user.a": "b"}, devices={})
    profile.description = "changed"
    profile.save()
    assert server.profiles.get("pp").description == "changed"
    profile.rename("pq")
    server.profiles.get("pq").delete()
    assert server.profiles.exists("default") and not server.profiles.exists("pq")
    assert "cellabr0" in [network.name for network in server.networks.all()]
    assert [pool.name for pool in server.storage_pools.all()] == ["default"]


def test_networks_are_made_and_changed(host):
    networks = client(host).networks
    made = networks.create("pynet0", description="one", type="bridge",
                           config={"ipv4.address": "10.211.3.1/24", "ipv4.nat": "false", "ipv6.address": "none"})
    assert made.managed and networks.exists("pynet0")
    made.config["ipv4.dhcp"] = "false"
    made.save()
    assert networks.get("pynet0").config["ipv4.dhcp"] == "false"
    made.rename("pynet1")
    networks.get("pynet1").delete()
    assert not networks.exists("pynet1")


def test_storage_pools_are_made_and_changed(host):
    pools = client(host).storage_pools
    pool = pools.create({"name": "pypool", "driver": "dir", "config": {}})
    assert pools.exists("pypool")
    pool.description = "told"
    pool.save(wait=True)
    assert pools.get("pypool").description == "told"
    assert pool.resources.get().space["total"] > 0
    pool.delete()
    assert not pools.exists("pypool")
    default = pools.get("default")
    assert "py1" in [volume.name for volume in default.volumes.all()]
    assert default.volumes.get("container", "py1").type == "container"


def test_custom_volumes(host):
    pool = client(host).storage_pools.get("default")
    volume = pool.volumes.create({"name": "pyvol", "type": "custom", "config": {}}, wait=True)
    assert pool.volumes.get("custom", "pyvol").name == "pyvol"
    volume.config["user.x"] = "1"
    volume.save(wait=True)
    assert pool.volumes.get("custom", "pyvol").config["user.x"] == "1"
    volume.rename({"name": "pyvol2", "pool": "default"})
    assert [item.name for item in pool.volumes.all() if item.type == "custom"].count("pyvol2") == 1
    pool.volumes.get("custom", "pyvol2").delete()
    assert "pyvol2" not in [item.name for item in pool.volumes.all()]


def test_certificates(host):
    run_checked("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-keyout",
                str(host.work / "key.pem"), "-out", str(host.work / "cert.pem"), "-subj", "/CN=py", "-days", "9")
    server = client(host)
    made = server.certificates.create("", (host.work / "cert.pem").read_bytes())
    assert [item.fingerprint for item in server.certificates.all()] == [made.fingerprint]
    assert server.certificates.get(made.fingerprint).type == "client"
    made.delete()
    assert server.certificates.all() == []


def test_operations(host):
    server = client(host)
    answer = server.api.containers["py1"].state.put(json={"action": "freeze"}).json()
    operation = server.operations.get(answer["operation"].split("/")[-1])
    operation.wait()
    done = server.operations.get(operation.id)
    assert done.status_code == 200 and done.description == "Freezing instance", done.status
    assert server.containers.get("py1").status == "Frozen"
    server.containers.get("py1").unfreeze(wait=True)


def test_the_server_tells_about_itself(host):
    server = client(host)
    assert server.trusted and server.has_api_extension("container_full")
    assert server.host_info["environment"]["server"] == "cella"
    assert server.api.resources.get().json()["metadata"]["cpu"]["total"] > 0


def test_events_arrive(host):
    from pylxd.client import EventType
    from ws4py.client import WebSocketBaseClient

    class Listener(WebSocketBaseClient):
        seen = []

        def handshake_ok(self):
            pass

        def received_message(self, message):
            self.seen.append(json.loads(message.data))

    server = client(host)
    events = server.events(Listener, event_types={EventType.Lifecycle})
    events.connect()
    reader = threading.Thread(target=events.run, daemon=True)
    reader.start()
    deadline = time.monotonic() + 20
    told = []
    while time.monotonic() < deadline and "instance-updated" not in [event["metadata"]["action"] for event in told]:
        one = server.containers.get("py1")
        one.config["user.tick"] = str(time.monotonic())
        one.save(wait=True)
        told = list(events.seen)
    events.sock.shutdown(socket.SHUT_RDWR)
    reader.join(20)
    assert told and all(event["type"] == "lifecycle" for event in told), told
    assert "instance-updated" in [event["metadata"]["action"] for event in told], told


def test_errors_have_the_servers_words(host):
    from pylxd.exceptions import LXDAPIException, NotFound
    server = client(host)
    for get in (server.containers.get, server.profiles.get, server.images.get_by_alias, server.networks.get,
                server.storage_pools.get):
        try:
            get("nope")
            raise AssertionError(f"{get} found what is not there")
        except NotFound:
            pass
    try:
        server.containers.create({"name": "bad_name", "source": {"type": "none"}}, wait=True)
        raise AssertionError("a bad name was taken")
    except LXDAPIException as error:
        assert "bad_name" in str(error)


def test_deletes(host):
    one = client(host).containers.get("py1")
    one.stop(force=True, wait=True)
    one.delete(wait=True)
    assert client(host).containers.all() == []


run(globals())
