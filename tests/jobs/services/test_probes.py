"""Whatever listens at a program's port, and whatever it says, the program is called ill in a few words, and nothing is raised."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.services import probes
from jobs.services.place import Place, prepared
from jobs.services.programs import named


@pytest.fixture
def listens() -> Iterator[Callable[[bytes], int]]:
    """Starts something that says the same to everybody, whatever it is asked; its port."""
    with ExitStack() as ended:

        def listening(said: bytes) -> int:
            server = ended.enter_context(socket.create_server(("127.0.0.1", 0)))
            threading.Thread(target=answer, args=(server, said), daemon=True).start()
            # A thread that waits is not woken by a close.
            ended.callback(server.shutdown, socket.SHUT_RDWR)
            return int(server.getsockname()[1])

        yield listening


def answer(server: socket.socket, said: bytes) -> None:
    while True:
        try:
            link, _ = server.accept()
        except OSError:
            return
        # Who was told enough may have gone.
        with link, suppress(OSError):
            link.recv(65536)
            link.sendall(said)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return prepared(tmp_path / "services", {})


def json_of(said: str) -> bytes:
    return f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{said}".encode()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer (BadStatusLine)"),
        (b"HTTP/1.0 200 OK\r\n" + b"a" * 70000 + b"\r\n\r\n", "does not answer (LineTooLong)"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://[x/\r\n\r\n", "does not answer (ValueError)"),
        (b"HTTP/1.0 500 Oh\r\n\r\n", "does not answer (HTTPError)"),
        (b"", "does not answer (RemoteDisconnected)"),
    ],
)
@pytest.mark.parametrize("name", ["hub", "api-server"])
def test_who_speaks_no_http_does_not_answer(
    place: Place, listens: Callable[[bytes], int], name: str, said: bytes, wrong: str
) -> None:
    assert named(name).probe(replace(place, ports=place.ports | {name: listens(said)})) == wrong


OTHER = "answers in another language than Airflow's"


@pytest.mark.parametrize(
    ("said", "web_server", "scheduler"),
    [
        ('{"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}, "triggerer": null}', None, None),
        ('{"metadatabase": {"status": "ill"}, "scheduler": null}', "does not reach its database", "gave no sign of life lately"),
        ("{}", "does not reach its database", "gave no sign of life lately"),
        ('{"metadatabase": "healthy"}', OTHER, f"cannot be asked: the api-server {OTHER}"),
        ("[1]", OTHER, f"cannot be asked: the api-server {OTHER}"),
        ("7", OTHER, f"cannot be asked: the api-server {OTHER}"),
    ],
)
def test_what_the_web_server_says_need_not_be_what_airflow_says(
    place: Place, listens: Callable[[bytes], int], said: str, web_server: str | None, scheduler: str | None
) -> None:
    here = replace(place, ports=place.ports | {"api-server": listens(json_of(said))})
    assert (named("api-server").probe(here), named("scheduler").probe(here)) == (web_server, scheduler)


@pytest.mark.parametrize(
    ("noted", "error"),
    [(None, "FileNotFoundError"), ("", "JSONDecodeError"), ("{}", "KeyError"), ('{"engine_port": null}', "TypeError")],
)
def test_an_engine_whose_port_nobody_knows_cannot_be_asked(place: Place, noted: str | None, error: str) -> None:
    if noted is not None:
        file = place.academy / "state" / "academy.json"
        file.parent.mkdir(parents=True)
        file.write_text(noted)
    said = named("teaching-engine").probe(place)
    assert said == f"{probes.UNKNOWN}: nobody knows its port ({error})"
