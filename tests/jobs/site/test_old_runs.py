"""The service that has old runs deleted from Airflow's database: once a day, whatever became of its container, and it shows that it is at work."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.site import old_runs, probe

NIGHT = datetime(2026, 11, 27, 4, tzinfo=UTC)


def test_it_works_once_a_day_and_says_when_airflow_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = []

    def instead(days: int, at: datetime) -> list[str]:
        begun.append((days, at))
        return ["/bin/sh", "-c", "exit 1"]

    monkeypatch.setattr(old_runs.old_runs, "command", instead)
    monkeypatch.setattr(old_runs, "SIGN", tmp_path / "sign")
    day = timedelta(days=1)
    for at in (NIGHT, NIGHT + day, NIGHT + day + timedelta(hours=1), NIGHT + 2 * day):
        old_runs.look(tmp_path / "note", at)
    assert begun == [(90, NIGHT + day), (90, NIGHT + 2 * day)]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("Expected Airflow to delete old runs from its database, found that it could not: ")


def test_it_is_well_while_it_gives_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = tmp_path / "sign"
    monkeypatch.setattr(probe, "SIGN", sign)
    assert probe.wrong_with("old-runs") == "gave no sign"
    sign.touch()
    assert probe.wrong_with("old-runs") is None
    os.utime(sign, (0, 0))
    assert probe.wrong_with("old-runs") == "gave no sign"
