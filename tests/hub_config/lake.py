"""A lake with one release to teach on and things that no trainee may see."""

from pathlib import Path


def make_lake(lake: Path) -> Path:
    """Release `small`, another one, silver and gold."""
    files = {
        "teaching/releases.json": '[{"name": "small", "state": "approved", "at": "2026-01-02"}, {"name": "other", "state": "made", "at": "2026-01-03"}]',
        "teaching/small/card.json": "{}",
        "teaching/other/card.json": "{}",
        "teaching/small/edu_patient/part-0.parquet": "the release",
        "teaching/other/other.parquet": "another release",
        "silver/person/part-0.parquet": "silver",
        "gold/patient_summary/part-0.parquet": "gold",
    }
    for name, text in files.items():
        path = lake / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return lake


def make_lessons(built: Path) -> None:
    """One lesson as trainees get it, and its solution, which they do not."""
    for kind in ("trainee", "solution"):
        path = built / "survival" / kind / "01-first-curves.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
