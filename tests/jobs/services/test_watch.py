"""The watch: who is silent for too long is started again, who cannot be asked is not."""

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from jobs.services import supervisor, watch
from jobs.services.place import Place, prepared
from jobs.services.programs import named
from jobs.services.watch import Seen, act

SCHEDULER = named("scheduler")


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the supervisor was asked to do."""
    done: list[str] = []
    monkeypatch.setattr(watch.supervisor, "stop_program", lambda place, name: done.append(f"stop {name}"))
    monkeypatch.setattr(watch.supervisor, "start_program", lambda place, program: done.append(f"start {program.name}"))
    return done


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return prepared(tmp_path / "services", {})


@pytest.mark.parametrize(
    ("wrong", "state", "seconds", "expected"),
    [
        (None, "RUNNING", 1000, []),
        ("gave no sign", "RUNNING", SCHEDULER.patience_seconds - 10, []),
        ("gave no sign", "RUNNING", SCHEDULER.patience_seconds + 10, ["stop scheduler", "start scheduler"]),
        ("cannot be asked: the api-server is silent", "RUNNING", 1000, []),
        ("does not run", "BACKOFF", 1000, []),
        ("does not run", "FATAL", 0, ["start scheduler"]),
        ("does not run", "STOPPED", 1000, []),
    ],
)
def test_who_is_started_again(
    place: Place, deeds: list[str], wrong: str | None, state: str, seconds: int, expected: list[str]
) -> None:
    seen = Seen()
    act(place, SCHEDULER, seen, wrong, state, now=1.0)
    act(place, SCHEDULER, seen, wrong, state, now=1.0 + seconds)
    assert deeds[: len(expected)] == expected
    assert bool(deeds) == bool(expected)


def test_the_watch_looks_for_old_runs_each_round_and_knows_of_those_at_work(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = []

    def looked(_: Place, cleaning: object) -> str:
        rounds.append(cleaning)
        return "at work"

    def rest(_: float) -> None:
        if len(rounds) == 2:
            raise SystemExit

    monkeypatch.setattr(watch, "look", lambda *_: None)
    monkeypatch.setattr(watch.old_runs, "look", looked)
    monkeypatch.setattr(watch.time, "sleep", rest)
    with pytest.raises(SystemExit):
        watch.main(place.state)
    assert rounds == [None, "at work"]


def test_a_restart_that_was_cut_short_is_ended_by_the_next_watch_and_who_was_stopped_by_a_person_stays_so(
    place: Place, deeds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(place: Place, name: str) -> None:
        deeds.append(f"stop {name}")
        raise SystemExit

    with monkeypatch.context() as cut_short:
        cut_short.setattr(watch.supervisor, "stop_program", killed)
        seen = Seen()
        act(place, SCHEDULER, seen, "gave no sign", "RUNNING", now=1.0)
        with pytest.raises(SystemExit):
            act(place, SCHEDULER, seen, "gave no sign", "RUNNING", now=2.0 + SCHEDULER.patience_seconds)
    seen = Seen()
    act(place, SCHEDULER, seen, "does not run", "STOPPING", now=1.0)
    assert deeds == ["stop scheduler"]
    act(place, SCHEDULER, seen, "does not run", "STOPPED", now=11.0)
    assert deeds == ["stop scheduler", "start scheduler"]
    act(place, SCHEDULER, seen, "does not run", "STOPPED", now=1000.0)
    assert deeds == ["stop scheduler", "start scheduler"]


def test_of_a_restart_that_somebody_else_ended_nothing_is_remembered(place: Place, deeds: list[str]) -> None:
    watch.begun(place, SCHEDULER).touch()
    act(place, SCHEDULER, Seen(), None, "RUNNING", now=1.0)
    act(place, SCHEDULER, Seen(), "does not run", "STOPPED", now=2.0)
    assert deeds == []


def test_who_is_given_up_again_and_again_is_tried_at_growing_intervals_for_ever(place: Place, deeds: list[str]) -> None:
    seen, at = Seen(), []
    for second in range(0, 3600, watch.EVERY_SECONDS):
        before = len(deeds)
        act(place, SCHEDULER, seen, "does not run", "FATAL", now=float(second))
        at += [second] if len(deeds) > before else []
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (20, watch.LONGEST_WAIT)
    assert supervisor.names(place)[-1] == "watch"


def test_who_raises_when_asked_cannot_be_asked_and_the_others_are_watched_on(
    place: Place, deeds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(place: Place) -> str | None:
        raise RuntimeError("what somebody answered")

    raising = replace(named("api-server"), probe=broken)
    silent = replace(SCHEDULER, probe=lambda place: "gave no sign")
    monkeypatch.setattr(watch, "programs", lambda place: [raising, silent])
    monkeypatch.setattr(
        watch.supervisor, "states", lambda place: {each.name: {"statename": "RUNNING"} for each in (raising, silent)}
    )
    seen: dict[str, Seen] = defaultdict(Seen)
    for second in (1.0, 2.0 + SCHEDULER.patience_seconds):
        watch.look(place, seen, second)
    told = json.loads((place.run / "health.json").read_text())["programs"]
    assert {name: each["wrong"] for name, each in told.items()} == {
        "api-server": "cannot be asked (RuntimeError)",
        "scheduler": "gave no sign",
    }
    assert deeds == ["stop scheduler", "start scheduler"]


def test_the_watch_outlives_a_deletion_of_old_runs_that_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "a file")

    monkeypatch.setattr(watch.old_runs, "look", full)
    assert watch._cleaned(prepared(tmp_path / "s", {}), None) is None
    assert "found that it could not: OSError." in capsys.readouterr().out
