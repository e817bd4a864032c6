"""A lake with simulated deliveries in it, for tests of what operators do: loaded by the real stages, published by an engine that does nothing."""

from dataclasses import dataclass
from pathlib import Path

from jobs import ingest
from jobs.landing.signature import load_keys
from jobs.returns import Report
from jobs.settings import Settings
from jobs.simulate import Answer, Faults, simulate
from tests.jobs.test_ingest_samples import NoEngine

REFUSED, RESENT = "CURIE-20250704-001", "CURIE-20250704-002"


@dataclass(frozen=True)
class Landed:
    """The settings of the lake, the deliveries, and their verdicts."""

    settings: Settings
    world: Answer
    reports: dict[str, Report]

    def of(self, center: str) -> str:
        """The accepted delivery of a hospital."""
        return next(name for name, each in self.reports.items() if each.center == center and each.outcome == "accepted")


def landed(root: Path) -> Landed:
    """One delivery of each hospital, and before Curie's the first attempt at it, damaged on its way."""
    world = simulate(30, 1, 7, root / "hospitals", faults=Faults(refused=True))
    (root / "platform.key").write_text("11" * 32)
    (root / "platform.key").chmod(0o600)
    settings = Settings(lake=str(root / "lake"), platform_key_file=root / "platform.key")
    reports = ingest.ingest(settings, world.landing, load_keys(world.keys), NoEngine())  # type: ignore[arg-type]
    return Landed(settings, world, {str(each.delivery_id): each for each in reports})
