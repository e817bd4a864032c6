"""The real sample deliveries, and lakes to pour them into."""

import os
import shutil
from pathlib import Path

import pytest

from jobs.ingest import ingest
from jobs.landing.signature import load_keys
from jobs.returns import Report
from jobs.settings import Settings
from jobs.silver.engine import Engine

KEY = "11" * 32


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
