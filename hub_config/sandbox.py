"""Four levels of keeping trainees apart, as the command that a server is started with.

none    nothing: everybody is the hub's user
uid     each trainee a user id of their own (only root can do that)
bwrap   besides: only their home, the release and the programs are there; no other process is seen (bubblewrap)
airgap  besides: no network; a bridge of unix sockets leads to hub, academy and Spark

As root the sandbox becomes a user id of a pool; an ordinary user's sandbox is a user namespace.
Only the standard library is needed here.
"""

import os
import platform
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from courses.checking.bubblewrap import become, interpreter, read_only, system

LEVELS = ("none", "uid", "bwrap", "airgap")
FIRST_UID = 200_000
# Of the project a trainee may read what notebooks import; never a course's checks, never the hub's own code.
CLIENT = ("__init__", "canonical", "client", "cohort", "errors", "exercise")
SHARED_CODE = ("quality", "courses/__init__.py", "courses/kit", *(f"courses/checking/{name}.py" for name in CLIENT))
SHARED_HUB = ("__init__.py", "bridge.py", "saving.py", "server.py", "jupyter")
# At the root, where no interpreter and no package lies: bubblewrap makes no folder inside one that is mounted read-only.
CODE = "/academy-code"
SYSTEM = ("/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs")


@dataclass(frozen=True)
class Room:
    """What one server gets: a home, the release, sockets of the bridge, and how much of the machine."""

    name: str
    number: int
    home: Path
    project: Path
    # Holds passwd, group and hosts of this sandbox, made by the hub.
    etc: Path
    release: Path | None = None
    sockets: Path | None = None
    memory_mb: int = 1536
    processes: int = 256
    file_mb: int = 256

    @property
    def uid(self) -> int:
        return FIRST_UID + self.number

    def home_at(self, level: str) -> str:
        return f"/home/{self.name}" if level in ("bwrap", "airgap") else str(self.home)

    def release_at(self, level: str) -> str:
        return "/release" if level in ("bwrap", "airgap") else str(self.release)

    def code_at(self, level: str) -> str:
        return CODE if level in ("bwrap", "airgap") else str(self.project)


def command(level: str, room: Room, run: list[str], seccomp: int | None = None) -> list[str]:
    """`run` as a command at this level; `seccomp` is an open file with filter()'s bytes."""
    # Into the home only after becoming its owner: to anybody else it is closed.
    bounded = ["env", f"--chdir={room.home_at(level)}", *_limits(room), *run]
    if level == "none":
        return run
    if level == "uid":
        return [*become(room.uid), *bounded]
    inside = [*become(room.uid), *bounded] if os.geteuid() == 0 else bounded
    return ["bwrap", *_namespaces(level), *_mounts(room), *_privileges(), *_filtered(seccomp), "--", *inside]


def _limits(room: Room) -> list[str]:
    """Per process; the spawner watches the sum. RLIMIT_DATA makes Python raise MemoryError instead of the kernel kill somebody."""
    mib = 1 << 20
    return [
        "prlimit",
        f"--data={room.memory_mb * mib}",
        f"--nproc={room.processes}",
        f"--fsize={room.file_mb * mib}",
        "--core=0",
        "--nofile=4096",
        "--",
    ]


def _namespaces(level: str) -> list[str]:
    shared = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "academy"]
    shared += ["--die-with-parent", "--new-session"]
    user = [] if os.geteuid() == 0 else ["--unshare-user", "--disable-userns"]
    return shared + user + (["--unshare-net"] if level == "airgap" else [])


def _privileges() -> list[str]:
    # setpriv needs these three to become the trainee, and gives them up with everything else.
    kept = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP") if os.geteuid() == 0 else ()
    return ["--cap-drop", "ALL", *(part for name in kept for part in ("--cap-add", name))]


def _filtered(seccomp: int | None) -> list[str]:
    return [] if seccomp is None else ["--seccomp", str(seccomp)]


def _mounts(room: Room) -> list[str]:
    """The whole file system of a sandbox, from an empty one."""
    # First: the interpreter may lie below the machine's own /tmp.
    mounts = ["--perms", "1777", "--size", str(room.file_mb << 20), "--tmpfs", "/tmp"]
    mounts += system()
    mounts += ["--perms", "0755", "--dir", "/etc"]
    for path in SYSTEM:
        mounts += read_only(Path(path)) if Path(path).exists() else []
    for name in ("passwd", "group", "hosts", "nsswitch.conf"):
        mounts += ["--ro-bind", str(room.etc / name), f"/etc/{name}"]
    for prefix in interpreter():
        mounts += read_only(prefix)
    mounts += _code(room.project)
    mounts += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(64 << 20), "--tmpfs", "/dev/shm"]
    # What bubblewrap puts below /dev would be a disk of its own, in memory, without a bound.
    mounts += ["--remount-ro", "/dev"]
    mounts += ["--perms", "0755", "--dir", "/home", "--bind", str(room.home), f"/home/{room.name}"]
    if room.release is not None:
        mounts += ["--ro-bind", str(room.release), "/release"]
    if room.sockets is not None:
        mounts += ["--perms", "0755", "--dir", "/run", "--ro-bind", str(room.sockets), "/run/pscc"]
    return [*mounts, "--remount-ro", "/", "--chdir", "/"]


def _code(project: Path) -> list[str]:
    mounts = ["--perms", "0755", "--dir", CODE]
    for folder in ("courses", "courses/checking", "hub_config"):
        mounts += ["--perms", "0755", "--dir", f"{CODE}/{folder}"]
    for name in (*SHARED_CODE, *(f"hub_config/{name}" for name in SHARED_HUB)):
        if (project / name).exists():
            mounts += ["--ro-bind", str(project / name), f"{CODE}/{name}"]
    return mounts


def write_etc(room: Room) -> None:
    """The few files of /etc that tell a sandbox its own user, and nobody else's."""
    room.etc.mkdir(parents=True, exist_ok=True)
    uid = room.uid if os.geteuid() == 0 else os.getuid()
    files = {
        "passwd": f"root:x:0:0::/:/usr/sbin/nologin\n{room.name}:x:{uid}:{uid}::/home/{room.name}:/bin/bash\n",
        "group": f"root:x:0:\n{room.name}:x:{uid}:\n",
        "hosts": "127.0.0.1 localhost academy\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    for name, text in files.items():
        (room.etc / name).write_text(text)
        (room.etc / name).chmod(0o644)


# Doors into the kernel that no notebook needs. A user namespace would give a trainee all capabilities inside it.
FORBIDDEN = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308, "keyctl": 250, "add_key": 248, "request_key": 249,
        "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "process_vm_readv": 310, "process_vm_writev": 311,
        "io_uring_setup": 425, "open_by_handle_at": 304, "pivot_root": 155, "chroot": 161, "kexec_load": 246, "init_module": 175,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "umount2": 39, "unshare": 97, "setns": 268, "keyctl": 219, "add_key": 217, "request_key": 218,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "process_vm_readv": 270, "process_vm_writev": 271,
        "io_uring_setup": 425, "open_by_handle_at": 265, "pivot_root": 41, "chroot": 51, "kexec_load": 104, "init_module": 105,
    },
}  # fmt: skip
_ARCHITECTURE = {"x86_64": (0xC000003E, 56), "aarch64": (0xC00000B7, 220)}
_CLONE3, _CLONE_NEWUSER, _X32 = 435, 0x10000000, 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


def seccomp_filter() -> bytes | None:
    """A filter of system calls for bubblewrap: FORBIDDEN and new user namespaces answer "not permitted"; None on other processors."""
    machine = platform.machine()
    if machine not in FORBIDDEN:
        return None
    architecture, clone = _ARCHITECTURE[machine]
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    # Calls of the 32-bit kind come under other numbers.
    steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _EPERM)]
    for number in FORBIDDEN[machine].values():
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    # clone3 hides its flags behind a pointer; told that there is none, the C library takes clone.
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ENOSYS)]
    steps += [(_EQUAL, 0, 3, clone), (_LOAD, 0, 0, 16), (_SET, 0, 1, _CLONE_NEWUSER), (_RETURN, 0, 0, _EPERM)]
    steps += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def missing(level: str) -> str | None:
    """Why a level cannot be had here, as far as can be told without trying."""
    if level == "uid" and os.geteuid() != 0:
        return "only root can give each trainee a user id of their own"
    needed = {"none": (), "uid": ("setpriv", "prlimit"), "bwrap": ("bwrap", "setpriv", "prlimit")}[
        level if level != "airgap" else "bwrap"
    ]
    absent = [name for name in needed if shutil.which(name) is None]
    package = "bubblewrap" if "bwrap" in absent else "util-linux"
    return f"{' and '.join(absent)} not found: install {package}" if absent else None
