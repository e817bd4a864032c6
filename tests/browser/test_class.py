"""A class from its invitations to its badges: trainees and instructors in a real browser, a real lesson in a server's sandbox, the real engine."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from courses.authoring.build import build_trainee
from courses.authoring.lesson import BEGIN, END, solution
from courses.checking.course import EXERCISE, Lesson, load_course
from hub_config import academy as commands
from hub_config import engine, watch
from hub_config.place import PROJECT, Academy
from tests.browser.notebook import SAID, Notebook
from tests.browser.reader import CHROMIUM, HOME, Reader
from tests.courses.standin import write_release
from tests.hub_config.academy_up import academy_up
from tests.hub_config.hub_client import Visitor
from tests.hub_config.portal_world import Hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")
pytestmark = [pytest.mark.jvm, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium in /usr/bin")]

COURSE = load_course(PROJECT / "courses" / "survival")
FIRST, *OTHERS = COURSE.lessons
PASSWORD = "une phrase assez longue"
PATIENTS = 400


@dataclass(frozen=True)
class Said:
    """What is read on the way, in one language."""

    language: str
    trainee: str
    instructor: str
    slip: str
    stopped: str
    starting: str
    mistake: str
    hint: str
    right: str
    progress: str
    genuine: str
    server: str
    stopping: str


ENGLISH = Said(
    language="en",
    trainee="amelie",
    instructor="marie",
    slip="The two passwords differ.",
    stopped="Your server is not running",
    starting="Your server is starting",
    mistake="This is the number of tumours: count only those whose patient died.",
    hint="Hint: Each row of mine is a tumour; one column says whether its patient died.",
    right="✓ Passed.",
    progress="24 of 24 required exercises passed",
    genuine="This badge is genuine",
    server="Your server",
    stopping="Your server is stopping",
)
FRENCH = Said(
    language="fr",
    trainee="benoit",
    instructor="luc",
    slip="Les deux mots de passe diffèrent.",
    stopped="Votre serveur est arrêté",
    starting="Votre serveur démarre",
    mistake="C'est le nombre de tumeurs : ne comptez que celles dont le patient est décédé.",
    hint="Indice : Chaque ligne de mine est une tumeur ; une colonne dit si le patient est décédé.",
    right="✓ Réussi.",
    progress="24 exercices requis réussis sur 24",
    genuine="Ce badge est authentique",
    server="Votre serveur",
    stopping="Votre serveur s’arrête",
)


@pytest.fixture(scope="module")
def academy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Academy]:
    """An academy that runs, with the lessons of one course and an engine that is ready."""
    if engine.level()[0] == "none":
        pytest.skip(f"needs a sandbox for the teaching engine, found none: {engine.level()[1]}")
    to, teaching = tmp_path_factory.mktemp("academy"), tmp_path_factory.mktemp("lake") / "teaching"
    build_trainee(COURSE, to / "built")
    write_release(teaching / "small", PATIENTS)
    (teaching / "small" / "card.json").write_text(json.dumps({"release": "small", "patients": PATIENTS}))
    (teaching / "releases.json").write_text(json.dumps([{"name": "small", "state": "approved", "at": "2026-01-02"}]))
    with academy_up(to, teaching.parent) as (found, _):
        wait_for_engine(found)
        yield found


def wait_for_engine(academy: Academy) -> None:
    until = time.monotonic() + 300
    while not engine.is_ready(engine.state_of(academy.state)):
        assert time.monotonic() < until, (academy.log / "engine.log").read_text()
        time.sleep(0.5)


@pytest.mark.parametrize("said", [ENGLISH, FRENCH], ids=lambda said: said.language)
def test_a_class_goes_from_its_invitations_to_a_badge_that_anybody_verifies(
    academy: Academy, chromium: "Browser", tmp_path: Path, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    hub = Hub(academy.url, academy.to)
    # An English browser and an English account, for both: French is chosen on the first page.
    trainee = Reader(hub, chromium, height=1000)
    come_in(trainee, invited(academy, capsys, said.trainee, "trainee"), said)
    lesson = open_first_lesson(trainee, said)
    fail_then_pass(trainee, lesson, said)
    finish(trainee, lesson, said)
    trainee.open("progress")
    assert trainee.faults(said.language) == []
    assert said.progress in trainee.text
    assert trainee.page.locator("tbody .tag.good").count() == len(COURSE.required) == 24
    assert trainee.page.locator("tr", has_text="deaths").locator("td.n").all_inner_texts() == ["2", "1"]
    verify_badge(trainee, Reader(hub, chromium, said.language), tmp_path / "badge.json", said)
    teach(Reader(hub, chromium), invited(academy, capsys, said.instructor, "instructor"), said)
    stop_server(trainee, academy, said)
    assert trainee.other_hosts == set()


def invited(academy: Academy, capsys: pytest.CaptureFixture[str], name: str, role: str) -> str:
    """The address that `pscc academy invite` prints."""
    enrolled = ("--course", "survival") if role == "trainee" else ()
    told = ("--role", role, "--class", "spring", "--language", "en", *enrolled)
    capsys.readouterr()
    assert commands.main(["invite", name, "--to", str(academy.to), *told]) == 0
    return capsys.readouterr().out.strip()


def come_in(reader: Reader, invitation: str, said: Said) -> None:
    """From an invitation, by way of a slip of the fingers, to the courses."""
    reader.open(invitation)
    reader.page.click(f"[data-tongue={said.language}]")
    reader.choose_password(PASSWORD, "une autre phrase")
    assert reader.page.inner_text("[role=alert]").strip() == said.slip
    assert reader.faults(said.language) == []
    reader.choose_password(PASSWORD, PASSWORD)
    reader.page.wait_for_url(HOME)


def open_first_lesson(trainee: Reader, said: Said) -> Notebook:
    """From the course's page, by way of a server that has to start, into the notebook."""
    trainee.page.click("a.cover")
    # Held back, so that the page that waits stays to be looked at.
    trainee.page.route("**/server/progress*", lambda route: None)
    trainee.page.click(".lessons a.open >> nth=0")
    trainee.page.wait_for_selector(".progress-bar")
    assert trainee.page.inner_text("h1").strip() == said.starting
    assert trainee.faults(said.language) == []
    trainee.keep_picture(f"starting-{said.language}")
    trainee.page.unroute("**/server/progress*")
    trainee.page.reload()
    return Notebook(trainee.page)


def fail_then_pass(trainee: Reader, lesson: Notebook, said: Said) -> None:
    """Run the lesson as it came, give an answer that many give, read the hint, give the right one."""
    lesson.run_all()
    wrong = lesson.answer("deaths", '# exercise: deaths\ndeaths = len(mine)\ncheck("survival.first-curves.deaths", deaths)')
    assert wrong.startswith("✗")
    assert said.mistake in wrong
    assert said.hint in wrong
    assert trainee.grave_findings(SAID) == []
    trainee.keep_picture(f"hint-{said.language}")
    assert lesson.answer("deaths", solved(FIRST)["deaths"]).startswith(said.right)


def finish(trainee: Reader, lesson: Notebook, said: Said) -> None:
    """The other exercises: those of the open lesson in the browser, those of other lessons in a kernel of the same server."""
    for exercise, source in solved(FIRST).items():
        if exercise != "deaths":
            assert lesson.answer(exercise, source).startswith(said.right), exercise
    cells = [source for other in OTHERS for source in code(other)]
    # In a thread: the browser's library keeps this one's event loop for itself.
    with ThreadPoolExecutor(1) as thread:
        printed = thread.submit(same_person(trainee, said).run, *cells, patience=120).result()
    assert "Traceback" not in printed


def solved(lesson: Lesson) -> dict[str, str]:
    """The cells of a lesson's exercises with their solutions, by exercise."""
    found = ((EXERCISE.match(source), source) for source in code(lesson))
    return {name[1]: source for name, source in found if name}


def code(lesson: Lesson) -> list[str]:
    """The code of a lesson with its solutions, without the marks around them."""
    cells = [cell.source for cell in solution(COURSE, lesson).cells if cell.cell_type == "code"]
    return [re.sub(rf"^ *({BEGIN}|{END})\n", "", source, flags=re.MULTILINE) for source in cells]


def same_person(reader: Reader, said: Said) -> Visitor:
    """Whoever is signed in there, with a program in place of the browser."""
    visitor = Visitor(reader.hub.url, name=said.trainee)
    for each in reader.context.cookies():
        visitor.session.cookies.set(each["name"], each["value"], domain=each["domain"], path=each["path"])
    return visitor


def verify_badge(trainee: Reader, stranger: Reader, badge: Path, said: Said) -> None:
    """The badge is issued, and somebody without an account is told that it is genuine."""
    stranger.verify(trainee.take_badge("Amélie Durand", badge))
    assert trainee.faults(said.language) == []
    assert said.genuine in stranger.text
    assert "Amélie Durand" in stranger.text
    assert stranger.faults(said.language) == []
    assert stranger.other_hosts == set()


def teach(instructor: Reader, invitation: str, said: Said) -> None:
    """The instructor of the class sees the trainee with every exercise passed, one of them at the second try."""
    come_in(instructor, invitation, said)
    instructor.open("class?course=survival")
    assert instructor.faults(said.language) == []
    instructor.keep_picture(f"instructor-{said.language}")
    row = instructor.page.locator("table.heat tbody tr", has=instructor.page.locator(f"th:text-is('{said.trainee}')"))
    assert row.locator("td").last.inner_text() == "24/24"
    assert row.locator("td [aria-hidden]").first.inner_text() == "✓ 2"
    assert instructor.other_hosts == set()


def stop_server(trainee: Reader, academy: Academy, said: Said) -> None:
    """The pages of the hub around a server that stops."""
    trainee.open(f"{academy.url}/hub/home")
    assert trainee.page.inner_text("h1").strip() == said.server
    assert trainee.faults(said.language) == []
    trainee.keep_picture(f"home-{said.language}")
    hold_servers_still(academy)
    trainee.page.click("#stop")
    wait_for_stop(trainee, said)
    trainee.page = trainee.context.new_page()
    trainee.open(f"{academy.url}/hub/spawn-pending/{said.trainee}")
    assert trainee.page.inner_text("h1").strip() == said.stopping
    assert trainee.faults(said.language) == []
    trainee.keep_picture(f"stopping-{said.language}")
    # It looks again by itself.
    trainee.page.wait_for_selector("#start")
    assert trainee.page.inner_text("h1").strip() == said.stopped
    assert trainee.faults(said.language) == []
    trainee.keep_picture(f"stopped-{said.language}")


def hold_servers_still(academy: Academy) -> None:
    """A server that does not hear its goodbye takes five seconds to stop: time enough to look at the page."""
    below = watch.below(commands.still_running(academy.to)["hub"])
    commands_of = {each.pid: Path(f"/proc/{each.pid}/cmdline").read_bytes().split(b"\0") for each in below}
    servers = [pid for pid, command in commands_of.items() if b"hub_config.server" in command[1:3]]
    for pid in servers:
        os.kill(pid, signal.SIGSTOP)


def wait_for_stop(trainee: Reader, said: Said) -> None:
    """Until the hub has heard that the server shall stop."""
    person, until = same_person(trainee, said), time.monotonic() + 60
    while person.api("GET", f"/users/{said.trainee}").json()["servers"][""]["pending"] != "stop":
        assert time.monotonic() < until
        time.sleep(0.1)
