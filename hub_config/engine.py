"""The teaching engine: one Spark Connect server for a class, which sees one release and nothing else. With --curated, the same for analysts on gold.

`python -m hub_config.engine --release FOLDER --port P [--state DIR]` runs it until it is told to stop; `--status` and `--stop` speak to
the one of that state folder. docs/teaching-engine.md says what holds and how it is bounded.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from courses.checking.bubblewrap import become, read_only, system
from courses.checking.private import made_once
from hub_config.access import TOLD, AccessLog
from hub_config.engine_room import Orders
from hub_config.engine_token import token_for
from hub_config.errors import WrongUse

# Nobody else's: no account of the machine has this number, and nothing belongs to it but the door's folder.
ENGINE_UID, CURATED_UID = 64600, 64602
SOCKET = "engine.sock"
STARTS_IN_VAIN = 3
# Of an engine's log, and as much of what was before; whoever asks can make it grow.
LOG_BYTES, LOG_SECONDS = 10 * 1024**2, 60
# A cold start takes 20 s; on a machine that is busy with other things it may take minutes.
PATIENCE = 300
CODE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Engine:
    """How an engine is to run."""

    release: Path
    port: int
    state: Path
    java: str
    jars: str
    memory: str = "1500m"
    spill: str = "1g"
    seconds: int = 30
    megabytes: int = 64
    sandboxed: bool = True
    curated: bool = False
    # Where it is noted who read what; nowhere for a class, whose release is anonymous.
    access: Path | None = None
    months: int = 12

    @property
    def uid(self) -> int:
        """Whom it runs as where root starts it."""
        return CURATED_UID if self.curated else ENGINE_UID

    def orders(self, *, release: str, folder: str) -> Orders:
        """What the process inside is told, with the places as it sees them."""
        return Orders(
            release=release,
            folder=folder,
            java=self.java,
            jars=self.jars,
            key=key_of(self.state),
            socket=SOCKET,
            memory=self.memory,
            cores=len(os.sched_getaffinity(0)),
            seconds=self.seconds,
            megabytes=self.megabytes,
            curated=self.curated,
            noted=self.access is not None,
        )


def state_of(academy_state: Path) -> Path:
    """The engine's own folder in the private folder of an academy: what the functions below take."""
    return academy_state / "engine"


def key_of(state: Path) -> str:
    """The key that signs the tokens of this state folder; made at the first call, readable by its owner alone."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    return made_once(state / "engine.key", secrets.token_hex(32).encode()).decode().strip()


def remote_for(state: Path, user: str, port: int) -> str:
    """What goes into SPARK_REMOTE of `user`'s server, where `port` of its own localhost leads to the engine's socket."""
    return f"sc://localhost:{port}/;token={token_for(key_of(state), user)}"


def socket_of(state: Path) -> Path:
    """The socket at which the engine listens: what a sandboxed server's bridge connects to."""
    return state / "door" / SOCKET


def level() -> tuple[str, str]:
    """The isolation that this machine offers the engine, `bwrap` or `none`, and why."""
    if not shutil.which("bwrap"):
        return "none", "bubblewrap is not installed"
    tried = subprocess.run(
        ["bwrap", *_namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return "none", f"bubblewrap cannot make its namespaces here ({tried.stderr.strip() or 'no reason given'})"
    return "bwrap", "bubblewrap: its own files, processes and network" + (", its own user" if os.geteuid() == 0 else "")


def _namespaces() -> list[str]:
    always = [
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--hostname",
        "localhost",
        "--unshare-cgroup-try",
        "--die-with-parent",
    ]
    # Root changes to another user inside, which needs the real user table; everybody else needs one of their own.
    return [*always, "--new-session"] if os.geteuid() == 0 else [*always, "--new-session", "--unshare-user", "--disable-userns"]


def sandbox(engine: Engine) -> list[str]:
    """The command in front of the engine's own: what it sees is listed here, and nothing else exists for it."""
    # First: what it sees may lie below the machine's own /tmp.
    seen = ["--perms", "1777", "--size", str(_bytes(engine.spill)), "--tmpfs", "/tmp", *system(), *_etc(engine)]
    for path in _read(engine):
        seen += read_only(path)
    seen += _without_derby(engine)
    seen += ["--perms", "0755", "--dir", "/code", "--ro-bind", str(CODE), "/code/hub_config"]
    seen += ["--ro-bind", str(engine.release), "/release", "--bind", str(socket_of(engine.state).parent), "/door"]
    seen += ["--proc", "/proc", "--dev", "/dev"]
    command = ["bwrap", *_namespaces(), *seen, "--chdir", "/door", "--clearenv"]
    for name, value in _environment("/code").items():
        command += ["--setenv", name, value]
    return [*command, *_other_user(engine.uid)]


def _other_user(uid: int) -> list[str]:
    if os.geteuid() != 0:
        return ["--cap-drop", "ALL", "--"]
    needed = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP", "--"]
    return [*needed, *become(uid)]


def _read(engine: Engine) -> list[Path]:
    """Interpreter, Java and jars, each once and the outer ones first."""
    wanted = {Path(sys.prefix), Path(sys.base_prefix), Path(engine.java).resolve(), *map(Path, engine.jars.split(os.pathsep))}
    kept: list[Path] = []
    for path in sorted(wanted):
        if not any(path.is_relative_to(outer) for outer in [Path("/usr"), *kept]):
            kept.append(path)
    return kept


def _without_derby(engine: Engine) -> list[str]:
    """An empty file over each jar of the database that Spark brings along: it would be the one driver that JDBC finds here."""
    spark = importlib.util.find_spec("pyspark")
    empty = engine.state / "etc" / "empty"
    empty.touch()
    empty.chmod(0o644)
    jars = sorted(Path(spark.origin).parent.glob("jars/derby*.jar")) if spark and spark.origin else []
    return [word for jar in jars for word in ("--ro-bind", str(empty), str(jar))]


def _etc(engine: Engine) -> list[str]:
    etc = engine.state / "etc"
    etc.mkdir(exist_ok=True, mode=0o755)
    uid = engine.uid if os.geteuid() == 0 else os.getuid()
    (etc / "passwd").write_text(f"engine:x:{uid}:{uid}::/tmp:/bin/false\n")
    (etc / "group").write_text(f"engine:x:{uid}:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n")
    seen = ["--perms", "0755", "--dir", "/etc"]
    for name in ("passwd", "group", "hosts"):
        (etc / name).chmod(0o644)
        seen += ["--ro-bind", str(etc / name), f"/etc/{name}"]
    # Debian's Java keeps its settings here, and the linker its list of libraries.
    for path in ("/etc/ld.so.cache", "/etc/alternatives", *map(str, Path("/etc").glob("java-*"))):
        seen += ["--ro-bind-try", path, path]
    return seen


def _environment(code: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": code, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def _bytes(size: str) -> int:
    return int(size[:-1]) * {"k": 1024, "m": 1024**2, "g": 1024**3}[size[-1].lower()]


def check(engine: Engine) -> None:
    """Nothing where the engine can start; WrongUse otherwise."""
    if not engine.curated and not any(engine.release.glob("*/_delta_log")):
        raise WrongUse(f"Expected the tables of a release in {engine.release}, found none: make one with `pscc release make`.")
    found, why = level()
    if engine.sandboxed and found == "none":
        raise WrongUse(
            f"Expected a sandbox for the engine, found that {why}: install Debian's `bubblewrap`, or say --without-sandbox: then a"
            " person of the class may read whatever this account can."
        )
    # What is written into gold later is seen to by who writes it.
    if engine.sandboxed and not engine.curated and os.geteuid() == 0 and not _readable_by_all(engine.release):
        raise WrongUse(
            f"Expected files in {engine.release} that another user can read, found some that they cannot: run `chmod -R go+rX` on it."
        )


def _readable_by_all(folder: Path) -> bool:
    return all(path.stat().st_mode & (0o005 if path.is_dir() else 0o004) for path in [folder, *folder.rglob("*")])


async def run(engine: Engine) -> int:
    """Keep the engine running until SIGTERM: after a death a new one stands within seconds, with the same tokens."""
    check(engine)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        relay = await asyncio.start_server(lambda *ends: _carry(engine.state, *ends), "127.0.0.1", engine.port)
    except OSError:
        raise WrongUse(f"Expected port {engine.port} to be free, found it taken: choose another with --port.") from None
    (engine.state / "pid").write_text(str(os.getpid()))
    in_vain = 0
    try:
        while not stopping.is_set() and in_vain < STARTS_IN_VAIN:
            in_vain = 0 if await _once(engine, stopping) else in_vain + 1
    finally:
        relay.close()
        (engine.state / "pid").unlink(missing_ok=True)
    if stopping.is_set():
        return 0
    raise WrongUse(
        f"Expected the engine to start, found that it ended {STARTS_IN_VAIN} times before it was ready: see {engine.state / 'engine.log'}."
    )


async def _once(engine: Engine, stopping: asyncio.Event) -> bool:
    """One life of the engine; whether it was ever ready."""
    ready = engine.state / "ready"
    with (engine.state / "engine.log").open("ab") as log:
        process = await _start(engine, log.fileno())
        bounded = asyncio.create_task(_keep_bounded(engine.state / "engine.log"))
        ended = asyncio.create_task(process.wait())
        stop = asyncio.create_task(stopping.wait())
        said = asyncio.create_task(_said_ready(process, engine, log.fileno()))
        try:
            # The last ends where an access cannot be noted: nobody reads what nobody would know of.
            await asyncio.wait({ended, stop, said}, return_when=asyncio.FIRST_COMPLETED)
            return ready.exists()
        finally:
            ready.unlink(missing_ok=True)
            stop.cancel()
            bounded.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await ended
            # What it had told before is noted.
            await asyncio.wait({said}, timeout=5)
            said.cancel()


async def _keep_bounded(log: Path) -> None:
    """Of a log that has become too large, put the newest part into engine.log.1, over what was there, and begin it again."""
    while True:
        if log.stat().st_size > LOG_BYTES:
            # A disk that is full already needs the room more than what was said.
            with contextlib.suppress(OSError), log.open("rb") as grown:
                grown.seek(-LOG_BYTES, os.SEEK_END)
                log.with_name("engine.log.1").write_bytes(grown.read(LOG_BYTES))
            # Not by another name: the engine would write on into that.
            os.truncate(log, 0)
        await asyncio.sleep(LOG_SECONDS)


async def _said_ready(process: asyncio.subprocess.Process, engine: Engine, log: int) -> None:
    assert process.stdout
    async for line in process.stdout:
        if line.strip() == b"ready":
            (engine.state / "ready").touch()
            kind = "curated" if engine.curated else "teaching"
            print(f"The {kind} engine is ready: {engine.release.name}, port {engine.port}.", flush=True)
        elif engine.access is not None and line.startswith(TOLD):
            _note(AccessLog(engine.access, engine.months), line)
        else:
            os.write(log, line)


def _note(access: AccessLog, line: bytes) -> None:
    try:
        access.write(line)
    except OSError as error:
        print(
            f"Expected to write the access log in {access.folder}, found: {error.strerror}. The engine ends: nobody reads what is not noted.",
            file=sys.stderr,
            flush=True,
        )
        raise


async def _start(engine: Engine, log: int) -> asyncio.subprocess.Process:
    _make_door(engine)
    inside = engine.sandboxed
    orders = engine.orders(
        release="/release" if inside else str(engine.release), folder="/tmp" if inside else str(_private(engine.state / "tmp"))
    )
    before = sandbox(engine) if inside else []
    process = await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        "-m",
        "hub_config.engine_room",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        # Without a sandbox its own group is all that holds its processes together.
        start_new_session=True,
        env=_environment(str(CODE.parent)),
        cwd=socket_of(engine.state).parent,
    )
    assert process.stdin
    process.stdin.write(json.dumps(asdict(orders)).encode() + b"\n")
    await process.stdin.drain()
    return process


def _make_door(engine: Engine) -> None:
    door = socket_of(engine.state).parent
    door.mkdir(exist_ok=True, mode=0o755)
    door.chmod(0o755)
    socket_of(engine.state).unlink(missing_ok=True)
    if engine.sandboxed and os.geteuid() == 0:
        os.chown(door, engine.uid, engine.uid)


def _private(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


async def _carry(state: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes between a client of the port and the engine's socket."""
    door = os.open(socket_of(state).parent, os.O_PATH)
    try:
        # By way of the descriptor: a socket's path may have 107 bytes only.
        inner_reader, inner_writer = await asyncio.open_unix_connection(f"/proc/self/fd/{door}/{SOCKET}")
    except OSError:
        writer.close()
        return
    finally:
        os.close(door)
    await asyncio.gather(_pour(reader, inner_writer), _pour(inner_reader, writer))


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def is_ready(state: Path) -> bool:
    """Whether the engine of this state folder answers at its door."""
    import grpc

    if not (state / "ready").exists():
        return False
    door = os.open(socket_of(state).parent, os.O_PATH)
    try:
        with grpc.insecure_channel(f"unix:/proc/{os.getpid()}/fd/{door}/{SOCKET}") as channel:
            grpc.channel_ready_future(channel).result(timeout=5)
            return _answers(channel, token_for(key_of(state), "health"))
    except (grpc.FutureTimeoutError, grpc.RpcError):
        return False
    finally:
        os.close(door)


def _answers(channel: object, token: str) -> bool:
    from pyspark.sql.connect.proto import base_pb2 as base
    from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

    request = base.AnalyzePlanRequest(session_id="00000000-0000-4000-8000-000000000000")
    request.spark_version.SetInParent()
    answer = SparkConnectServiceStub(channel).AnalyzePlan(request, timeout=5, metadata=(("authorization", f"Bearer {token}"),))
    return bool(answer.spark_version.version)


def stop(state: Path, patience: float = 20) -> bool:
    """Stop the engine of this state folder; whether there was one."""
    try:
        pid = int((state / "pid").read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return False
    until = time.monotonic() + patience
    while (state / "pid").exists() and time.monotonic() < until:
        time.sleep(0.1)
    return True


@contextlib.contextmanager
def running(release: Path, academy_state: Path, *options: str) -> Iterator[Callable[[str], str]]:
    """An engine for as long as the block lasts, for authors and tests: gives what a user's SPARK_REMOTE is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    state = state_of(academy_state)
    command = [sys.executable, "-m", "hub_config.engine", "--release", str(release), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--state", str(academy_state), *options],
        env=os.environ | {"PYTHONPATH": str(CODE.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_until_ready(process, state)
        yield lambda user: remote_for(state, user, port)
    finally:
        process.terminate()
        # What an engine said that never got ready was read already.
        if process.stderr and not process.stderr.closed:
            process.communicate()


def _wait_until_ready(process: "subprocess.Popen[str]", state: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not is_ready(state):
        if process.poll() is not None or time.monotonic() > until:
            process.terminate()
            said = process.communicate()[1].strip()
            raise WrongUse(
                said or f"Expected the engine to be ready within {PATIENCE} s, found it is not: see {state / 'engine.log'}."
            )
        time.sleep(0.5)


def _java_and_jars() -> dict[str, str]:
    """Where Java and the Delta jars are, as the part that fetched them says."""
    told = subprocess.run([sys.executable, "-m", "jobs.java", "where"], capture_output=True, text=True, check=False)
    if told.returncode:
        raise WrongUse(told.stderr.strip())
    found: dict[str, str] = json.loads(told.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, ask after or stop the engine."""
    parser = argparse.ArgumentParser(prog="python -m hub_config.engine", description="The teaching engine of a class.")
    parser.add_argument("--release", type=Path, help="the folder of one release")
    parser.add_argument("--port", type=int, default=15102)
    parser.add_argument("--state", type=Path, default=Path("academy/state"), help="the academy's private folder")
    parser.add_argument("--java", help="a Java home; without it `python -m jobs.java where` is asked")
    parser.add_argument("--jars", help="class path of the Delta jars; likewise")
    parser.add_argument("--memory", default=Engine.memory, help="of the JVM")
    parser.add_argument("--spill", default=Engine.spill, help="space for what does not fit in memory")
    parser.add_argument("--seconds", type=int, default=Engine.seconds, help="a query may run")
    parser.add_argument("--megabytes", type=int, default=Engine.megabytes, help="a result may have")
    parser.add_argument("--without-sandbox", action="store_true")
    parser.add_argument("--curated", action="store_true", help="the release is gold, the class are analysts")
    parser.add_argument("--access", type=Path, metavar="FOLDER", help="note there who read what")
    parser.add_argument("--access-months", type=int, choices=range(6, 13), default=Engine.months, help="how long that is kept")
    parser.add_argument("--remote-for", metavar="USER", help="print what SPARK_REMOTE of this person is")
    parser.add_argument("--status", action="store_true")
    parser.add_argument("--stop", action="store_true")
    asked = parser.parse_args(arguments)
    state = state_of(asked.state.resolve())
    if asked.status or asked.stop:
        return 0 if (is_ready(state) if asked.status else stop(state)) else 1
    if asked.remote_for:
        try:
            print(remote_for(state, asked.remote_for, asked.port))
        except ValueError as error:
            parser.error(str(error))
        return 0
    if asked.release is None:
        parser.error("Expected --release to name the folder of a release, found none.")
    try:
        return asyncio.run(run(_engine(asked, state)))
    except WrongUse as error:
        print(error, file=sys.stderr)
        return 2


def _engine(asked: argparse.Namespace, state: Path) -> Engine:
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = {"java": asked.java, "jars": asked.jars}
    if None in found.values():
        found = _java_and_jars() | {name: value for name, value in found.items() if value}
    engine = Engine(asked.release.resolve(), asked.port, state, found["java"], found["jars"])
    engine = replace(engine, memory=asked.memory, spill=asked.spill, seconds=asked.seconds, megabytes=asked.megabytes)
    access = asked.access.resolve() if asked.access else None
    return replace(engine, sandboxed=not asked.without_sandbox, curated=asked.curated, access=access, months=asked.access_months)


if __name__ == "__main__":
    sys.exit(main())
