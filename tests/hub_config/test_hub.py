"""A real hub on a free port: people log in, get servers in the strongest sandbox that works here, and try what they may not."""

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

from hub_config import academy as commands
from hub_config.place import Academy
from hub_config.roster import Roster
from tests.hub_config.academy_up import academy_up, free_port, run
from tests.hub_config.attacks import ATTACK, FILE_MB, MEMORY_MB, PROCESSES, neighbour_and_port, outcome, targets
from tests.hub_config.hub_client import Visitor
from tests.hub_config.lake import make_lake, make_lessons
from tests.hub_config.test_sandbox import OPEN

PASSWORD = "correct horse battery"
PEOPLE = (("ana", "trainee", "spring"), ("ben", "trainee", "spring"), ("cleo", "trainee", "autumn"))
PEOPLE += (("ines", "instructor", "spring"), ("luc", "analyst", "spring"), ("eve", "engineer", "spring"))


def said_by(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code and last words of a command, without a process of its own."""
    code = commands.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


@dataclass
class Running:
    """An academy that runs, what `up` said, and people who are logged in."""

    academy: Academy
    lake: Path
    said: str
    people: dict[str, Visitor]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    to, lake = tmp_path_factory.mktemp("academy"), make_lake(tmp_path_factory.mktemp("lake"))
    lake.chmod(0o700)
    if os.environ.get("PSCC_ISOLATION") == "uid":
        # Homes are reached through these; `--basetemp` below a folder that everybody may pass.
        for folder in (tmp_path_factory.getbasetemp(), to):
            folder.chmod(0o711)
    make_lessons(to / "built")
    bounds = ("--memory-mb", MEMORY_MB, "--processes", PROCESSES, "--file-mb", FILE_MB, "--home-mb", 64)
    with academy_up(to, lake, *bounds) as (academy, said):
        yield Running(academy, lake, said, log_everybody_in(academy))


def log_everybody_in(academy: Academy) -> dict[str, Visitor]:
    roster = Roster(academy.state / "roster.toml")
    people = {}
    for name, role, group in PEOPLE:
        code = roster.add(name, role, (group,))
        people[name] = Visitor(academy.url)
        assert people[name].accept(f"{academy.url}/hub/invitation?code={code}", PASSWORD).status_code == 302
    return people


@pytest.fixture(scope="module")
def at_work(running: Running) -> Visitor:
    """Ana, in front of her running server."""
    seconds = running.people["ana"].spawn()
    print(f"Spawned at level {running.academy.level} in {seconds:.1f} s")
    return running.people["ana"]


def test_up_says_where_it_is_how_it_isolates_and_whom_it_invited(running):
    assert running.academy.url in running.said
    assert f"Isolation level: {running.academy.level}." in running.said
    assert len(re.findall(r"Invitation of \S+, good once: http\S+code=\S{24}", running.said)) == 3


def test_an_invitation_is_good_once(running):
    invitation = re.search(r"Invitation of trainee-1, good once: (\S+)", running.said)[1]
    assert Visitor(running.academy.url).accept(invitation, PASSWORD).status_code == 302
    again = requests.get(invitation, headers={"Accept-Language": "fr"}, timeout=20)
    assert again.status_code == 403
    assert "Cette invitation est inconnue ou a déjà servi." in again.text


@pytest.mark.parametrize(
    ("chosen", "browser", "said"),
    [
        (None, "fr", "inconnue"),
        (None, "de", "not known"),
        ("fr", "en", "inconnue"),
        ("en", "fr", "not known"),
        ("de", "fr", "inconnue"),
    ],
)
def test_a_refusal_is_said_in_the_language_chosen_on_a_page_else_in_the_browser_s(running, chosen, browser, said):
    cookies = {"academy-lang": chosen} if chosen else None
    url = f"{running.academy.url}/hub/invitation?code=of-nobody"
    assert said in requests.get(url, headers={"Accept-Language": browser}, cookies=cookies, timeout=20).text


def test_ten_wrong_passwords_end_in_a_sentence_and_a_lock(running):
    said = [Visitor(running.academy.url).log_in("trainee-2", "wrong").text for _ in range(10)]
    assert "Wrong name or password." in said[8]
    assert "Too many wrong passwords. Wait 1" in said[9]


def test_a_server_knows_its_release_and_nothing_secret_beyond_its_own_token(running, at_work):
    printed = at_work.run("import json, os; print(json.dumps(dict(os.environ)))")
    environment = json.loads(printed)
    assert environment["PSCC_RELEASE_NAME"] == "small"
    if running.academy.level in ("bwrap", "airgap"):
        assert environment["PSCC_RELEASE"] == "/release"
    secrets = [name for name in environment if re.search("TOKEN|SECRET|KEY|PASS", name)]
    assert secrets == ["JUPYTERHUB_API_TOKEN"]
    assert "PSCC_ACADEMY" not in environment
    assert "PSCC_BRIDGE" not in environment


def test_who_came_and_got_a_server_is_in_the_access_log(running, at_work):
    folder = running.academy.state / "access"
    lines = [json.loads(line) for file in sorted(folder.iterdir()) for line in file.read_text().splitlines()]
    of_ana = [(each["event"], each["outcome"], each["client"]) for each in lines if each["who"] == "ana"]
    assert of_ana[:2] == [("log-in", "logged in", "127.0.0.1"), ("server", "server started", "127.0.0.1")]
    assert PASSWORD not in json.dumps(lines)


def test_a_lesson_waits_in_the_home_and_the_release_can_be_read(at_work):
    printed = at_work.run(
        "import os; print(os.listdir('survival'), open(os.environ['PSCC_RELEASE'] + '/edu_patient/part-0.parquet').read())"
    )
    assert "['01-first-curves.ipynb'] the release" in printed


def neighbours_notes(running: Running) -> None:
    """Notes that Ben wrote in his own server, in the home that the hub made for him."""
    ben = running.people["ben"]
    ben.spawn()
    ben.run("open('notes.txt', 'w').write('secret')")
    ben.api("DELETE", "/users/ben/server")
    assert (running.academy.homes / "ben" / "notes.txt").read_text() == "secret"


def test_every_attack_from_a_spawned_server_is_denied(running, at_work):
    if running.academy.level == "none":
        pytest.skip(
            "At level none nothing is denied: it was asked for, or this machine offers no other (test_sandbox.py says why)."
        )
    neighbours_notes(running)
    hub = commands.still_running(running.academy.to)["hub"]
    release = str(running.academy.shown) if running.academy.level == "uid" else "/release"
    with neighbour_and_port() as (neighbour, port):
        told = targets(running.academy.to, running.lake, neighbour.pid, hub, port, release, home="ben")
        found = outcome(at_work.run(f"TARGETS = {told!r}\n{ATTACK.read_text()}", patience=120))
        assert neighbour.poll() is None
    print("\n".join(f"{attempt:<40}{said}" for attempt, said in found.items()))
    assert {attempt for attempt, said in found.items() if said == "succeeded"} <= OPEN[running.academy.level]


FORGED = """
import json, os, urllib.error, urllib.request
def ask(method, path, body=None):
    request = urllib.request.Request(os.environ["JUPYTERHUB_API_URL"] + path, method=method, data=body)
    request.add_header("Authorization", "token " + os.environ["JUPYTERHUB_API_TOKEN"])
    try:
        return urllib.request.urlopen(request, timeout=20).status
    except urllib.error.HTTPError as error:
        return error.code
asked = [("GET", "/users"), ("GET", "/users/ben"), ("POST", "/users/ben/server"), ("POST", "/users/ana/tokens"), ("DELETE", "/users/ana/server"),
         ("POST", "/users"), ("GET", "/groups"), ("POST", "/shutdown"), ("GET", "/proxy"), ("POST", "/users/ben/activity")]
print(json.dumps([[f"{method} {path}", ask(method, path, b"{}" if method == "POST" else None)] for method, path in asked]))
print(ask("GET", "/user"))
"""


def test_the_token_of_a_server_opens_nothing_of_the_hub_but_its_own_name(at_work):
    answers, own = at_work.run(FORGED).splitlines()
    assert {asked for asked, status in json.loads(answers) if status < 400} == set()
    assert own == "200"


# Status of an API call by role: what is not listed for somebody has to be refused.
ALLOWED = {
    ("GET", "/users/ben"): {"ben", "ines", "eve"},
    ("GET", "/users/cleo"): {"cleo", "eve"},
    ("GET", "/users/ines"): {"ines", "eve"},
    ("GET", "/users"): {"ines", "eve"},
    ("DELETE", "/users/ben/server"): {"ben", "ines", "eve"},
    ("DELETE", "/users/cleo/server"): {"cleo", "eve"},
    ("GET", "/info"): {"eve"},
    ("POST", "/users/ben/tokens"): {"ben"},
    ("POST", "/users/mallory"): set(),
    ("DELETE", "/users/ben"): set(),
    ("GET", "/proxy"): set(),
    ("GET", "/groups"): set(),
    ("POST", "/groups/class-spring/users"): set(),
    ("POST", "/shutdown"): set(),
    ("POST", "/shares/ben/"): set(),
}


@pytest.mark.parametrize("name", [name for name, _, _ in PEOPLE])
@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_the_hub_answers_each_role_as_the_matrix_says(running, name, method, path):
    answer = running.people[name].api(method, path)
    # 400 and 404 of somebody who may ask: there is no such server to stop.
    allowed = answer.status_code < 400 or "is not running" in answer.text
    assert allowed == (name in ALLOWED[method, path]), f"{answer.status_code} {answer.text}"


def test_an_instructor_lists_their_class_and_nobody_else(running):
    assert {one["name"] for one in running.people["ines"].api("GET", "/users").json()} == {"ana", "ben", "luc", "ines"} - {
        "luc",
        "ines",
    }


@pytest.mark.parametrize(("name", "status"), [("ana", 403), ("ines", 403), ("luc", 403), ("eve", 200)])
def test_only_an_engineer_reads_the_metrics(running, name, status):
    assert running.people[name].session.get(f"{running.academy.url}/hub/metrics").status_code == status


@pytest.mark.parametrize("name", ["ben", "ines", "luc", "eve"])
def test_nobody_enters_the_server_of_somebody_else(running, at_work, name):
    visitor = running.people[name]
    for page in ("lab", "api/contents", "files/survival/01-first-curves.ipynb"):
        answer = visitor.session.get(f"{running.academy.url}/user/ana/{page}")
        assert answer.status_code in (403, 404), f"{page}: {answer.status_code} {answer.url}"


def test_somebody_who_left_the_roster_is_out(running):
    roster = Roster(running.academy.state / "roster.toml")
    visitor = Visitor(running.academy.url)
    visitor.accept(f"{running.academy.url}/hub/invitation?code={roster.add('gone')}", PASSWORD)
    roster.remove("gone")
    assert "Wrong name or password." in Visitor(running.academy.url).log_in("gone", PASSWORD).text


HUNGRY = """
import os, time
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        held = bytearray(400 << 20)
        time.sleep(3)
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_many_processes_together_get_no_more_memory_than_one_server_may_have(running, at_work):
    with suppress(TimeoutError, AssertionError, requests.RequestException):
        ended = at_work.run(HUNGRY, patience=30)
        assert not ended or 9 in json.loads(ended)
        if ended:
            return
    log = (running.academy.log / "hub.log").read_text()
    assert "MiB of memory" in log or "unexpectedly" in log or "exited" in log, log[-2000:]


def test_a_server_that_nobody_uses_is_stopped_and_the_work_stays(running, at_work):
    if not at_work.api("GET", "/users/ana").json()["servers"]:
        at_work.spawn()
    at_work.run("open('mine.txt', 'w').write('my work')")
    replace(running.academy, idle_minutes=0.1).write()
    try:
        until = time.monotonic() + 60
        while at_work.api("GET", "/users/ana").json()["servers"] and time.monotonic() < until:
            time.sleep(0.5)
    finally:
        running.academy.write()
    assert not at_work.api("GET", "/users/ana").json()["servers"]
    assert "unused for" in (running.academy.log / "hub.log").read_text()
    assert (running.academy.homes / "ana" / "mine.txt").read_text() == "my work"


def test_a_home_that_grows_beyond_its_bound_stops_the_server_and_keeps_the_work(running, at_work):
    if not at_work.api("GET", "/users/ana").json()["servers"]:
        at_work.spawn()
    fill = "import time\nfor n in range(100):\n    open(f'big-{n}', 'wb').write(bytes(16 << 20)); time.sleep(0.5)"
    started = time.monotonic()
    with suppress(TimeoutError, AssertionError, requests.RequestException):
        at_work.run(fill, patience=8)
    while at_work.api("GET", "/users/ana").json()["servers"] and time.monotonic() - started < 60:
        time.sleep(0.5)
    assert not at_work.api("GET", "/users/ana").json()["servers"]
    assert "the home grew to" in (running.academy.log / "hub.log").read_text()
    assert (running.academy.homes / "ana" / "survival" / "01-first-curves.ipynb").exists()


def test_nobody_is_removed_under_a_hub_that_runs(running):
    refused = run("retire", "cleo", "--yes", "--to", running.academy.to)
    assert (refused.returncode, "found it running" in refused.stderr) == (2, True)


def test_a_class_comes_and_goes_as_a_file(running, tmp_path):
    listed = tmp_path / "class.csv"
    listed.write_text("user,role,classes,courses,language\nzoe,trainee,winter,survival,fr\n")
    invited = run("import", listed, "--to", running.academy.to)
    name, invitation = invited.stdout.splitlines()[1].split(",")
    assert name == "zoe"
    assert Visitor(running.academy.url).accept(invitation, PASSWORD).status_code == 302
    assert run("export", "--class", "winter", "--to", running.academy.to).stdout == listed.read_text()


def test_status_tells_and_a_second_up_is_refused(running):
    told = run("status", "--to", running.academy.to)
    assert running.academy.url in told.stdout
    assert re.search(r"Record +\d+ events, whole", told.stdout)
    assert "Record of attempts: " in running.said
    again = run("up", "--to", running.academy.to, "--lake", running.lake)
    assert again.returncode == 2
    assert "found it running" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--release", "none-such"), "Expected the release none-such"),
        (("--release", "other"), "or approve it"),
        (("--isolation", "magic"), "Expected one of the isolation levels"),
        (("--isolation", "none"), "--let-trainees-read-each-other"),
        (("--login", "oidc"), "the package oauthenticator"),
    ],
)
def test_a_wrong_use_of_up_is_one_sentence(tmp_path, capsys, arguments, said):
    done = said_by(
        capsys, "up", "--to", tmp_path / "to", "--lake", make_lake(tmp_path / "lake"), "--port", free_port(), *arguments
    )
    assert done[0] == 2
    assert said in done[1]
    assert done[1].count("\n") == 1


def test_a_lake_without_a_release_and_a_taken_port_are_said(tmp_path, capsys):
    done = said_by(capsys, "up", "--to", tmp_path / "to", "--lake", tmp_path)
    assert (done[0], done[1].count("\n")) == (2, 1)
    assert "pscc release make" in done[1]
    with socket.create_server(("127.0.0.1", 0)) as door:
        done = said_by(
            capsys, "up", "--to", tmp_path / "to", "--lake", make_lake(tmp_path / "lake"), "--port", door.getsockname()[1]
        )
    assert (done[0], done[1].count("\n")) == (2, 1)
    assert "to be free, found it taken" in done[1]
