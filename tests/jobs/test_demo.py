"""The demo: an engine and a ledger of its own, and an exit code that tells whether its runs went well."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from jobs import cli, demo
from jobs.errors import WrongUse


def run(dag: str, state: str, **tasks: str) -> dict[str, object]:
    return {"dag": dag, "run": "r", "state": state, "key": "1", "tasks": tasks}


@pytest.mark.parametrize(
    ("ended", "failed"),
    [
        (run("delivery_ingest", "success", verify="success", verdict="success"), []),
        (run("delivery_ingest", "failed", verify="success", land="skipped", verdict="failed"), []),
        (run("delivery_ingest", "failed", verify="success", land="failed", verdict="failed"), ["delivery_ingest.land"]),
        (run("gold_build", "success", endpoint="success", verdict="success"), []),
        (run("gold_build", "failed", endpoint="failed", verdict="failed"), ["gold_build.endpoint", "gold_build.verdict"]),
        (run("gold_build", "running", endpoint="up_for_retry"), ["gold_build.the run"]),
        (run("landing_intake", "failed", find="failed"), ["landing_intake.find"]),
    ],
)
def test_a_refused_delivery_is_no_failure_and_everything_else_is_one(ended: dict[str, object], failed: list[str]) -> None:
    assert demo.failures([ended]) == failed


def test_nothing_to_do_is_no_failure() -> None:
    assert demo.failures([]) == []


def test_it_uses_no_ledger_and_no_engine_of_this_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSCC_DATABASE_URL", "postgresql://somebody@elsewhere/lake")
    monkeypatch.setenv("SPARK_REMOTE", "sc://elsewhere:15002")
    demo.prepare(tmp_path)
    assert not {"PSCC_DATABASE_URL", "SPARK_REMOTE"} & os.environ.keys()


def test_without_dags_it_says_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DAGS", tmp_path / "dags")
    with pytest.raises(WrongUse, match="from a checkout"):
        demo.prepare(tmp_path)


def test_a_simulation_that_was_interrupted_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def simulate(*arguments: object, **_: object) -> None:
        to = arguments[3]
        assert isinstance(to, Path)
        assert not to.exists()
        to.mkdir()
        (to / ("keys.json" if interrupted else "half")).touch()
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt

    interrupted: list[bool] = []
    monkeypatch.setattr("jobs.simulate.simulate", simulate)
    with pytest.raises(KeyboardInterrupt):
        demo.simulated(tmp_path, Console(file=io.StringIO()))
    _, keys = demo.simulated(tmp_path, Console(file=io.StringIO()))
    assert keys.is_file()
    assert [each.name for each in tmp_path.iterdir()] == ["hospitals"]


def test_what_lies_where_the_simulated_hospitals_go_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "hospitals").mkdir()
    (tmp_path / "hospitals" / "mine").touch()
    with pytest.raises(WrongUse, match="remove it, then run again"):
        demo.simulated(tmp_path, Console(file=io.StringIO()))
    assert (tmp_path / "hospitals" / "mine").is_file()


@pytest.mark.parametrize(("went_well", "code"), [(True, 0), (False, 1)])
def test_its_exit_code_tells_whether_it_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, went_well: bool, code: int
) -> None:
    monkeypatch.setattr(demo, "prepare", lambda _: None)
    monkeypatch.setattr(demo, "demo", lambda *_: went_well)
    monkeypatch.setattr("sys.argv", ["pscc", "demo", "--to", str(tmp_path / "demo")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code or 0) == code
