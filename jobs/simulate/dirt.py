"""Defects put into clean rows at the rates asked for, each with the reason a receiver must give, or none where it repairs the row.

Only plain records carry dirt: a person who objects, is merged or is linked is never dirty too, so that the key of both stays exact.
The share of dirty rows is met by a golden-ratio sequence over the records of a feed, not by dice: it is exact within a row or two.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from jobs.hospitals.feed import Column
from jobs.simulate.calendar import NEVER
from jobs.simulate.draw import pseudonyms
from jobs.simulate.options import Dirt
from jobs.simulate.people import Records
from jobs.simulate.rows import Rows

GOLDEN = 0.6180339887498949
FUTURE, PAST = "2031-05-14", "1871-05-14"
# What the answer key is made from must survive the dirt.
NEEDED = {
    "STATUT_VITAL", "DATE_DECES", "DATE_DERNIERES_NOUVELLES", "DATE_DIAG", "T", "N", "M", "STADE", "GRADE", "OMS_DIAG",
    "Patient_LastNewsStatus", "Patient_DeathDate", "Patient_LastNewsDate", "TumorPathologyEvent_DiagnosisDate",
    "TumorPathologyEvent_StartDate", "TumorPathologyEvent_PerformanceStatus", "TumorPathologyEvent_G8", "Technology_TechnicalProtocol",
    "death_datetime", "visit_start_datetime", "visit_end_datetime", "condition_start_datetime", "episode_start_datetime", "value_source_value",
    "episode_object_source_value",
}  # fmt: skip
REFUSED = {
    "missing": "REQUIRED_MISSING",
    "unreadable": "TYPE_INVALID",
    "bad_code": "CODE_INVALID",
    "out_of_range": "RANGE_INVALID",
    "impossible_date": "DATE_IMPOSSIBLE",
}
LEAVES = {"drug", "lab", "response", "toxicity", "biomarker", "surgery", "radiotherapy_dose", "event", "condition", "procedure"}
# Defects that need a later delivery to show.
LATER = {"deleted", "corrected", "late", "cancelled"}
SENTINELS = {"gr": "NR", "curie": "UMLS:C0439673", "aphp": "Non renseigné"}
TECHNICAL = {"DATE_MAJ", "TOP_SUPPR", "op", "extract_ts"}


@dataclass
class Soiling:
    """Applies the rates to feed after feed, chunk after chunk, and counts what it did."""

    rates: Dirt
    rng: np.random.Generator
    rounds: int
    done: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    _seen: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def apply(self, center: str, rows: Rows, own: Records) -> Rows:
        """The rows with `_reason`, `_deleted`, `_order` and, where the patient was exchanged or emptied, `_pid` and `_lost`."""
        frame = rows.frame.with_columns(
            pl.lit(None, pl.String).alias("_reason"),
            pl.lit(False).alias("_deleted"),
            pl.lit(1).alias("_order"),
            pl.lit(False).alias("_lost"),
        )
        if "_pid" not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias("_pid"))
        if not rows.may_be_dirty or frame.is_empty():
            return replace(rows, frame=frame)
        frame = frame.sort("_entity", "_round", maintain_order=True)
        first = frame["_entity"].is_first_distinct().to_numpy() & own.plain[frame["_record"].to_numpy()]
        kinds = self._kinds(center, rows, frame)
        chosen = self._choose(f"{center}.{rows.domain}", first, kinds, len(frame))
        in_time = frame["_round"].to_numpy() + 1 < self.rounds
        added: list[pl.DataFrame] = []
        for kind in kinds:
            able = first & in_time if kind in LATER else first
            hit = np.flatnonzero((chosen == kind) & able)
            self.done[kind][0] += int(able.sum())
            self.done[kind][1] += len(hit)
            if len(hit):
                frame, more = self._soil(center, rows, frame, kind, hit)
                added.extend(more)
        for kind, able in self._special(center, rows, frame, first & (chosen == "")).items():
            able = able & in_time if kind in LATER else able
            hit = np.flatnonzero(self._choose(f"{center}.{rows.domain}.{kind}", able, [kind], len(frame)) == kind)
            self.done[kind][0] += int(able.sum())
            self.done[kind][1] += len(hit)
            if len(hit):
                frame, more = self._mend(center, rows, frame, kind, hit)
                added.extend(more)
        whole = pl.concat([frame, *(_free(frame, more) for more in added)]) if added else frame
        return replace(rows, frame=whole.filter(pl.col("_round") < self.rounds))

    def _choose(self, stream: str, able: np.ndarray, kinds: list[str], size: int) -> np.ndarray:
        """A kind of dirt for each row, or nothing: the n-th able row of a stream has the n-th number of the sequence."""
        count = int(able.sum())
        numbers = (np.arange(count) + self._seen[stream, ""]) * GOLDEN + sum(stream.encode()) / 97
        self._seen[stream, ""] += count
        limits = np.cumsum([getattr(self.rates, kind) for kind in kinds])
        place = np.searchsorted(limits, numbers % 1.0, side="right")
        chosen = np.full(size, "", dtype=object)
        chosen[able] = np.array([*kinds, ""], dtype=object)[place]
        return chosen

    def _kinds(self, center: str, rows: Rows, frame: pl.DataFrame) -> list[str]:
        if rows.domain == "stay":
            return ["missing", "bad_code", "impossible_date", "duplicate"]
        columns = self._columns(center, rows, frame)
        found = [kind for kind in (*REFUSED, "unknown_code", "unreadable_optional", "sentinel") if columns.get(kind)]
        if rows.feed.key:
            found.append("duplicate")
        if rows.own_patient and rows.domain not in ("patient", "consent"):
            found.append("orphan")
        if rows.domain in ("patient", "tumour"):
            found.append("late")
        if rows.domain in LEAVES:
            found.append("deleted")
        if rows.domain in ("tumour", "drug", "response", "biomarker", "surgery", "condition", "procedure", "line"):
            found.append("corrected")
        return found

    def _columns(self, center: str, rows: Rows, frame: pl.DataFrame) -> dict[str, list[str]]:
        """For each kind, the columns of the feed that can carry it."""
        named = [
            c for c in rows.feed.columns if c.name in frame.columns and c.name not in TECHNICAL and not c.key and not c.parent
        ]
        needed = [c for c in named if c.required and c.type not in ("hash64", "token")]
        free = [
            c
            for c in named
            if not c.required and c.required_when is None and c.name not in NEEDED and not c.birth and c.type != "token"
        ]
        text = center != "aphp"
        dates = ("date", "date~", "datetime", "timestamp")
        sentinel = [c for c in free if (c.codes and SENTINELS[center] not in c.codes) or (c.type == "text" and center == "gr")]
        return {
            "missing": [c.name for c in needed] or (["_pid"] if rows.own_patient else []),
            "unreadable": [
                c.name
                for c in needed
                if text and c.type in (*dates, "int") and rows.domain not in ("patient", "sample", "variant")
            ],
            # A kind of episode that nobody knows would first miss its parent.
            "bad_code": [c.name for c in needed if (c.codes or c.pattern) and c.name != "episode_source_value"],
            "out_of_range": [c.name for c in needed if c.high is not None]
            or (["t_alt_count"] if rows.feed.format == "maf" else []),
            "impossible_date": [c.name for c in named if c.type in dates and not c.birth],
            "unknown_code": [c.name for c in free if c.codes or c.pattern],
            "unreadable_optional": [c.name for c in free if text and c.type in (*dates, "int", "dec")],
            "sentinel": [c.name for c in sentinel],
        }

    def _soil(
        self, center: str, rows: Rows, frame: pl.DataFrame, kind: str, hit: np.ndarray
    ) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """The frame with the defect in the rows `hit`, and versions to add: duplicates, corrections, deletions."""
        clean = frame[hit]
        if kind == "duplicate":
            return frame, [clean.with_columns(pl.lit(0).alias("_order"), pl.lit("DUPLICATE_KEY").alias("_reason"))]
        if kind == "orphan":
            return self._orphan(frame, clean), []
        if kind == "late":
            return self._delay(frame, hit), []
        if kind == "deleted":
            return frame, [clean.with_columns(pl.col("_round") + 1, pl.lit(True).alias("_deleted"))]
        if kind == "corrected":
            better = [clean.with_columns(pl.col("_round") + 1)]
            side = {"gr": "LATERALITE", "curie": "TumorPathologyEvent_Laterality"}.get(center, "")
            if side in frame.columns:
                frame = _put(frame, hit, {side: pl.Series([None] * len(hit), dtype=pl.String)})
            return frame, better
        if rows.domain == "stay":
            return _put(
                frame, hit, {"_line": _soiled_line(clean["_line"], kind), "_reason": pl.Series([REFUSED[kind]] * len(hit))}
            ), []
        columns = self._columns(center, rows, frame)[kind]
        for place, name in enumerate(columns):
            part = hit[np.arange(len(hit)) % len(columns) == place]
            if len(part):
                column = next((c for c in rows.feed.columns if c.name == name), Column(name, "hash64"))
                frame = _put(frame, part, {name: self._bad(center, kind, column, frame[part])})
        if kind not in REFUSED:
            return frame, []
        frame = _put(frame, hit, {"_reason": pl.Series([REFUSED[kind]] * len(hit))})
        return frame, self._amends(rows, clean)

    def _amends(self, rows: Rows, clean: pl.DataFrame) -> list[pl.DataFrame]:
        """Half of the refused rows are sent again, right, one delivery later. A variant is never: its file replaces all of its analysis."""
        if rows.feed.format == "maf":
            return []
        return [
            clean.filter(pl.Series(np.arange(len(clean)) % 2 == 0)).with_columns(pl.col("_round") + 1, pl.lit(2).alias("_order"))
        ]

    def _bad(self, center: str, kind: str, column: Column, clean: pl.DataFrame) -> pl.Series:
        count, dtype = len(clean), clean[column.name].dtype
        if kind == "missing":
            return pl.Series(["" if column.name == "_pid" else None] * count, dtype=dtype)
        if kind == "impossible_date":
            day = pl.Series([FUTURE if n % 3 else PAST for n in range(count)]).str.to_date()
            if dtype.is_temporal():
                return day.cast(dtype)
            form = {"gr": "%d/%m/%Y", "curie": "%Y-%m-%d"}[center]
            return day.dt.strftime(form + (" 08:00" if column.type == "datetime" else ""))
        if kind == "out_of_range":
            if column.name == "t_alt_count":
                return (clean["t_depth"].cast(pl.Int64) + 40).cast(pl.String)
            return pl.Series([str((column.high or 0) + 4)] * count)
        if kind in ("unreadable", "unreadable_optional"):
            dates = column.type in ("date", "date~", "datetime")
            bad = ({"gr": "31/02/2020", "curie": "2020-02-31"}[center], "mars 2019") if dates else ("deux", "1.2.3")
            return pl.Series([bad[n % 2] for n in range(count)])
        if kind == "sentinel":
            return pl.Series([SENTINELS[center]] * count)
        return pl.Series(["INCONNU9" if kind == "bad_code" else "HORS LISTE"] * count)

    def _orphan(self, frame: pl.DataFrame, clean: pl.DataFrame) -> pl.DataFrame:
        """Every version of the rows belongs to a patient whom nobody knows."""
        stranger = pl.DataFrame({"_entity": clean["_entity"], "_stranger": pseudonyms(self.rng, len(clean))})
        frame = frame.join(stranger, on="_entity", how="left", maintain_order="left")
        strange = pl.col("_stranger").is_not_null()
        if "_inherits" in frame.columns:
            frame = frame.with_columns(pl.col("_inherits") & ~strange)
        return frame.with_columns(pl.coalesce("_stranger", "_pid").alias("_pid"), pl.col("_lost") | strange).drop("_stranger")

    def _delay(self, frame: pl.DataFrame, hit: np.ndarray) -> pl.DataFrame:
        """The first version comes a delivery later, or is skipped where another version comes then anyway."""
        entity, round_ = frame["_entity"].to_numpy(), frame["_round"].to_numpy().copy()
        after = np.append(np.arange(1, len(frame)), 0)
        taken = (entity[after[hit]] == entity[hit]) & (round_[after[hit]] == round_[hit] + 1)
        round_[hit] = np.where(taken, NEVER, round_[hit] + 1)
        return frame.with_columns(pl.Series("_round", round_.astype(np.int32)))

    def _special(self, center: str, rows: Rows, frame: pl.DataFrame, able: np.ndarray) -> dict[str, np.ndarray]:
        """Kinds that only some rows of a feed can carry, with these rows."""
        found = {}
        if "_lab" in frame.columns:
            lab = frame["_lab"].to_numpy()
            half = np.arange(len(frame)) % 2 == 0
            found["provisional"], found["cancelled"] = able & lab & half, able & lab & ~half
        label = _label(center, rows.domain)
        if label is not None:
            accented = frame[label].str.contains("[éèÉ]").fill_null(False).to_numpy()
            # A file of nothing but doubly encoded accents would be UTF-8 as a whole, which is another fault.
            often = (
                pl.Series(accented)
                .cast(pl.Int32)
                .to_frame("n")
                .with_columns(frame["_round"])
                .select(pl.col("n").sum().over("_round"))["n"]
            )
            found["double_encoded"] = able & accented & (often.to_numpy() >= 10) & (np.arange(len(frame)) % 3 > 0)
        typed = _typed(center, rows.domain)
        if typed is not None:
            mistakable = {"gr": r"\.", "curie": "^UMLS:", "aphp": r"^C\d{3}$"}[center]
            found["typing_error"] = able & frame[typed].str.contains(mistakable).fill_null(False).to_numpy()
        return found

    def _mend(
        self, center: str, rows: Rows, frame: pl.DataFrame, kind: str, hit: np.ndarray
    ) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        clean = frame[hit]
        if kind in ("provisional", "cancelled"):
            status = "STATUT" if center == "gr" else "row_status_source_value"
            refused = pl.lit("NOT_VALIDATED").alias("_reason")
            waiting, void = ("PROVISOIRE", "ANNULE") if center == "gr" else ("Attendu", "Discontinué")
            if kind == "cancelled":
                return frame, [clean.with_columns(pl.lit(void).alias(status), refused, pl.col("_round") + 1)]
            frame = _put(
                frame, hit, {status: pl.Series([waiting] * len(hit)), "_reason": pl.Series(["NOT_VALIDATED"] * len(hit))}
            )
            return frame, [clean.with_columns(pl.col("_round") + 1, pl.lit(2).alias("_order"))]
        if kind == "double_encoded":
            name = _label(center, rows.domain) or ""
            twice = [text.encode("utf-8").decode("cp1252", errors="replace") for text in clean[name]]
            return _put(
                frame, hit, {name: pl.Series([t if "\ufffd" not in t else c for t, c in zip(twice, clean[name], strict=True)])}
            ), []
        name = _typed(center, rows.domain) or ""
        mistyped = {
            "gr": clean[name].str.replace(".", ",", literal=True),
            "curie": clean[name].str.replace("UMLS:", "ULMS:", literal=True),
            "aphp": clean[name].str.slice(0, 3) + "." + clean[name].str.slice(3),
        }[center]
        return _put(frame, hit, {name: mistyped}), []


def _free(frame: pl.DataFrame, added: pl.DataFrame) -> pl.DataFrame:
    """The added versions whose round has none of the same row yet: two would be duplicates nobody asked for."""
    wanted = added.filter(pl.col("_order") == 0)
    other = added.filter(pl.col("_order") != 0).join(frame.select("_entity", "_round"), on=["_entity", "_round"], how="anti")
    return pl.concat([wanted, other])


def _label(center: str, domain: str) -> str | None:
    return {("gr", "drug"): "LIBELLE_UCD", ("gr", "lab"): "LIBELLE", ("gr", "surgery"): "LIBELLE"}.get((center, domain))


def _typed(center: str, domain: str) -> str | None:
    return {
        ("gr", "tumour"): "CODE_CIM10",
        ("curie", "tumour"): "TumorPathologyEvent_Laterality",
        ("aphp", "condition"): "condition_source_value",
    }.get((center, domain))


def _put(frame: pl.DataFrame, places: np.ndarray, values: dict[str, pl.Series]) -> pl.DataFrame:
    """The frame with the given values at the given places."""
    columns = []
    for name, series in values.items():
        column = frame[name].clone()
        columns.append(column.scatter(places.tolist(), series.cast(column.dtype)).alias(name))
    return frame.with_columns(columns)


def _soiled_line(lines: pl.Series, kind: str) -> pl.Series:
    """An RSS record without main diagnosis, of an unknown format version, or that ends before it begins."""
    if kind == "missing":
        return lines.str.slice(0, 125) + " " * 8 + lines.str.slice(133)
    if kind == "bad_code":
        return lines.str.slice(0, 9) + "021" + lines.str.slice(12)
    return lines.str.slice(0, 87) + "01012001" + lines.str.slice(95)
