"""A bridge of unix sockets between a server without a network and the few services it needs.

Outside, the hub listens on sockets that are mounted read-only into every sandbox and passes what comes on to hub, academy
service and Spark. Inside, the same addresses on the sandbox's own loopback lead to those sockets. What comes in for the
server travels the other way, over a socket that the hub listens on and hands in already open: a trainee cannot put another in its place.
"""

import asyncio
import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

Address = str | tuple[str, int]
CHUNK = 1 << 16


class Bridge:
    """Relays in a thread of their own, so that neither the hub nor a server waits for them."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True, name="bridge").start()

    def carry(self, listening: socket.socket, to: Address) -> asyncio.AbstractServer:
        """Pass every connection that `listening` takes on to `to`, a path or a host and port."""
        return asyncio.run_coroutine_threadsafe(_serve(listening, to), self.loop).result(10)

    def drop(self, server: asyncio.AbstractServer) -> None:
        """Take no more connections here."""
        self.loop.call_soon_threadsafe(server.close)


async def _serve(listening: socket.socket, to: Address) -> asyncio.AbstractServer:
    # The loop holds its tasks weakly: one that nothing else holds can vanish, and its connection with it.
    going: set[asyncio.Task[None] | None] = set()

    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        going.add(asyncio.current_task())
        try:
            await _carry(reader, writer, to)
        finally:
            going.discard(asyncio.current_task())

    start = asyncio.start_unix_server if listening.family == socket.AF_UNIX else asyncio.start_server
    return await start(carried, sock=listening)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address) -> None:
    try:
        there = await (asyncio.open_unix_connection(to) if isinstance(to, str) else asyncio.open_connection(*to))
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))
    for each in (writer, there[1]):
        each.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    # The other direction may still have something to say.
    with suppress(OSError, RuntimeError):
        writer.write_eof()


def listen_at(path: Path, mode: int = 0o666) -> socket.socket:
    """A socket that listens at a path of the file system."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    path.chmod(mode)
    listening.listen(128)
    return listening


def listen_on(port: int) -> socket.socket:
    """A socket that listens on this machine's (or this sandbox's) loopback."""
    return socket.create_server(("127.0.0.1", port), backlog=128)


def cross_from_inside() -> None:
    """Put up the inside ends that PSCC_BRIDGE describes: {"server": port, "descriptor": n, "out": {port: socket path}}."""
    if not (said := os.environ.pop("PSCC_BRIDGE", None)):
        return
    plan, bridge = json.loads(said), Bridge()
    bridge.carry(socket.socket(fileno=plan["descriptor"]), ("127.0.0.1", plan["server"]))
    for port, path in plan["out"].items():
        bridge.carry(listen_on(int(port)), path)
