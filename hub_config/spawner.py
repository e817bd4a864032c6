"""Starts each trainee's server in its sandbox, with exactly the environment it needs, and stops one that takes too much."""

import atexit
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SpawnException
from jupyterhub.utils import random_port
from traitlets import Unicode

from courses.checking.private import write_private
from hub_config import watch
from hub_config.access import note_entry
from hub_config.bridge import Bridge, listen_at, listen_on
from hub_config.errors import NO_ROOM, is_full
from hub_config.groups import bound_memory, drop_groups, joining, make_groups
from hub_config.language import chosen
from hub_config.lessons import make_home, put_lessons, size_of
from hub_config.parts import spark_remote
from hub_config.place import PROJECT, SOCKETS, Academy
from hub_config.probe import open_filter
from hub_config.roster import Account, Roster
from hub_config.sandbox import Room, command, write_etc

# What a server inherits of the hub's own environment: nothing.
KEPT: list[str] = []
# Of the hub's additions, those that a server needs not.
DROPPED = ("JPY_API_TOKEN", "JUPYTERHUB_OAUTH_SCOPES")
INSIDE = "/run/pscc"


class Channels:
    """The bridge's outside ends: made once for the hub, shared by every sandbox."""

    def __init__(self, academy: Academy) -> None:
        # Paths of sockets may have some hundred characters only: not below the academy's folder.
        self.folder = Path(tempfile.mkdtemp(prefix=SOCKETS))
        atexit.register(self.close)
        # A hub that was killed leaves it to `down`.
        write_private(academy.channels, str(self.folder))
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        self.shared.chmod(0o755)
        self.bridge = Bridge()
        self.out = {}
        for name, port in (("hub", academy.hub_port), ("service", academy.service_port), ("spark", academy.engine_port)):
            self.bridge.carry(listen_at(self.shared / f"{name}.sock"), ("127.0.0.1", port))
            self.out[port] = f"{INSIDE}/{name}.sock"

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class AcademySpawner(LocalProcessSpawner):
    """A trainee's server. Level, bounds and places come from the academy's settings."""

    academy_folder = Unicode(help="The academy's folder.").tag(config=True)
    _channels: Channels | None = None

    @property
    def academy(self) -> Academy:
        return Academy.read(Path(self.academy_folder))

    def channels(self) -> Channels:
        """The outside ends, put up with the first server."""
        if AcademySpawner._channels is None:
            AcademySpawner._channels = Channels(self.academy)
        return AcademySpawner._channels

    def room(self) -> Room:
        """What this trainee's sandbox holds."""
        academy, account = self.academy, Roster(self.academy.state / "roster.toml").accounts()[self.user.name]
        channels = self.channels()
        return Room(
            name=account.name,
            number=account.number,
            home=academy.homes / account.name,
            project=PROJECT,
            etc=channels.folder / f"etc-{account.number}",
            release=academy.shown,
            sockets=channels.shared if academy.level == "airgap" else None,
            memory_mb=academy.memory_mb,
            processes=academy.processes,
            file_mb=academy.file_mb,
        )

    async def start(self) -> tuple[str, int]:
        """Prepare home, lessons and bridge, then start the server in its sandbox."""
        self.port = int(self.port or random_port())  # type: ignore[has-type]
        academy, room = self.academy, self.room()
        owner = room.uid if academy.level != "none" and os.geteuid() == 0 else None
        account = Roster(academy.state / "roster.toml").accounts()[self.user.name]
        try:
            make_home(room.home, owner)
            put_lessons(academy.built, room.home, account.courses, owner)
            self.note_start()
        except OSError as error:
            if is_full(error):
                raise SpawnException(NO_ROOM.sentence[self.language_of(account)], reason="full disk", status_code=507) from None
            raise
        write_etc(room)
        environment = self.environment_of(room, self.language_of(account))
        self._start(academy.level, room, environment)
        return "127.0.0.1", self.port

    def note_start(self) -> None:
        """Note the start in the access log, before there is a server."""
        client = self.handler.request.remote_ip if self.handler else ""
        note_entry(self.academy.state, "server", who=self.user.name, client=client, outcome="server started")

    def language_of(self, account: Account) -> str:
        """What the trainee chose on a page, else what the roster says: notebooks speak it from this start on."""
        # Nobody asks over a page where a program starts the server.
        return (chosen(self.handler) if self.handler else None) or account.language

    def _start(self, level: str, room: Room, environment: dict[str, str]) -> None:
        with open_filter() as seccomp:
            handed = [seccomp] if seccomp is not None and level in ("bwrap", "airgap") else []
            door = self._door(room, environment) if level == "airgap" else None
            handed += [door.fileno()] if door else []
            argv = command(level, room, self.server_command(), seccomp if level in ("bwrap", "airgap") else None)
            log = os.open(self.academy.log / f"server-{room.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self.groups = (
                make_groups(self.academy.to, room.name, bound_of(self.academy), room.processes) if level != "none" else []
            )
            argv, needed = joining(self.groups, argv)
            self.log.info("Starting the server of %s at level %s", room.name, level)
            self.proc = Popen(
                argv,
                env=environment | needed,
                cwd=room.home,
                pass_fds=handed,
                start_new_session=True,
                stdout=log,
                stderr=log,
                stdin=DEVNULL,
            )
            os.close(log)
            if door:
                door.close()
        self.pid = self.proc.pid
        last_in_line(self.pid)

    def _door(self, room: Room, environment: dict[str, str]) -> socket.socket:
        """The way in for the server's own visitors: it takes them from a socket that it gets already open."""
        channels = self.channels()
        path = channels.folder / f"server-{room.number}.sock"
        door = listen_at(path, 0o600)
        self.way_in = channels.bridge.carry(listen_on(self.port), str(path))
        plan = {"server": self.port, "descriptor": door.fileno(), "out": channels.out}
        environment["PSCC_BRIDGE"] = json.dumps(plan)
        return door

    way_in: Any = None
    groups: list[Path] = []  # noqa: RUF012

    def server_command(self) -> list[str]:
        return [sys.executable, "-m", "hub_config.server", *self.get_args()]

    def environment_of(self, room: Room, language: str) -> dict[str, str]:
        """The whole environment of the server: its own hub token is the only secret in it."""
        academy = self.academy
        level, code = academy.level, room.code_at(academy.level)
        given = {name: value for name, value in self.get_env().items() if name not in DROPPED}
        return given | {
            "HOME": room.home_at(level),
            "USER": room.name,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": code,
            "PYTHONDONTWRITEBYTECODE": "1",
            "JUPYTER_CONFIG_PATH": f"{code}/hub_config/jupyter",
            "JUPYTERHUB_ROOT_DIR": room.home_at(level),
            # Numerical libraries start a thread a core each; thirty trainees share them.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "2",
            # Arrow's usual allocator reserves a gigabyte at the first query; the bound on a process counts it as taken.
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            "PSCC_RELEASE": room.release_at(level),
            "PSCC_RELEASE_NAME": academy.release_name,
            "PSCC_CHECK_URL": academy.check_url,
            "PSCC_LANG": language,
            "SPARK_REMOTE": spark_remote(academy, room.name),
        }

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        # The hub would look the trainee up among the machine's users; there is no such user.
        return env

    async def poll(self) -> int | None:
        """None while the server runs; one that takes too much or stands idle is stopped here."""
        status = await super().poll()
        if status is None and (why := self.too_much()):
            self.log.warning("The server of %s was stopped: %s", self.user.name, why)
            self.kill_all()
            status = 0
        if status is not None:
            self.close_way_in()
        return status

    def too_much(self) -> str | None:
        """Why this server has to stop now, if it has to."""
        academy = self.academy
        used = watch.memory_of(self.pid) >> 20
        # A control group holds them to it by itself, and lets the server live.
        if not bound_memory(self.groups) and used << 20 > bound_of(academy):
            return f"its processes held {used} MiB of memory, {bound_of(academy) >> 20} are allowed"
        size, before = size_of(academy.homes / self.user.name) >> 20, self.last_size
        self.last_size = size
        # One who is over may come back and delete: only growing is stopped.
        if before is not None and size > academy.home_mb and size > before:
            return f"the home grew to {size} MiB, {academy.home_mb} are allowed"
        return self.too_long(academy.idle_minutes)

    last_size: int | None = None

    def too_long(self, minutes: float) -> str | None:
        """Whether nobody has used this server for so long; homes stay as they are."""
        last = self.orm_spawner.last_activity or self.orm_spawner.started
        if last is None or not minutes or not self.ready:
            return None
        idle = (datetime.now(UTC) - last.replace(tzinfo=UTC)).total_seconds() / 60
        return f"unused for {idle:.0f} minutes" if idle >= minutes else None

    def kill_all(self) -> None:
        """End every process of the server. A sandbox goes as a whole with its first process."""
        for pid in [process.pid for process in watch.below(self.pid)] + [self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self.proc is not None:
            self.proc.wait(10)

    async def stop(self, now: bool = False) -> None:
        """End the server: its own goodbye first, then the whole sandbox."""
        if not now and await super().poll() is None:
            self.say_goodbye()
            await self.wait_for_death(5)
        if await super().poll() is None:
            self.kill_all()
            await super().poll()
        self.close_way_in()

    def say_goodbye(self) -> None:
        """Ask the server inside to end: bubblewrap passes no signal on."""
        for process in watch.below(self.pid):
            arguments = Path(f"/proc/{process.pid}/cmdline")
            if arguments.exists() and b"hub_config.server" in arguments.read_bytes().split(b"\0")[1:3]:
                os.kill(process.pid, signal.SIGTERM)

    def close_way_in(self) -> None:
        drop_groups(self.groups)
        if self.way_in is not None:
            self.channels().bridge.drop(self.way_in)
            self.way_in = None


def bound_of(academy: Academy) -> int:
    """Bytes of memory that all processes of a server may hold: those of one notebook, and half as much for the server."""
    return academy.memory_mb * 3 // 2 << 20


def last_in_line(pid: int) -> None:
    """Should the machine run out of memory, a trainee's server goes before the hub."""
    try:
        Path(f"/proc/{pid}/oom_score_adj").write_text("800")
    except OSError:
        return
