"""What somebody tries who wants more than their lesson. Sent into a trainee's kernel, or run in the same sandbox.

Reads TARGETS (a dict) and prints one JSON object: attempt -> "succeeded", or how it was denied. Standard library only.
"""

# Written for any Python and pasted into a notebook: plain functions of os.
# ruff: noqa

import ctypes
import glob
import json
import os
import signal
import socket
import sys

if "TARGETS" not in globals():
    TARGETS = json.loads(sys.argv[1])

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def in_child(do):
    """Try what would change this process in another one."""
    child = os.fork()
    if child == 0:
        try:
            do()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if os.waitpid(child, 0)[1] != 0:
        raise PermissionError("denied in a child process")


def read(path):
    with open(path, "rb") as file:
        return file.read(1)


def read_any(pattern):
    """Read one file that a pattern finds, wherever it may lie."""
    found = glob.glob(pattern, recursive=True)
    if not found:
        raise FileNotFoundError("nothing there")
    return read(found[0])


def see_processes():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if TARGETS["mark"].encode() in open(path, "rb").read():
                return
        except OSError:
            continue
    raise ProcessLookupError("no such process in sight")


def connect(port):
    socket.create_connection(("127.0.0.1", port), 3).close()


def see_a_network_card():
    if {name for _, name in socket.if_nameindex()} <= {"lo"}:
        raise OSError("only the loopback")


def create(path):
    with open(path, "x"):
        pass
    os.unlink(path)


def trace(pid):
    checked(libc.ptrace(16, pid, None, None))
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, None, None)


def read_memory(pid):
    with open(f"/proc/{pid}/mem", "rb"):
        pass


def take_memory():
    taken = bytearray(TARGETS["memory_mb"] << 20)
    del taken


def grow_one_file(folder):
    path = os.path.join(folder, "attack.bin")
    try:
        with open(path, "wb") as file:
            file.seek((TARGETS["file_mb"] + 1) << 20)
            file.write(b"x")
    finally:
        if os.path.exists(path):
            os.unlink(path)


def fill(folder, megabytes):
    names = []
    try:
        for number in range(megabytes // 16 + 1):
            names.append(os.path.join(folder, f"attack-{number}.bin"))
            with open(names[-1], "wb") as file:
                file.write(bytes(16 << 20))
    finally:
        for name in names:
            if os.path.exists(name):
                os.unlink(name)


def multiply():
    """As many processes as somebody would need to stop the machine; all are ended again."""
    children = []
    try:
        while len(children) < TARGETS["processes"]:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def new_user_namespace():
    in_child(lambda: checked(libc.unshare(0x10000000)))


ATTEMPTS = {
    "read a neighbour's home": lambda: read(TARGETS["neighbour_file"]),
    "list the homes": lambda: read_any(TARGETS["homes"] + "/*/*"),
    "read the hub's database": lambda: read(TARGETS["state"] + "/jupyterhub.sqlite"),
    "read the roster": lambda: read(TARGETS["state"] + "/roster.toml"),
    "read the cookie secret": lambda: read(TARGETS["state"] + "/cookie_secret"),
    "read the hub's log": lambda: read_any(TARGETS["log"] + "/*"),
    "read the hub's environment": lambda: read(f"/proc/{TARGETS['hub_pid']}/environ"),
    "read the hub's code": lambda: read(TARGETS["project"] + "/hub_config/spawner.py"),
    "read the answers of a course": lambda: read_any(TARGETS["built"] + "/*/solution/*"),
    "read the checks of a course": lambda: read_any(TARGETS["project"] + "/courses/*/checks.py"),
    "read another release": lambda: read_any(TARGETS["lake"] + "/teaching/*/other*"),
    "read silver": lambda: read_any(TARGETS["lake"] + "/silver/**/*.parquet"),
    "read gold": lambda: read_any(TARGETS["lake"] + "/gold/**/*.parquet"),
    "write into the release": lambda: create(TARGETS["release"] + "/attack"),
    "change a program": lambda: open(os.__file__, "ab").close(),
    "see a process of the hub": see_processes,
    "reach another service of the machine": lambda: connect(TARGETS["port"]),
    "see a network card": see_a_network_card,
    "trace a neighbour": lambda: trace(TARGETS["neighbour"]),
    "read a neighbour's memory": lambda: read_memory(TARGETS["neighbour"]),
    "read where a neighbour keeps things": lambda: read(f"/proc/{TARGETS['neighbour']}/maps"),
    "be root in a name space": new_user_namespace,
    "take much memory": take_memory,
    "grow a file without end": lambda: grow_one_file(os.path.expanduser("~")),
    "fill /tmp": lambda: fill("/tmp", TARGETS["file_mb"]),
    "fill memory by way of /dev/shm": lambda: fill("/dev/shm", 80),
    "multiply without end": multiply,
    "kill a neighbour": lambda: os.kill(TARGETS["neighbour"], signal.SIGKILL),
}

outcome = {}
for attempt, do in ATTEMPTS.items():
    try:
        do()
        outcome[attempt] = "succeeded"
    except (OSError, MemoryError) as error:
        outcome[attempt] = f"denied: {getattr(error, 'strerror', None) or str(error) or type(error).__name__}"
print("OUTCOME " + json.dumps(outcome))
