"""The answer key: what must be in silver after every delivery, kept while the world is simulated, chunk by chunk."""

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from jobs.simulate.calendar import CENTERS, Delivery
from jobs.simulate.fate import Fate
from jobs.simulate.rows import Rows

TABLES = (
    "adverse_event", "biomarker", "diagnosis_coded", "drug_administration", "encounter", "grade", "lab_result", "molecular_analysis",
    "panel_gene", "performance_status", "person", "primary_cancer", "procedure_coded", "radiotherapy_course", "response_assessment",
    "rights_register", "specimen", "staging", "surgery", "treatment_line_src", "trial_enrollment", "tumor_event", "variant",
)  # fmt: skip
# Files without a silver row of their own: nobody waits for their orphans.
UNCOUNTED = {"patient_link", "panel_matrix", "episode_link"}
COLUMNS = {
    "rejected_rows": ("delivery_id", "path", "domain", "row_no", "source_key", "reason"),
    "opposed_patients": (
        "center", "patient_id", "how", "source_center", "source_patient_id", "scope", "from_delivery", "lifted_delivery", "absent_at_end",
    ),
    "linked_pairs": ("center_a", "patient_a", "center_b", "patient_b", "kind", "token_on_both", "linked", "both_visible"),
    "merges": ("center", "old_patient_id", "kept_patient_id", "delivery_id"),
    "persons": (
        "person_group", "center", "patient_id", "vital_status_here", "death_date_here", "last_news_here", "vital_status", "death_date",
        "last_news_date",
    ),
    "survival": (
        "center", "patient_id", "tumour_key", "inferred", "index_tumour", "dx_date", "dx_precision", "vital_status", "os_event", "os_days",
        "os_precision", "cdr_os", "cdr_os_time",
    ),
}  # fmt: skip


class Key:
    """Counters for what is counted, open files for what is listed."""

    def __init__(self, folder: Path, deliveries: tuple[Delivery, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.deliveries = folder, deliveries
        self.steps = len(deliveries)
        self.counts: dict[tuple[str, str], np.ndarray] = defaultdict(lambda: np.zeros(self.steps, dtype=np.int64))
        self.waiting: dict[tuple[str, str, str], np.ndarray] = defaultdict(lambda: np.zeros(self.steps, dtype=np.int64))
        self.opposed: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.tested: Counter[tuple[str, str, str]] = Counter()
        self.altered: Counter[tuple[str, str, str]] = Counter()
        self.groups = 0
        self._open: dict[str, IO[str]] = {}
        self._lists = {name: self._start(name, header) for name, header in COLUMNS.items()}

    def _start(self, name: str, header: tuple[str, ...]) -> Any:
        self._open[name] = (self.folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
        writer = csv.writer(self._open[name], lineterminator="\n")
        writer.writerow(header)
        return writer

    def listed(self, name: str, rows: list[tuple]) -> None:
        self._lists[name].writerows(rows)

    def dropped(self, delivery: Delivery, domain: str, count: int) -> None:
        if count:
            self.opposed[delivery.id, domain] += count

    def set_aside(
        self, delivery: Delivery, path: str, domain: str, numbers: np.ndarray, keys: pl.Series | None, reasons: pl.Series
    ) -> None:
        texts = keys.cast(pl.String).fill_null("").to_list() if keys is not None else [""] * len(numbers)
        rows = [(delivery.id, path, domain, int(n), k, r) for n, k, r in zip(numbers, texts, reasons, strict=True)]
        self.listed("rejected_rows", rows)
        self.refused[delivery.id] += len(rows)
        self.reasons.update(reasons.to_list())

    def count(self, center: int, rows: Rows, fate: Fate) -> None:
        """Adds the current and waiting rows of a feed at every step."""
        first = rows.frame.sort("_entity", "_round", "_order", maintain_order=True).unique(
            "_entity", keep="last", maintain_order=True
        )
        amounts = {
            table: np.ones(len(fate.entity), dtype=np.int64) if c == "_one" else first[c].fill_null(0).cast(pl.Int64).to_numpy()
            for table, c in rows.counts.items()
        }
        groups = {table: first[c].to_numpy() for table, c in rows.distinct.items()}
        orphan = rows.domain not in UNCOUNTED
        for step in range(self.steps):
            current = fate.current(step)
            for table, amount in amounts.items():
                self.counts[CENTERS[center], table][step] += int(amount[current].sum())
            for table, group in groups.items():
                inside = group[current].astype(float)
                self.counts[CENTERS[center], table][step] += len(np.unique(inside[~np.isnan(inside)]))
            if orphan:
                waiting = fate.waiting(step)
                if waiting.any():
                    strange = fate.strange(step)
                    for reason, mask in (("ORPHAN_PATIENT", strange), ("ORPHAN_PARENT", ~strange)):
                        self.waiting[CENTERS[center], rows.domain, reason][step] += int((waiting & mask).sum())

    def finish(self, sizes: dict[str, tuple[int, int]]) -> None:
        """Writes the tables of counts; `sizes` gives files and rows of every delivery."""
        for file in self._open.values():
            file.close()
        self._table_of_deliveries(sizes)
        self.table(
            "counts_by_delivery",
            ("step", "after_delivery_id", "center", "silver_table", "rows"),
            [
                (d.step + 1, d.id, center, table, int(self.counts[center, table][d.step]))
                for d in self.deliveries
                for center in CENTERS
                for table in TABLES
            ],
        )
        self.table(
            "quarantine_after",
            ("step", "after_delivery_id", "center", "domain", "reason", "rows"),
            [
                (d.step + 1, d.id, *what, int(rows[d.step]))
                for d in self.deliveries
                for what, rows in sorted(self.waiting.items())
                if rows[d.step]
            ],
        )
        self.table(
            "opposed_rows", ("delivery_id", "domain", "rows"), [(*what, rows) for what, rows in sorted(self.opposed.items())]
        )
        self._table_of_genes()

    def _table_of_deliveries(self, sizes: dict[str, tuple[int, int]]) -> None:
        opposed = Counter[str]()
        for (delivery, _), rows in self.opposed.items():
            opposed[delivery] += rows
        self.table(
            "deliveries",
            ("step", "delivery_id", "center", "created_at", "previous_delivery_id", "files", "rows", "rejected_rows", "opposed_rows", "status"),
            [
                (
                    d.step + 1, d.id, d.center, f"{d.created:%Y-%m-%dT%H:%M:%SZ}", d.previous or "", *sizes[d.id], self.refused[d.id],
                    opposed[d.id], "accepted",
                )
                for d in self.deliveries
            ],
        )  # fmt: skip

    def _table_of_genes(self) -> None:
        counted = [(self.altered, "s"), (self.tested, "s"), (self.altered, "p"), (self.tested, "p")]
        genes = sorted({(center, gene) for center, gene, _ in self.tested})
        self.table(
            "gene_counts",
            ("center", "gene", "samples_altered", "samples_tested", "persons_altered", "persons_tested"),
            [(center, gene, *(of[center, gene, what] for of, what in counted)) for center, gene in genes],
        )

    def table(self, name: str, header: tuple[str, ...], rows: list[tuple]) -> None:
        with (self.folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
