"""The real sample deliveries, lakes to pour them into, and parts of the acceptance run that need not run again."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from jobs.ingest import ingest
from jobs.landing.signature import load_keys
from jobs.returns import Report
from jobs.settings import Settings
from jobs.silver.engine import Engine
from tests.flow import parts

KEY = "11" * 32


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Passes over a part of the acceptance run that has passed on these sources, before anything is made for it."""
    if item.get_closest_marker("acceptance") and (when := parts.passed(item.nodeid)):
        parts.passed_before.append(item.nodeid)
        pytest.skip(f"passed on these very sources on {when}: see {parts.folder()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers a part that passed."""
    report = yield
    if report.when == "call" and report.passed and item.get_closest_marker("acceptance"):
        parts.remember(item.nodeid)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if parts.passed_before:
        terminalreporter.write_line(
            f"{len(parts.passed_before)} parts passed before on these very sources and were not run again; "
            f"delete {parts.folder()} to run them all."
        )


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the real deliveries with their answer keys."""
    folder = Path(os.environ.get("PSCC_SAMPLES", "../shared/deliveries"))
    if not (folder / "landing").is_dir():
        pytest.skip(f"the sample deliveries are not at {folder}: set PSCC_SAMPLES to their folder")
    return folder.resolve()


class Lakehouse:
    """A lake of its own and the engine that all of them share."""

    def __init__(self, root: Path, spark: object) -> None:
        self.root = root
        key_file = root.parent / f"{root.name}.key"
        key_file.write_text(KEY)
        key_file.chmod(0o600)
        self.settings = Settings(lake=str(root), platform_key_file=key_file)
        self.engine = Engine(self.settings)
        self.engine._spark = spark  # type: ignore[assignment]

    def ingest(self, landing: Path, keys: Path) -> list[Report]:
        return list(ingest(self.settings, landing, load_keys(keys), self.engine))

    def copy(self, to: Path) -> "Lakehouse":
        shutil.copytree(self.root, to)
        return Lakehouse(to, self.engine._spark)


@pytest.fixture
def lakehouse(tmp_path: Path, spark: object) -> Lakehouse:
    return Lakehouse(tmp_path / "lake", spark)


def announce(delivery: Path, landing: Path) -> None:
    """Drop a delivery: its files, then its manifest."""
    target = landing / Path(*delivery.parts[-4:])
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(delivery, target, symlinks=True)
    os.utime(target / "manifest.json")
