"""Ten trainees at once in a real academy: what kernels, servers, hub and engine hold, and how long first queries, checks and the log-in page take.

python -m benchmarks.academy                                 # on invented patients
python -m benchmarks.academy --lake LAKE [--release R]       # on a release

Hub, proxy, academy service and engine are those of `pscc academy up`, at the strongest isolation that the machine offers. Trainees log in over
HTTP, start their servers and run solved lessons in kernels of their own, over the web socket that a browser uses: one of them alone, then all at
once. Memory is told as PSS, which counts a page that several processes share once among them, and as RSS, which counts it for each.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from courses.authoring import lesson as lessons
from courses.authoring.build import build_trainee
from courses.checking.course import Course, load_courses
from hub_config.academy import still_running
from hub_config.place import PROJECT, Academy
from hub_config.roster import Roster
from tests.hub_config.hub_client import Visitor
from tests.teaching_stand_in import write_release

PASSWORD = "correct horse battery"
LESSONS = (("survival", "first-curves"), ("query-the-lakehouse", "first-questions"), ("query-the-lakehouse", "joins"))
# Looks over the shoulder of check(): how long an answer took on its way there and back, what came of it, and how long the query of a
# table of Spark ran before, which is asked only when the table is handed in.
PRELUDE = """
import json, time
from courses.kit import answer
checked, told, fetched, querying = [], answer._said, answer._fetched, [0.0]
def _fetched(value):
    started = time.perf_counter()
    try:
        return fetched(value)
    finally:
        querying[0] = time.perf_counter() - started
def _said(exercise, value):
    started = time.perf_counter()
    said = told(exercise, value)
    checked.append([exercise, time.perf_counter() - started - querying[0], said.sign, querying[0], str(said) if said.sign == "⚠" else ""])
    return said
answer._said, answer._fetched = _said, _fetched
"""
# Nothing of Spark is imported yet: what somebody waits who asks as soon as the notebook is open.
FIRST_QUERY = """
started, spent = time.perf_counter(), time.process_time()
from courses.kit import spark
spark.sql("SELECT stage, count(*) FROM edu_tumor GROUP BY stage").collect()
print(json.dumps([time.perf_counter() - started, time.process_time() - spent]))
"""
# An answer of the right kind that is wrong: recognisers of mistakes look at it as well.
WRONG = {"number": "0.123", "text": "'no'", "set": "['no']", "table": "spark.sql('SELECT 1 AS a')", "code": "wrong"}
MEBIBYTE = 2**20
LOCK = threading.Lock()


@dataclass
class Told:
    """What was measured, by what it is about: seconds by kind, mebibytes by part."""

    queries: list[float] = field(default_factory=list)
    checks: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    first_query: list[float] = field(default_factory=list)
    first_query_cpu: list[float] = field(default_factory=list)
    spawned: list[float] = field(default_factory=list)
    log_in: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    lesson: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, heading: str) -> None:
        print(f"\n{heading}")
        for name, seconds in (
            ("log-in page", self.page),
            ("log-in", self.log_in),
            ("server", self.spawned),
            ("first query", self.first_query),
            ("first query, CPU in the kernel", self.first_query_cpu),
            *((f"check of {kind}", found) for kind, found in sorted(self.checks.items())),
            ("check, all", [each for found in self.checks.values() for each in found]),
            ("query of a table, before its check", self.queries),
            *((f"lesson {name}", found) for name, found in self.lesson.items()),
        ):
            if seconds:
                print(f"  {name:34s} {spread(seconds)}")
        for part, found in self.memory.items():
            pss, rss = ([each[place] for each in found] for place in (0, 1))
            print(f"  {part:34s} n {len(found):3d}   PSS {mebibytes(pss)}   RSS {mebibytes(rss)}")


def spread(seconds: list[float]) -> str:
    """Count, median, 95th percentile and maximum."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered) + 0.5) - 1)]
    return f"n {len(ordered):3d}   p50 {statistics.median(ordered):7.3f} s   p95 {p95:7.3f} s   max {ordered[-1]:7.3f} s"


def mebibytes(found: list[float]) -> str:
    return f"{statistics.median(found):6.0f} MiB (max {max(found):.0f})"


class Trainee:
    """One trainee with a browser: logs in, starts a server, runs lessons."""

    def __init__(self, academy: Academy, name: str) -> None:
        self.visitor = Visitor(academy.url)
        self.name = name
        code = Roster(academy.state / "roster.toml").add(name, "trainee", ("benchmark",))
        self.invitation = f"{academy.url}/hub/invitation?code={code}"

    def come(self, told: Told) -> None:
        """Follow the invitation, leave, log in again and start a server."""
        assert self.visitor.accept(self.invitation, PASSWORD).status_code == 302
        self.visitor = Visitor(self.visitor.url)
        started = time.perf_counter()
        assert self.visitor.log_in(self.name, PASSWORD).status_code == 302
        told.log_in.append(time.perf_counter() - started)
        told.spawned.append(self.visitor.spawn(patience=300))

    @contextmanager
    def kernel(self) -> Iterator[Callable[[str], str]]:
        """A kernel of one's own; what code prints in it."""
        asked = self.visitor.server("POST", "/kernels", json={"name": "python3"})
        assert asked.status_code == 201, asked.text
        identity = asked.json()["id"]
        try:
            yield lambda code: asyncio.run(self.visitor._run(identity, (code,), 300))
        finally:
            self.visitor.server("DELETE", f"/kernels/{identity}")

    def learn(self, course: Course, cells: list[str], told: Told, together: Callable[[str], None]) -> None:
        """Run a solved lesson in a new kernel, then give every answer once more, wrong. `together` is called with where this trainee is."""
        name = f"{course.slug} {cells[0]}"
        with self.kernel() as run:
            run(PRELUDE)
            together("kernel started")
            ask_first(run, told)
            together("kernel after the first query")
            started = time.perf_counter()
            for cell in cells[1:]:
                run(cell)
            with LOCK:
                told.lesson[name].append(time.perf_counter() - started)
            together(f"kernel after {name}")
            asked = json.loads(run("print(json.dumps([each[0] for each in checked]))"))
            run("from courses.kit import check\n" + "".join(wrong_answers(course, asked)))
            checked = json.loads(run("print(json.dumps(checked))"))
        right, wrong = checked[: len(asked)], checked[len(asked) :]
        assert asked, f"no check of {name} was reached"
        assert {each[2] for each in right} == {"✓"}, f"{name}: {right}"
        assert "⚠" not in {each[2] for each in wrong}, f"{name}: {wrong}"
        with LOCK:
            for exercise, seconds, _, query, _ in checked:
                told.checks[kind_of(course, exercise)].append(seconds)
                # Anything but a table of Spark is handed on as it is.
                if query > 0.001:
                    told.queries.append(query)


def ask_first(run: Callable[[str], str], told: Told) -> None:
    """The first query of a kernel."""
    seconds, spent = json.loads(run(FIRST_QUERY))
    told.first_query.append(seconds)
    told.first_query_cpu.append(spent)


def kind_of(course: Course, exercise: str) -> str:
    return course.exercises[exercise.partition(".")[2]].kind


def wrong_answers(course: Course, exercises: Iterable[str]) -> Iterator[str]:
    """Cells that hand in a wrong answer to each exercise that is no figure."""
    yield "def wrong(*given):\n    return 'no'\n"
    for exercise in exercises:
        if (kind := kind_of(course, exercise)) in WRONG:
            yield f"check({exercise!r}, {WRONG[kind]})\n"


def solved(course: Course, name: str) -> list[str]:
    """The lesson's name, then its code cells with their solutions."""
    lesson = next(each for each in course.lessons if each.name == name)
    return [name, *(cell.source for cell in lessons.solution(course, lesson).cells if cell.cell_type == "code")]


class Memory:
    """What the processes of an academy hold, by the part they belong to."""

    def __init__(self, academy: Academy) -> None:
        self.roots = still_running(academy.to)

    def parts(self) -> dict[str, list[tuple[float, float]]]:
        """PSS and RSS in MiB of each kernel, server and part now."""
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for root, pid in self.roots.items():
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                try:
                    held = process.memory_full_info()
                    part = part_of(root, process.cmdline())
                except psutil.Error:
                    continue
                found[part].append((held.pss / MEBIBYTE, held.rss / MEBIBYTE))
        return found

    def processor(self) -> dict[str, float]:
        """CPU-seconds of each part so far; processes that have ended, as sandboxes have, are not counted."""
        found: dict[str, float] = defaultdict(float)
        for root, pid in self.roots.items():
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                with suppress(psutil.Error):
                    part, spent = part_of(root, process.cmdline()), process.cpu_times()
                    found[part] += spent.user + spent.system
        return found


def part_of(root: str, command: list[str]) -> str:
    """Which part of the academy a process is, as its command says."""
    words, program = " ".join(command), Path(command[0]).name if command else ""
    if root == "engine":
        return "engine: JVM" if program == "java" else "engine: the rest"
    if program == "bwrap":
        return "sandboxes"
    for mark, part in (
        ("_sandboxed.py", "functions under test"),
        ("ipykernel", "kernel"),
        ("hub_config.server", "server of a trainee"),
        ("hub_config.portal", "academy service"),
        ("proxy", "proxy"),
    ):
        if mark in words:
            return part
    return "hub"


@contextmanager
def academy_of(asked: argparse.Namespace, folder: Path) -> Iterator[Academy]:
    """An academy that runs for as long as the block lasts."""
    lake, release = asked.lake, asked.release
    if lake is None:
        lake, release = folder / "lake", "invented"
        write_release(lake / "teaching" / release, asked.patients)
        (lake / "teaching" / release / "card.json").write_text("{}")
        states = [{"name": release, "state": "approved", "at": "2026-01-01"}]
        (lake / "teaching" / "releases.json").write_text(json.dumps(states))
        lake.chmod(0o700)
    options = ["--to", folder / "academy", "--lake", lake.resolve(), "--port", free_port()]
    options += ["--release", release] if release else []
    options += ["--isolation", asked.isolation] if asked.isolation else []
    try:
        started = time.perf_counter()
        print(command("up", *options).partition("Invitation")[0].strip())
        print(f"`up` came back after {time.perf_counter() - started:.1f} s")
        academy = Academy.read(folder / "academy")
        for slug in {course for course, _ in LESSONS}:
            build_trainee(load_courses(PROJECT / "courses")[slug], academy.built)
        yield academy
    finally:
        command("down", "--to", folder / "academy")


def command(*words: object) -> str:
    """What an academy command says; its own refusal where it fails."""
    run = [sys.executable, "-m", "hub_config.academy", *map(str, words)]
    done = subprocess.run(run, env=os.environ | {"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())
    return done.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def log_in_page(academy: Academy, told: Told, until: threading.Event, pause: float) -> None:
    """Ask for the log-in page again and again."""
    while not until.wait(pause):
        started = time.perf_counter()
        requests.get(f"{academy.url}/hub/login", timeout=60).raise_for_status()
        told.page.append(time.perf_counter() - started)


def alone(academy: Academy, courses: dict[str, Course], some: int) -> None:
    """One trainee in an academy where nobody else does anything: the first query ever, and then all that a class would do."""
    cold, warm, memory = Told(), Told(), Memory(academy)
    for part, found in memory.parts().items():
        cold.memory[f"{part}, nobody there"] = [(sum(each[0] for each in found), sum(each[1] for each in found))]
    trainee = Trainee(academy, "alone")
    trainee.come(cold)
    with trainee.kernel() as run:
        run(PRELUDE)
        ask_first(run, cold)
    cold.tell("The first query of an academy that has just started")
    stop = threading.Event()
    watching = threading.Thread(target=log_in_page, args=(academy, warm, stop, 0.5))
    watching.start()
    try:
        for slug, lesson in LESSONS[:some]:
            trainee.learn(courses[slug], solved(courses[slug], lesson), warm, lambda where: at(where, memory, warm))
    finally:
        stop.set()
        watching.join()
    warm.tell("One trainee, the academy idle otherwise")
    trainee.visitor.api("DELETE", "/users/alone/server")


def at(where: str, memory: Memory, told: Told) -> None:
    """Note what kernels hold now, and everything else besides."""
    for part, found in memory.parts().items():
        if part in ("kernel", "server of a trainee"):
            told.memory[where if part == "kernel" else part] += found
        elif where.startswith("kernel after"):
            told.memory[part].append((sum(each[0] for each in found), sum(each[1] for each in found)))


def together(academy: Academy, courses: dict[str, Course], count: int, some: int) -> None:
    """So many trainees who do everything at the same moment."""
    told, memory, stop = Told(), Memory(academy), threading.Event()
    before = memory.processor()
    trainees = [Trainee(academy, f"trainee-at-{number}") for number in range(count)]
    where: list[str] = []
    # All wait for each other at each place, and one of them looks while nobody moves.
    barrier = threading.Barrier(count, action=lambda: at(where[-1], memory, told))

    def arrived(place: str) -> None:
        where.append(place)
        barrier.wait(600)

    def one(trainee: Trainee) -> None:
        try:
            trainee.come(told)
            for slug, lesson in LESSONS[:some]:
                trainee.learn(courses[slug], solved(courses[slug], lesson), told, arrived)
        except BaseException:
            # The others would wait for this one.
            barrier.abort()
            raise

    watching = threading.Thread(target=log_in_page, args=(academy, told, stop, 0.5))
    watching.start()
    try:
        with ThreadPoolExecutor(count) as pool:
            ended = [done.exception() for done in [pool.submit(one, trainee) for trainee in trainees]]
        for reason in sorted(filter(None, ended), key=lambda each: isinstance(each, threading.BrokenBarrierError)):
            raise reason
    finally:
        stop.set()
        watching.join()
    told.tell(f"{count} trainees at once")
    after = memory.processor()
    for part in ("hub", "proxy", "academy service", "engine: JVM", "engine: the rest"):
        print(f"  {part:34s} {after[part] - before[part]:7.1f} CPU-s")
    print(f"  hub, the most it ever held: RSS {most(memory.roots['hub']):.0f} MiB")


def most(pid: int) -> float:
    """The most memory, in MiB, that a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, help="a lake with an approved teaching release; without, patients are invented")
    parser.add_argument("--release", help="the newest, when not named")
    parser.add_argument("--patients", type=int, default=5000, help="to invent")
    parser.add_argument("--trainees", type=int, default=10)
    parser.add_argument("--lessons", type=int, default=len(LESSONS), help="of those that are run, so many")
    parser.add_argument("--isolation", help="the strongest, when not named")
    asked = parser.parse_args()
    courses = load_courses(PROJECT / "courses")
    folder = Path(tempfile.mkdtemp(prefix="pscc-benchmark-"))
    folder.chmod(0o755)
    try:
        with academy_of(asked, folder) as academy:
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
            alone(academy, courses, asked.lessons)
            together(academy, courses, asked.trainees, asked.lessons)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
