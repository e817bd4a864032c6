"""What the acceptance run has seen already on these very sources: `make acceptance` goes on where it stopped.

PSCC_ACCEPTANCE names the folder; a part that is to run again is taken out of it.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("jobs", "quality", "benchmarks", "requirements", "tests/conftest.py", "tests/flow", "pyproject.toml")
# Parts that were not run again, by this process.
passed_before: list[str] = []


@cache
def folder() -> Path:
    """The folder of these sources; another one as soon as a line of them or the answer key changes."""
    usual = Path(tempfile.gettempdir(), f"pscc-acceptance-{os.getuid()}")
    found = Path(os.environ.get("PSCC_ACCEPTANCE", usual), _digest())
    found.mkdir(parents=True, exist_ok=True)
    return found


def _digest() -> str:
    digest = hashlib.sha256()
    for source in (ROOT / each for each in SOURCES):
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    answers = Path(os.environ.get("PSCC_SAMPLES", ROOT.parent / "shared" / "deliveries"), "truth.json")
    digest.update(answers.read_bytes() if answers.is_file() else b"")
    return digest.hexdigest()[:16]


def passed(part: str) -> str | None:
    """When a part passed, None while it has not."""
    return _note(part).read_text() if _note(part).is_file() else None


def remember(part: str) -> None:
    """Note that a part passed."""
    _write(_note(part), f"{datetime.now():%Y-%m-%d %H:%M}")


def kept(name: str, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What `make` gives, made once for all runs on these sources."""
    place = folder() / f"{name}.json"
    if not place.is_file():
        _write(place, json.dumps(make(), indent=1))
    return dict(json.loads(place.read_text()))


def _note(part: str) -> Path:
    return folder() / f"{re.sub(r'[^A-Za-z0-9-]+', '_', part)}.passed"


def _write(place: Path, text: str) -> None:
    """At once or not at all: a run may be stopped at any moment."""
    fresh = place.with_name(f"{place.name}.part")
    fresh.write_text(text)
    fresh.replace(place)
