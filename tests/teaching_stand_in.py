"""A small teaching release with the columns of the real one and made-up values, for tests of what reads a release."""

import random
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import write_deltalake

GROUPS = ("breast", "lung", "colon")
MEANINGS = {
    "patient_no": "A number of this release only; no key leads back to a person.",
    "tumor_no": "A number of this release only; one index tumour a patient.",
    "sex": "M or F.",
    "stage": "Stage at diagnosis, or unknown.",
    "tumor_group": "Group of primary sites.",
    "days": "Days from diagnosis to death or last news, the middle of its bin.",
}


def write_release(folder: Path, patients: int = 200) -> Path:
    """Write the eight tables below `folder` and give it back; the same values every time."""
    chance = random.Random(4)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in ("patient", "tumor", "line", "event", "survival")}
    rows |= {name: [] for name in ("biomarker", "variant")}
    for number in range(1, patients + 1):
        group, stage = chance.choice(GROUPS), chance.choice(("I", "II", "III", "IV", "unknown"))
        who = {"tumor_no": number, "patient_no": number}
        panel = chance.choice(("panel A", "panel B", None))
        rows["patient"].append(
            {"patient_no": number, "sex": chance.choice("MF"), "age_band": chance.choice(("50–59", "60–69", "70+"))}
            | {"region": chance.choice(("Île-de-France", "elsewhere")), "dx_period": chance.choice(("2018–2019", "2020–2021"))}
            | {"tumor_group": group, "stage": stage, "outcome": chance.choice(("died later", "alive after two years"))}
        )
        rows["tumor"].append(
            who
            | {"tumor_group": group, "stage": stage, "morphology_group": "adenocarcinoma", "grade": chance.choice(("2", "3", None))}
            | {"metastatic_at_dx": stage == "IV", "n_lines": chance.randint(0, 4), "panel": panel}
        )
        rows["line"].append(
            {"line_no": number, **who, "line_number": 1, "start_day": 45, "end_day": chance.choice((135, None))}
            | {"regimen": chance.choice(("FOLFOX", "other")), "setting": None}
        )
        rows["event"].append({"event_no": number, **who, "kind": chance.choice(("surgery", "radiotherapy")), "day": 15})
        rows["survival"].append(
            {**who, "endpoint": "OS", "days": 15 + 30 * chance.randint(0, 23), "event": chance.random() < 0.5}
            | {"entry_days": 0 if panel else None, "censor_reason": None}
        )
        rows["biomarker"].append({**who, "marker": "HER2", "result": chance.choice(("positive", "negative", "equivocal"))})
        rows["variant"].append({**who, "gene": chance.choice(("TP53", "KRAS")), "effect": "missense"})
    rows["panel_gene"] = [{"panel": f"panel {letter}", "gene": gene} for letter in "AB" for gene in ("TP53", "KRAS")]
    for name, lines in rows.items():
        _write(folder / f"edu_{name}", pl.DataFrame(lines, infer_schema_length=None))
    return folder


def _write(table: Path, frame: pl.DataFrame) -> None:
    arrow = frame.with_columns(pl.col(pl.Null).cast(pl.String)).to_arrow()
    fields = []
    for field in arrow.schema:
        plain = pa.string() if pa.types.is_large_string(field.type) or pa.types.is_string_view(field.type) else field.type
        fields.append(pa.field(field.name, plain, metadata={"comment": MEANINGS.get(field.name, f"The {field.name} of a row.")}))
    write_deltalake(table, arrow.cast(pa.schema(fields)))
