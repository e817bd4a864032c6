"""What the pages for hospitals and operators say is what the code does: manifest, signature, codes."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.hospitals import hospitals
from jobs.landing.manifest import read_manifest
from jobs.landing.signature import check_signature, load_keys, sign

ROOT = Path(__file__).parents[1]
SECRET = "ab" * 32
# Constants that look like a code: a flag of a date, and columns of fixed-width stays.
NO_CODES = {"DEATH_UNKNOWN", "DATE_ENTREE", "DATE_SORTIE"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def block(name: str, language: str, at: int = 0) -> str:
    """A block of code of a page."""
    return str(re.findall(rf"^```{language}\n(.*?)^```$", page(name), flags=re.DOTALL | re.MULTILINE)[at])


def written(*places: str, pattern: str) -> set[str]:
    """The string constants of some sources that are of a form."""
    files = [path for place in places for path in ((ROOT / place).glob("*.py") if (ROOT / place).is_dir() else [ROOT / place])]
    assert len(files) >= len(places)
    return {found for path in files for found in re.findall(f'"({pattern})"', path.read_text(encoding="utf-8"))}


@pytest.fixture
def example() -> dict[str, Any]:
    """The manifest of deliver.md."""
    return dict(json.loads(block("deliver.md", "json")))


def test_the_manifest_of_the_page_passes_its_gate_and_its_signature_the_next(example: dict[str, Any], tmp_path: Path) -> None:
    documented: dict[str, Any] = {}
    exec(block("deliver.md", "python"), documented)
    example["signature"] = documented["signature"](example, "gr-delivery-1", SECRET)
    assert example["signature"] == sign(example, "gr-delivery-1", bytes.fromhex(SECRET))
    folder = tmp_path / "gr" / "2024" / "02" / example["delivery_id"]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(example))
    (tmp_path / "keys.json").write_text(block("deliver.md", "json", 1).replace("<hex digits>", SECRET))
    manifest, findings = read_manifest(folder, hospitals(), datetime(2024, 2, 2, tzinfo=UTC))
    assert findings == []
    assert manifest is not None
    assert check_signature(manifest, load_keys(tmp_path / "keys.json")) == []
    assert manifest.created_at.date() == date(2024, 2, 1)


def test_every_code_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"`([A-Z]{2,}(?:_[A-Z]+)+)`", page("reasons.md")))
    sources = [str(each.relative_to(ROOT)) for each in (ROOT / "jobs" / "landing").glob("*.py") if each.name != "rss.py"]
    given = written(*sources, "jobs/stages", "jobs/ledger", "jobs/silver/state.py", pattern="[A-Z]{2,}(?:_[A-Z]+)+")
    assert "SIGNATURE_INVALID" in given
    assert explained == given - NO_CODES
