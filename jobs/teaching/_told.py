"""What a release tells: the teaching tables with days in bins and facts thinned out, until any two facts told of one patient are shared.

Survival comes first, as coarsely as the curves of 1 and 3 years need. Then what the fewest
have: genes and markers, of which more can be told as long as nothing else is. What came late is told more finely in the end.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.privacy.events import Fact, Telling
from jobs.teaching._days import LAST, ends, middles
from jobs.teaching._regimens import UNNAMED
from jobs.teaching.edu_event import KINDS
from jobs.teaching.edu_line import MOST_LINES

OTHER, COMMON, FEWEST_GENES = "other", "genes of every panel", 20
EVENTS = ("progression", "recurrence", "metastasis", *(kind for kind in KINDS if kind not in ("recurrence", "metastasis")))
SUMMARY = ("metastatic_at_dx", "n_lines", "morphology_group", "grade")
LINES = tuple(range(1, MOST_LINES + 1))
FINER = (2, 3, 4, 5)
LOSING = 0.05
# What the written tables say beside the quasi-identifiers.
FACTS = (
    Fact("edu_patient", ("outcome",)),
    Fact("edu_survival", ("days", "event")),
    Fact("edu_survival", ("entry_days",)),
    Fact("edu_survival", ("censor_reason",)),
    *(Fact("edu_tumor", (name,)) for name in (*SUMMARY, "panel")),
    Fact("edu_line", ("start_day",), ("line_number",)),
    Fact("edu_line", ("end_day",), ("line_number",)),
    Fact("edu_line", ("regimen",), ("line_number",), silent=OTHER),
    Fact("edu_line", ("setting",), ("line_number",)),
    Fact("edu_event", ("day",), ("kind",)),
    Fact("edu_biomarker", ("result",), ("marker",)),
    Fact("edu_variant", ("effect",), ("gene",)),
)

Tables = dict[str, pl.DataFrame]
Held = Mapping[str, np.ndarray]


def told(raw: Tables, quasi: pl.DataFrame, k: int, held: Held | None = None) -> Tables:
    """The tables of a release, still with `patient_id`: of the patients whose quasi-identifiers are told.

    Of a fact that is `held` back, its finest steps are not told: by name of the fact as many as it says of each patient.
    """
    return _Release(raw, quasi, k, held or {}).tables()


@dataclass
class _Release:
    raw: Tables
    quasi: pl.DataFrame
    k: int
    held: Held

    def __post_init__(self) -> None:
        self.patients = self.quasi["patient_id"].to_list()
        self.place = {patient: at for at, patient in enumerate(self.patients)}
        self.telling = Telling(len(self.patients), self.k)
        self.rows = {name: self._of_these(frame) for name, frame in self.raw.items()}
        self.covers = self._panels()

    def _of_these(self, frame: pl.DataFrame) -> pl.DataFrame:
        if "patient_id" not in frame.columns:
            return frame
        mine = frame.filter(pl.col("patient_id").is_in(self.patients))
        return mine.with_columns(person=pl.col("patient_id").replace_strict(self.place, return_dtype=pl.Int64))

    def tables(self) -> Tables:
        self._tell()
        return {
            "edu_patient": self._patient(),
            "edu_tumor": self._tumor(),
            "edu_line": self._line(),
            "edu_event": self._event(),
            "edu_survival": self._survival(),
            "edu_biomarker": self._of_kinds("edu_biomarker", "marker", "result"),
            "edu_variant": self._of_kinds("edu_variant", "gene", "effect"),
            "edu_panel_gene": self._panel_gene(),
        }

    # The order in which facts are told

    def _tell(self) -> None:
        self._add("outcome", self.quasi.with_row_index("person"), "outcome", _itself)
        self.telling.refine("outcome")
        survival = self.rows["edu_survival"].with_columns(end=pl.struct("days", "event"))
        self._add("survival", survival, "end", lambda end: _survived(end["days"], end["event"]))
        self._refine("survival", 1, 2, 3)
        self._add("censor_reason", survival, "censor_reason", _itself)
        self.telling.refine("censor_reason")
        self._tell_genes(survival)
        self._tell_values("edu_biomarker", self.rows["edu_biomarker"], "marker", "result", _itself)
        for kind in EVENTS:
            self._add(f"event {kind}", self.rows["edu_event"].filter(kind=kind), "day", _binned)
            self._refine(f"event {kind}", 1, 2)
        self._tell_begin(1, *FINER[:3])
        for name in ("event surgery", "entry", "event radiotherapy"):
            self._refine(name, *FINER[:3])
        self._add_summary()
        self.telling.refine("metastatic_at_dx")
        for number in LINES:
            self._tell_line(number)
        self._refine("survival", 4)
        self._tell_panels()
        for name in SUMMARY:
            self.telling.refine(name)
        self._tell_finer()

    def _refine(self, name: str, *steps: int) -> None:
        """Survival is told of everybody; of another fact a few may lose what is told, so that the others can be told more finely."""
        for step in steps:
            self.telling.refine(name, step, losing=0.0 if name == "survival" else LOSING)

    def _add_summary(self) -> None:
        for name in SUMMARY:
            self._add(name, self.rows["edu_tumor"], name, _itself)

    def _tell_genes(self, survival: pl.DataFrame) -> None:
        """Panel and entry, then the genes that the panel covers as it is told."""
        tumours = self.rows["edu_tumor"]
        self._add("panel", tumours, "panel", self._panel_path)
        self.telling.refine("panel", 1)
        entry = survival.drop_nulls("entry_days").with_columns(stay=pl.struct("entry_days", "days", "event"))
        self._add("entry", entry, "stay", lambda stay: _entered(stay["entry_days"], stay["days"], stay["event"]))
        self._tell_variants(self.covers.get(COMMON, set()))
        self.telling.refine("entry", 1)

    def _tell_panels(self) -> None:
        """The panels by name, and the genes that not all of them cover."""
        self.telling.refine("panel", 2)
        self._tell_variants(None)

    def _tell_variants(self, only: set[str] | None) -> None:
        panels = dict(enumerate(self.telling.told("panel")))
        rows = self.rows["edu_variant"]
        covered = [
            gene in self.covers.get(panels[person] or "", ()) for person, gene in rows.select("person", "gene").iter_rows()
        ]
        left = rows.filter(pl.Series(covered, dtype=pl.Boolean) & ~pl.col("gene").is_in(self._genes_told()))
        left = left.filter(pl.col("gene").is_in(only)) if only is not None else left
        self._tell_values("edu_variant", left, "gene", "effect", lambda effect: [OTHER] if effect == OTHER else [OTHER, effect])

    def _genes_told(self) -> list[str]:
        return [name.removeprefix("edu_variant ") for name in self.telling.facts if name.startswith("edu_variant ")]

    def _tell_values(self, table: str, rows: pl.DataFrame, kind: str, value: str, path: Callable[[str], Sequence[str]]) -> None:
        """Kinds that at least k have, the most frequent first."""
        counts = Counter(rows[kind].to_list())
        for name in sorted((name for name, count in counts.items() if count >= self.k), key=lambda name: (-counts[name], name)):
            self._add(f"{table} {name}", rows.filter(pl.col(kind) == name), value, path)
            self.telling.refine(f"{table} {name}")

    def _tell_begin(self, number: int, *finer: int) -> None:
        """The start of a line; then, of whom it is told, what can be told of the line."""
        of_number = self.rows["edu_line"].filter(line_number=number)
        self._add(f"line {number} start", of_number, "start_day", _binned)
        self._refine(f"line {number} start", 1, *finer)
        begun = [person for person, day in enumerate(self.telling.told(f"line {number} start")) if day is not None]
        known = of_number.filter(pl.col("person").is_in(begun))
        self._add(f"line {number} regimen", known.filter(~pl.col("regimen").str.contains(UNNAMED)), "regimen", _itself)
        self._add(f"line {number} setting", known, "setting", _itself)
        self._add(f"line {number} end", known, "end_day", _binned)

    def _tell_line(self, number: int) -> None:
        if f"line {number} start" not in self.telling.facts:
            self._tell_begin(number, *FINER[:2])
        for what in ("regimen", "setting"):
            self.telling.refine(f"line {number} {what}")
        self._refine(f"line {number} end", 1, 2)

    def _tell_finer(self) -> None:
        times = [*(f"line {number} {end}" for number in LINES for end in ("start", "end")), *(f"event {kind}" for kind in EVENTS)]
        for step in FINER:
            self.telling.refine("survival", step + 1)
            for name in ("entry", *times):
                self.telling.refine(name, step)  # The start of a line is not lost any more: the rest of its row hangs on it.
        self.telling.refine("survival")

    def _add(self, name: str, rows: pl.DataFrame, column: str, path: Callable[..., Sequence[str]]) -> None:
        known = rows.drop_nulls(column)
        persons, paths = known["person"].to_list(), [path(value) for value in known[column].to_list()]
        if (held := self.held.get(name)) is not None:
            paths = [steps[: max(len(steps) - held[person], 0)] for person, steps in zip(persons, paths, strict=True)]
        self.telling.add(name, persons, paths)

    # Panels

    def _panels(self) -> dict[str, set[str]]:
        """The genes of every panel by the name it is told by; panels with the same genes are one, and the genes of all of them another."""
        genes = self.raw["edu_panel_gene"].group_by("panel").agg("gene")
        own = {panel: frozenset(found) for panel, found in genes.iter_rows()}
        same: dict[frozenset[str], list[str]] = {}
        for panel in sorted(own):
            same.setdefault(own[panel], []).append(panel)
        self.names = {panel: " / ".join(same[own[panel]]) for panel in own}
        used = Counter(self.names[panel] for panel in self.rows["edu_tumor"]["panel"].drop_nulls() if panel in own)
        covers = {name: set(own[name.split(" / ")[0]]) for name in used}
        self.in_common = _with_genes_in_common(covers, used)
        return covers | ({COMMON: set.intersection(*(covers[name] for name in self.in_common))} if self.in_common else {})

    def _panel_path(self, panel: str) -> list[str]:
        name = self.names.get(panel)
        return [] if name is None else [COMMON, name] if name in self.in_common else [name]

    # The tables

    def _told(self, name: str) -> pl.Series:
        return pl.Series(self.telling.told(name) if name in self.telling.facts else [None] * len(self.patients), dtype=pl.String)

    def _patient(self) -> pl.DataFrame:
        return self.quasi

    def _tumor(self) -> pl.DataFrame:
        columns = {name: self._told(name) for name in ("morphology_group", "grade", "panel")}
        return self.quasi.select("patient_id", "tumor_group", "stage").with_columns(
            **columns,
            metastatic_at_dx=self._told("metastatic_at_dx").replace_strict(
                {"true": True, "false": False}, return_dtype=pl.Boolean
            ),
            n_lines=self._told("n_lines").cast(pl.Int32),
        )

    def _line(self) -> pl.DataFrame:
        every = [
            pl.DataFrame(
                {
                    "patient_id": self.patients,
                    "line_number": pl.Series([number] * len(self.patients), dtype=pl.Int32),
                    "start_day": self._told(f"line {number} start").cast(pl.Int32),
                    "end_day": self._told(f"line {number} end").cast(pl.Int32),
                    "regimen": self._told(f"line {number} regimen").fill_null(OTHER),
                    "setting": self._told(f"line {number} setting"),
                }
            )
            for number in LINES
        ]
        return pl.concat(every).filter(pl.col("start_day").is_not_null())

    def _event(self) -> pl.DataFrame:
        days = {kind: self._told(f"event {kind}") for kind in EVENTS} | {"sequencing": self._told("entry")}
        every = [
            pl.DataFrame({"patient_id": self.patients, "kind": [kind] * len(self.patients), "day": day.cast(pl.Int32)})
            for kind, day in days.items()
        ]
        return pl.concat(every).drop_nulls("day")

    def _survival(self) -> pl.DataFrame:
        end = self._told("survival").str.split_exact(" ", 1).struct.rename_fields(["days", "event"]).struct.unnest()
        return pl.DataFrame(
            {
                "patient_id": self.patients,
                "endpoint": ["OS"] * len(self.patients),
                "days": end["days"].cast(pl.Int32),
                "event": end["event"] == "died",
                "entry_days": self._told("entry").cast(pl.Int32),
                "censor_reason": self._told("censor_reason"),
            }
        ).drop_nulls("days")

    def _of_kinds(self, table: str, kind: str, value: str) -> pl.DataFrame:
        names = [name for name in self.telling.facts if name.startswith(f"{table} ")]
        every = [
            pl.DataFrame(
                {
                    "patient_id": self.patients,
                    kind: [name.removeprefix(f"{table} ")] * len(self.patients),
                    value: self._told(name),
                }
            )
            for name in names
        ]
        empty = pl.DataFrame(schema={"patient_id": pl.String, kind: pl.String, value: pl.String})
        return pl.concat([empty, *every]).drop_nulls(value)

    def _panel_gene(self) -> pl.DataFrame:
        used = set(self._told("panel").drop_nulls())
        rows = [(panel, gene) for panel, genes in sorted(self.covers.items()) if panel in used for gene in sorted(genes)]
        return pl.DataFrame(rows, schema={"panel": pl.String, "gene": pl.String}, orient="row")


def _with_genes_in_common(covers: dict[str, set[str]], used: Counter[str]) -> list[str]:
    """The panels of which one may tell the genes that all of them cover: all, or without the rarest ones where these cover too little."""
    names = sorted(covers, key=lambda name: (-used[name], name))
    while len(names) > 1 and len(set.intersection(*(covers[name] for name in names))) < FEWEST_GENES:
        names.pop()
    return names if len(names) > 1 else []


def _itself(value: object) -> list[str]:
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def _binned(day: int) -> list[str]:
    return [str(middle) for middle in middles(day)]


def _survived(days: int, event: bool) -> list[str]:
    """Days and end, from coarse to fine. Who is followed beyond the last day is censored there."""
    died = event and days < LAST
    return [f"{day} {'died' if died else 'alive'}" for day in _ends(days, died)]


def _ends(days: int, died: bool) -> list[int]:
    return [LAST // 2, *ends(days, died), *([LAST] if days >= LAST else [])]


def _entered(entry: int, days: int, event: bool) -> list[str]:
    """The day of entry, as far as it is before the end however coarsely that is told."""
    earliest_end = min(_ends(days, event and days < LAST))
    path = ["0"] if entry <= 0 else _binned(entry)
    return path if all(int(day) < earliest_end for day in path) else []
