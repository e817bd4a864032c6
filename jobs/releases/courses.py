"""The courses on a release: authors' own program runs their solutions, in a process of its own."""

import json
import subprocess
import sys
from importlib.util import find_spec

from jobs.errors import GateFailed
from jobs.releases.store import opened
from jobs.settings import Settings

AUTHORING = "courses.authoring"


def examine_courses(settings: Settings, name: str) -> None:
    """Nothing where every lesson still reaches its points, or no course is installed; GateFailed where one blocks the release."""
    store = opened(settings)
    store.release(name)
    if find_spec("courses") is None or find_spec(AUTHORING) is None:
        return
    command = [sys.executable, "-m", AUTHORING, "examine", "--release", str(store.place(name))]
    # Beside the release, which does not change.
    report = store.folder / f"{name}.courses.json"
    report.unlink(missing_ok=True)
    command += ["--to", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and report.is_file():
        lessons = [each for each in json.loads(report.read_text(encoding="utf-8"))["lessons"] if each["blocks"]]
        said = "; ".join(f"{each['course']}/{each['lesson']}: {', '.join(each['reasons'])}" for each in lessons)
        raise GateFailed(f"Expected every lesson to reach all its points on {name}, found {said}. See {report}.")
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise GateFailed(f"Expected every lesson to reach all its points on {name}, found: {' '.join(last) or 'no report'}")
