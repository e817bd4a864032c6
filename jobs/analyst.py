"""What a notebook of an analyst imports: gold as one build left it, by Spark Connect or a Spark of its own.

from jobs.analyst import open_gold
gold = open_gold()
gold.sql("SELECT … FROM gold.endpoint")       # a pandas frame
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import builds, cohorts
from jobs.builds import Build
from jobs.cohorts import Definition, Saved
from jobs.errors import WrongUse
from jobs.lake import Lake
from jobs.ledger import Ledger
from jobs.scratch import Scratch
from jobs.session import check_engine
from jobs.settings import Settings
from jobs.silver.engine import Engine

if TYPE_CHECKING:
    import pandas as pd

THROUGH = "notebook"


@dataclass(frozen=True)
class Gold:
    """The tables of one build; whatever is built meanwhile, an answer stays what it was."""

    engine: Engine
    build: Build

    def sql(self, query: str) -> "pd.DataFrame":
        """The rows of a query over gold.…; WrongUse for one that asks anything else, or changes something."""
        found: pd.DataFrame = self.engine.sql(query, self.build.versions, THROUGH).to_pandas()
        return found

    def find(self, definition: str | Path) -> "tuple[pd.DataFrame, pd.DataFrame]":
        """The attrition and the members of a cohort that a file defines; nothing is saved.

        Counts in the attrition are multiples of 5, None where they would tell of fewer than 11 patients.
        """
        cohort, members = cohorts.found(
            lambda asking: self.engine.sql(asking, self.build.versions, THROUGH),
            Definition.read(Path(definition)),
            self.build.number,
            "",
        )
        return _attrition(cohort), members.to_pandas()

    def saved(self, name: str) -> "tuple[pd.DataFrame, pd.DataFrame]":
        """The attrition and the members of a saved cohort."""
        cohort = cohorts.named(self.engine.lake, name)
        rows = self.engine.lake.frame("gold", "cohort").to_pandas()
        return _attrition(cohort), rows[rows["cohort_definition_id"] == name].reset_index(drop=True)

    def keep(self, name: str, rows: "pd.DataFrame") -> Path:
        """Keep rows in this user's scratch space, until people leave whom the build shows."""
        return self.scratch.keep(name, self.build.number, rows)

    def kept(self, name: str) -> "pd.DataFrame":
        """The rows that were kept under a name in this build."""
        return self.scratch.kept(name, self.build.number)

    @property
    def scratch(self) -> Scratch:
        """The private folder of this user."""
        return Scratch.opened(self.engine.lake)

    def cite(self) -> str:
        """The build as a paper cites it."""
        return builds.citation(self.engine.lake, self.build)

    def close(self) -> None:
        """Stop the Spark of this notebook."""
        self.engine.close()


def _attrition(cohort: Saved) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(cohort.attrition, columns=["criterion", "patients_left"]).astype({"patients_left": "Int64"})


def open_gold(lake: str | None = None, build: int | None = None) -> Gold:
    """Gold of a lake (LAKE_ROOT, then ./lake, where none is named) as a build left it, the newest where none is named.

    SPARK_REMOTE names the engine; without it Spark starts in this process.
    """
    settings = Settings.from_environment(lake)
    Ledger(settings, create=False).close()
    check_engine(settings)
    where = Lake.of(settings)
    number = builds.newest(where) if build is None else build
    if not number:
        raise WrongUse(f"Expected a lake with gold at {settings.lake}, found none: name it in LAKE_ROOT, or run `pscc build`.")
    return Gold(Engine(settings), builds.build(where, number))
