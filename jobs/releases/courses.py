"""The courses on a release: authors' own program runs their solutions, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jobs.errors import GateFailed
from jobs.releases.store import opened
from jobs.settings import Part, Settings, handed

AUTHORING = "courses.authoring"


def examine_courses(settings: Settings, name: str) -> str:
    """One sentence: how many lessons still reach all their points on a release, and which do not. GateFailed where one blocks it.

    Where no courses are installed, or none lies in their folder, the sentence says that no lesson was run.
    """
    store = opened(settings)
    store.release(name)
    if find_spec(AUTHORING.partition(".")[0]) is None or find_spec(AUTHORING) is None:
        return f"No courses are installed here, so no lesson was run on {name}: run `pscc course examine` where they are."
    # Beside the release, which does not change.
    report = store.folder / f"{name}.courses.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", AUTHORING, "examine", "--release", str(store.place(name)), "--to", str(report)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if not report.is_file():
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise GateFailed(f"Expected every lesson to reach all its points on {name}, found: {' '.join(last) or 'no report'}")
    lessons = json.loads(report.read_text(encoding="utf-8"))["lessons"]
    if blocking := [each for each in lessons if each["blocks"]]:
        raise GateFailed(f"Expected every lesson to reach all its points on {name}, found {_why(blocking)}. See {report}.")
    return _said(name, lessons, report)


def _environment() -> dict[str, str]:
    """Neither the engine that this process works on, nor its keys: lessons run on one of their own, which sees the release alone."""
    kept = ("PATH", "PYTHONPATH", "HOME", "TMPDIR", "LANG")
    return handed(Part.EVERY) | {name: os.environ[name] for name in kept if name in os.environ}


def _said(name: str, lessons: Sequence[dict[str, Any]], report: Path) -> str:
    if not lessons:
        return f"No course speaks of a table of {name}, so no lesson was run on it: see `pscc course --help`."
    stale = [each for each in lessons if each["state"] != "passes"]
    reached = f"{len(lessons) - len(stale)} of {len(lessons)} lessons reach all their points on {name}"
    return f"{reached}; stale, and not blocking: {_why(stale)}. See {report}." if stale else f"{reached}."


def _why(lessons: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{each['course']}/{each['lesson']}: {', '.join(each['reasons'])}" for each in lessons)
