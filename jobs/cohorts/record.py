"""The record of cohorts: what was defined, by whom, what for, on which build, and how many it left. `ops.cohort` only ever grows."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from jobs.lake import Lake

MADE, DROPPED = "made", "dropped"
COHORTS = pa.schema(
    [
        ("cohort_definition_id", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("by", pa.string()),
        ("state", pa.string()),
        ("title", pa.string()),
        ("purpose", pa.string()),
        ("build", pa.int64()),
        ("definition", pa.string()),
        # By step its words and how many are left, as it may be shown.
        ("attrition", pa.string()),
    ]
)


@dataclass(frozen=True)
class Saved:
    """A cohort as it was saved."""

    name: str
    title: str
    purpose: str
    by: str
    at: datetime
    build: int
    text: str
    attrition: tuple[tuple[str, int | None], ...]

    def told(self) -> dict[str, object]:
        """What is known of it, for programs."""
        return self.__dict__ | {"at": self.at.isoformat(), "attrition": [list(each) for each in self.attrition]}


def saved(lake: Lake) -> dict[str, Saved]:
    """The cohorts that are there, by name."""
    found: dict[str, Saved] = {}
    rows = lake.frame("ops", "cohort", COHORTS.names).sort("at") if lake.exists("ops", "cohort") else None
    for row in rows.iter_rows(named=True) if rows is not None else ():
        name = row["cohort_definition_id"]
        found.pop(name, None)
        if row["state"] == MADE:
            steps = tuple((say, left) for say, left in json.loads(row["attrition"]))
            found[name] = Saved(name, row["title"], row["purpose"], row["by"], row["at"], row["build"], row["definition"], steps)
    return found


def keep(lake: Lake, cohort: Saved, state: str = MADE) -> None:
    """Note that a cohort was made or dropped."""
    line = {
        "cohort_definition_id": cohort.name,
        "at": cohort.at,
        "by": cohort.by,
        "state": state,
        "title": cohort.title,
        "purpose": cohort.purpose,
        "build": cohort.build,
        "definition": cohort.text,
        "attrition": json.dumps(cohort.attrition),
    }
    lake.write("ops", "cohort", pa.Table.from_pylist([line], COHORTS))


def forget(lake: Lake, cohort: Saved, by: str) -> None:
    """Note that a cohort was dropped."""
    keep(lake, replace(cohort, by=by, at=datetime.now(UTC)), DROPPED)
