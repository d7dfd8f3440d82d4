"""Runs Python inside of a running container: containers of the tests have no Python of their own."""
import ctypes
import json
import os
import socket
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
EVERYTHING = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET


def enter(pid, kinds):
    descriptor = os.pidfd_open(pid)
    if LIBC.setns(descriptor, kinds) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(descriptor)
    if kinds & CLONE_NEWUSER:
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)


def inside(pid, work, kinds=EVERYTHING):
    """Returns what work() returns (as JSON) when it runs in the container of pid, as its root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter(pid, kinds)
            answer = {"value": work()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    answer = json.loads(text)
    if "error" in answer:
        raise AssertionError(f"inside of {pid}: {answer['error']}")
    return answer["value"]


def socket_from_inside(pid, make, kinds=EVERYTHING):
    """A socket that make() opens inside of the container, to be used here."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        try:
            enter(pid, kinds)
            made = make()
            socket.send_fds(theirs, [b"ok"], [made.fileno()])
        except BaseException as error:
            theirs.send(str(error).encode() or b"?")
        os._exit(0)
    theirs.close()
    message, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
    os.waitpid(child, 0)
    ours.close()
    if not descriptors:
        raise OSError(f"inside of {pid}: {message.decode()}")
    return socket.socket(fileno=descriptors[0])
