"""`pscc logs` shows a log as one, whatever files the supervisor keeps it in."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from supervisor.loggers import RotatingFileHandler

from jobs.services.place import Place, prepared
from jobs.services.told import tail


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return prepared(tmp_path / "services", {})


@pytest.fixture
def log(place: Place) -> RotatingFileHandler:
    """A log as the supervisor writes it: in files of about ten bytes."""
    return RotatingFileHandler(str(place.logs / "hub.log"), maxBytes=10, backupCount=5)


def write(log: RotatingFileHandler, said: str | bytes) -> None:
    log.stream.write(said if isinstance(said, bytes) else said.encode())
    log.stream.flush()
    log.doRollover()


@pytest.mark.parametrize(
    ("written", "lines", "expected"),
    [
        (["one\n", "two\n"], 1, "two\n"),
        (["one\n", "two\n"], 5, "one\ntwo\n"),
        # Full after three lines.
        (["one\n", "two\n", "three\n"], 2, "two\nthree\n"),
        (["one\n", "two\n", "three\n", "four\n"], 2, "three\nfour\n"),
        (["one\n", "two\n", "three\n", "four\n"], 9, "one\ntwo\nthree\nfour\n"),
        (["one\n", "two\n", "three\n", "four\n"], 1, "four\n"),
    ],
)
def test_lines_that_the_newest_file_lacks_come_from_the_one_before(
    place: Place,
    log: RotatingFileHandler,
    capsys: pytest.CaptureFixture[str],
    written: list[str],
    lines: int,
    expected: str,
) -> None:
    for each in written:
        write(log, each)
    tail(place.state, "hub", lines, follow=False)
    assert capsys.readouterr().out == expected


def followed(place: Place, monkeypatch: pytest.MonkeyPatch, *deeds: Callable[[], object]) -> None:
    """Follow the log while these are done one after the other, each where the reader rests; then interrupt it."""
    left = [*deeds, lambda: None]

    def rest(_: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(time, "sleep", rest)
    with pytest.raises(KeyboardInterrupt):
        tail(place.state, "hub", 1, follow=True)


def test_who_follows_a_log_is_told_what_comes_after_a_rotation(
    place: Place, log: RotatingFileHandler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, "zero\n")
    words = ["one\n", "two, the last of its file\n", "three\n", "four, the last too\n", "five\n"]
    followed(place, monkeypatch, *(lambda each=each: write(log, each) for each in words))
    assert capsys.readouterr().out == "zero\n" + "".join(words)


def test_who_follows_a_log_waits_while_there_is_no_file(
    place: Place, log: RotatingFileHandler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, "zero\n")
    there = place.logs / "hub.log"
    followed(place, monkeypatch, lambda: there.rename(place.logs / "hub.log.1"), lambda: there.write_text("one\n"))
    assert capsys.readouterr().out == "zero\none\n"


def test_who_follows_a_log_is_told_what_comes_after_it_was_emptied(
    place: Place, log: RotatingFileHandler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, "zero\n")
    there = place.logs / "hub.log"
    followed(place, monkeypatch, lambda: there.write_text(""), lambda: there.write_text("one\n"))
    assert capsys.readouterr().out == "zero\none\n"


def test_a_letter_that_is_written_in_two_parts_is_one(
    place: Place, log: RotatingFileHandler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = "é".encode()[:1], "é".encode()[1:]
    write(log, "")
    followed(place, monkeypatch, lambda: write(log, first), lambda: write(log, second + b"\n"))
    assert capsys.readouterr().out == "é\n"
