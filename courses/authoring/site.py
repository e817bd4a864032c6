"""The courses as pages that need no network: Sphinx with myst-nb over the lessons, solutions cut, worked examples with their results."""

import io
import re
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from courses.authoring import lesson as lessons
from courses.authoring.build import refuse_leaks, without_times
from courses.authoring.run import Run
from courses.authoring.temporary import temporary
from courses.checking.course import Course, Lesson
from courses.checking.errors import BadCourse

# What a page would fetch by itself; a link that a reader follows is no such thing.
FETCHED = re.compile(
    r"""(?:<(?:script|img|iframe|link|source)\b[^>]*?(?:src|href)=|url\(|@import\s+)["']?(?:https?:)?//""", re.IGNORECASE
)
SETTINGS = {
    "project": "Courses", "author": "", "copyright": "", "extensions": ["myst_nb", "courses.authoring.mathtext"],
    "html_theme": "basic", "html_math_renderer": "mathtext", "html_static_path": ["_static"], "html_css_files": ["site.css"],
    "html_show_sourcelink": False, "html_copy_source": False, "html_show_sphinx": False, "html_show_copyright": False,
    "html_sidebars": {"**": ["globaltoc.html", "localtoc.html"]}, "html_title": "Courses", "html_use_index": False, "html_domain_indices": False,
    "nb_execution_mode": "off", "nb_ipywidgets_js": {}, "myst_enable_extensions": ["dollarmath", "amsmath"],
    "suppress_warnings": ["misc.highlighting_failure", "myst.header"], "language": "en", "html_last_updated_fmt": None,
}  # fmt: skip


def build_site(courses: Sequence[Course], runs: Sequence[Run], to: Path) -> Path:
    """The site of the courses in `to`; lessons that were run show what their worked examples gave. Gives its first page.

    BadCourse where a solution would leak.
    """
    for course in courses:
        refuse_leaks(course)
    done = {(run.course, run.lesson): run for run in runs}
    with temporary("site") as source:
        _write_sources(source, courses, done)
        shutil.rmtree(to, ignore_errors=True)
        _sphinx(source, to)
    _stays_offline(to)
    return to / "index.html"


def _write_sources(source: Path, courses: Sequence[Course], done: dict[tuple[str, str], Run]) -> None:
    import nbformat

    (source / "_static").mkdir()
    shutil.copy(Path(__file__).with_name("site.css"), source / "_static")
    (source / "index.md").write_text(_first_page(courses), encoding="utf-8")
    for course in courses:
        folder = source / course.slug
        folder.mkdir()
        (folder / "index.md").write_text(_course_page(course), encoding="utf-8")
        for lesson in course.lessons:
            notebook = shown(course, lesson, done.get((course.slug, lesson.name)))
            (folder / f"{lesson.path.stem}.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")


def shown(course: Course, lesson: Lesson, run: Run | None) -> Any:
    """The trainee's notebook, with what every cell gave that is no exercise."""
    notebook = lessons.trainee(course, lesson)
    gave = {cell.id: cell for cell in without_times(run.notebook).cells} if run else {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata and cell.id in gave:
            cell.outputs = gave[cell.id].outputs
    return notebook


def _first_page(courses: Sequence[Course]) -> str:
    entries = "\n\n".join(
        f"## [{course.title['en']}]({course.slug}/index.md)\n\n{_french(course.title['fr'])}\n\n{course.summary['en']}\n\n{_french(course.summary['fr'])}"
        for course in courses
    )
    contents = "\n".join(f"{course.slug}/index" for course in courses)
    return f"# Courses\n\n{_french('Les cours')}\n\n{entries}\n\n```{{toctree}}\n:hidden:\n:maxdepth: 2\n\n{contents}\n```\n"


def _course_page(course: Course) -> str:
    about = course.about
    objectives = "\n".join(f"- {each}" for each in about.get("objectives", ()))
    needed = ", ".join(about.get("prerequisites", ())) or "nothing"
    contents = "\n".join(lesson.path.stem for lesson in course.lessons)
    return (
        f"# {course.title['en']}\n\n{_french(course.title['fr'])}\n\n{course.summary['en']}\n\n{_french(course.summary['fr'])}\n\n"
        f"Level: {about.get('level', '')}. About {about.get('minutes', '')} minutes. You need: {needed}.\n\n{objectives}\n\n"
        f"```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n"
    )


def _french(text: str) -> str:
    return f'<p class="in-french" lang="fr">{escape(text)}</p>'


def _sphinx(source: Path, to: Path) -> None:
    from sphinx.application import Sphinx

    told = io.StringIO()
    with temporary("doctrees") as doctrees:
        app = Sphinx(source, None, to, doctrees, "html", confoverrides=dict(SETTINGS), status=None, warning=told, freshenv=True)
        app.build()
    for left in ("_sources", ".buildinfo", "objects.inv", "jupyter_execute"):
        path = to / left
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    problems = [line for line in told.getvalue().splitlines() if "ERROR" in line]
    if app.statuscode or problems:
        raise BadCourse(f"Expected lessons that Sphinx can read, found: {' '.join(problems)[:500] or told.getvalue()[:500]}")


def _stays_offline(to: Path) -> None:
    for page in [*to.rglob("*.html"), *to.rglob("*.css")]:
        found = FETCHED.search(page.read_text(encoding="utf-8"))
        if found:
            raise BadCourse(
                f"Expected pages that fetch nothing from elsewhere, found {found[0][:80]} in {page.relative_to(to)}: bring it along."
            )
