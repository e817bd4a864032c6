"""The first files of a new course: they pass every guard, and show an author what belongs where."""

import re
from pathlib import Path

from courses.checking.errors import BadCourse

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
TEMPLATE = Path(__file__).with_name("template")


def new_course(courses: Path, slug: str) -> Path:
    """The folder of the new course; BadCourse where the name will not do or is taken."""
    folder = courses / slug
    if not SLUG.fullmatch(slug):
        raise BadCourse(
            f"Expected a name of small letters, digits and hyphens, as survival-basics, found {slug}: choose another."
        )
    if folder.exists():
        raise BadCourse(f"Expected a name that is free, found a folder {slug}: choose another, or edit that course.")
    for path in sorted(TEMPLATE.rglob("*.txt")):
        target = folder / path.relative_to(TEMPLATE).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8").replace("SLUG", slug), encoding="utf-8")
    return folder
