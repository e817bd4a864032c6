"""One small simulation that the tests of the simulator look at."""

from pathlib import Path

import pytest

from jobs.simulate import Answer, simulate


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return simulate(400, 3, 7, tmp_path_factory.mktemp("simulated") / "world")


@pytest.fixture(scope="session")
def manifests(simulated: Answer) -> list[Path]:
    return sorted(simulated.landing.rglob("manifest.json"))
