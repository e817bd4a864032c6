"""`python -m courses.authoring`: new, check, build, preview, site, examine. What is wrong is said in sentences; exit code 1 then, 2 for wrong use."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from courses.authoring import build as builds
from courses.authoring import examine as examination
from courses.authoring import guards
from courses.authoring.desk import Desk, desk
from courses.authoring.new import new_course
from courses.authoring.run import ROOT, Run, quiet_kernels, run_both, run_solution
from courses.authoring.site import build_site
from courses.authoring.temporary import temporary
from courses.checking.course import Course, load_courses
from courses.checking.errors import CheckingError

app = typer.Typer(
    help="Write, guard, build and examine courses.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
CoursesOption = Annotated[Path, typer.Option("--courses", metavar="DIR", help="The folder in which courses lie.")]
ReleaseOption = Annotated[
    Path | None, typer.Option("--release", metavar="DIR", help="The folder of a teaching release; PSCC_RELEASE when not given.")
]
ToOption = Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to put what is built.")]
HERE = ROOT / "courses"


@app.command()
def new(slug: str, courses: CoursesOption = HERE) -> None:
    """The first files of a course, ready to be edited."""
    print(f"Wrote {new_course(courses, slug)}: edit its files, then run check {slug}.")


@app.command()
def check(
    slug: str,
    courses: CoursesOption = HERE,
    release: ReleaseOption = None,
    run: Annotated[bool, typer.Option(help="Also run its notebooks, solved and unsolved.")] = True,
) -> None:
    """Everything that must hold of a course before a trainee sees it."""
    with _desk(courses, release) as at:
        course = _course(at.checking.courses, slug)
        found = guards.findings(course, at)
        for lesson in course.lessons if run and not any(each.severity == "error" for each in found) else ():
            unsolved, solved = run_both(course, lesson, at)
            found += [*guards.after_unsolved(_told(unsolved)), *guards.after_solution(_told(solved), at)]
    _verdict(course, found)


def _told(run: Run) -> Run:
    print(
        f"{run.course}/{run.lesson}: {sum(run.passed.values())} of {len(run.passed)} exercises passed, {run.seconds:.0f} s",
        file=sys.stderr,
    )
    return run


def _verdict(course: Course, found: Sequence[guards.Finding]) -> None:
    for each in found:
        print(each)
    errors = sum(each.severity == "error" for each in found)
    print(
        f"{course.slug}: {len(course.lessons)} lessons, {len(course.exercises)} exercises, {errors} errors, {len(found) - errors} warnings."
    )
    if errors:
        raise typer.Exit(1)


@app.command()
def build(
    to: ToOption,
    slug: Annotated[str | None, typer.Argument(help="One course; all of them when not given.")] = None,
    courses: CoursesOption = HERE,
    release: ReleaseOption = None,
    solutions: Annotated[bool, typer.Option(help="Also run the solutions and keep them, for instructors.")] = False,
) -> None:
    """Notebooks for trainees, and solved ones for instructors if asked for."""
    for course in _chosen(courses, slug):
        print(f"{course.slug}: {len(builds.build_trainee(course, to))} notebooks for trainees.")
    if solutions:
        with _desk(courses, release) as at:
            for course in _chosen(courses, slug):
                _build_solutions(course, at, to)


def _build_solutions(course: Course, at: Desk, to: Path) -> None:
    runs = [_told(run_solution(course, lesson, at)) for lesson in course.lessons]
    _verdict(course, [each for run in runs for each in guards.after_solution(run, at)])
    builds.build_solution(course, runs, to)


@app.command()
def site(
    to: ToOption,
    slug: Annotated[str | None, typer.Argument(help="One course; all of them when not given.")] = None,
    courses: CoursesOption = HERE,
    release: ReleaseOption = None,
    run: Annotated[bool, typer.Option(help="Run the lessons, so that worked examples show their results.")] = True,
) -> None:
    """Pages of the courses that need no network."""
    chosen = _chosen(courses, slug)
    runs: list[Run] = []
    if run:
        with _desk(courses, release) as at:
            runs = [_told(run_solution(course, lesson, at)) for course in chosen for lesson in course.lessons]
    print(build_site(chosen, runs, to))


@app.command()
def preview(
    slug: str,
    courses: CoursesOption = HERE,
    release: ReleaseOption = None,
    run: Annotated[bool, typer.Option(help="Run the lessons first.")] = False,
) -> None:
    """The pages of one course on a loopback address, until Ctrl-C."""
    with temporary("preview") as folder:
        site(folder / "site", slug, courses, release, run)
        handler = partial(SimpleHTTPRequestHandler, directory=str(folder / "site"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            print(f"http://127.0.0.1:{server.server_address[1]}/{slug}/index.html (Ctrl-C to end)", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print("Ended.")


@app.command()
def examine(
    slug: Annotated[str | None, typer.Argument(help="One course; all of them when not given.")] = None,
    courses: CoursesOption = HERE,
    release: ReleaseOption = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE.json", help="Where to keep the report.")] = None,
) -> None:
    """Which lessons still reach 100 % on a release, which are stale. Exit code 1 where one blocks it."""
    with quiet_kernels():
        report = examination.release_report(courses, _release(release), [slug] if slug else [], _say)
    if to:
        to.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{report.release}: {'blocked' if report.blocks else 'not blocked'} by the courses.")
    if report.blocks:
        raise typer.Exit(1)


def _say(verdict: examination.Verdict) -> None:
    state = f"{verdict.state} and blocks" if verdict.blocks else verdict.state
    print(f"{verdict.course}/{verdict.lesson}: {state}, {verdict.passed} of {verdict.exercises}, {verdict.seconds:.0f} s")
    for reason in verdict.reasons:
        print(f"  {reason}")


@contextmanager
def _desk(courses: Path, release: Path | None) -> Iterator[Desk]:
    with quiet_kernels(), desk(courses, _release(release)) as at:
        yield at


def _release(given: Path | None) -> Path:
    found = given or (Path(os.environ["PSCC_RELEASE"]) if os.environ.get("PSCC_RELEASE") else None)
    if found is None or not any(found.glob("*/_delta_log")):
        raise CheckingError(
            "Expected the folder of a teaching release in --release or PSCC_RELEASE, found none: make one with pscc release make."
        )
    return found


def _chosen(courses: Path, slug: str | None) -> list[Course]:
    known = load_courses(courses)
    return [_course(known, slug)] if slug else list(known.values())


def _course(known: dict[str, Course], slug: str) -> Course:
    if slug not in known:
        raise CheckingError(f"Expected one of the courses ({', '.join(known) or 'there is none'}), found {slug}: check the name.")
    return known[slug]


def main() -> None:
    """The command, its refusals as one sentence each."""
    try:
        app(standalone_mode=True, prog_name="pscc course")
    except CheckingError as reason:
        print(reason, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    # Ended from outside, it still clears up its folders.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    main()
