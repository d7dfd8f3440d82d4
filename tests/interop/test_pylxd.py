"""Debian's pylxd (2.2) drives cella: instances, exec, profiles, images, events."""
import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Skip, busybox_image, run

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


def test_exec(host):
    one = client(host).containers.get("py1")
    done = one.execute(["sh", "-c", "echo out; echo err >&2; exit 5"])
    assert (done.exit_code, done.stdout, done.stderr) == (5, "out\n", "err\n"), done
    assert one.execute(["wc", "-c"], stdin_payload=b"x" * 100000).stdout.strip() == "100000"


def test_profiles_networks_and_pools(host):
    server = client(host)
    profile = server.profiles.create("pp", config={"user.a": "b"}, devices={})
    profile.description = "changed"
    profile.save()
    assert server.profiles.get("pp").description == "changed"
    profile.rename("pq")
    server.profiles.get("pq").delete()
    assert "cellabr0" in [network.name for network in server.networks.all()]
    assert [pool.name for pool in server.storage_pools.all()] == ["default"]


def test_events_socket_opens(host):
    assert client(host).events() is not None


def test_deletes(host):
    one = client(host).containers.get("py1")
    one.stop(force=True, wait=True)
    one.delete(wait=True)
    assert client(host).containers.all() == []


run(globals())
