"""A full disk below an academy: everybody who would write reads a sentence, nothing is lost or half written, and all goes on when there is room."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from courses.checking.attempts import Attempts
from hub_config import academy as commands
from hub_config.lessons import put_lessons
from hub_config.place import Academy
from hub_config.roster import Roster
from tests.hub_config import portal_world
from tests.hub_config.hub_client import Visitor
from tests.hub_config.portal_world import PASSWORD, Hub
from tests.small_disk import Disk, small_disk

EXERCISE = "survival.first-curves.at-risk"


@dataclass(frozen=True)
class OnDisk:
    """A hub with its portal, and the disk that both write to."""

    hub: Hub
    disk: Disk

    @property
    def roster(self) -> Roster:
        return Roster(self.hub.folder / "state" / "roster.toml")

    def check(self, token: str, value: float, lang: str = "en") -> dict[str, object]:
        sent = {"exercise": EXERCISE, "value": {"kind": "number", "value": value}, "lang": lang}
        answer = requests.post(f"{self.hub.portal}api/check", json=sent, headers={"Authorization": f"token {token}"}, timeout=60)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDisk]:
    with small_disk(tmp_path_factory.mktemp("full") / "disk", 48) as disk:
        folder = portal_world.make(disk.place / "academy", ("marie", "amina", "benoit"))
        with portal_world.hub(folder) as hub:
            yield OnDisk(hub, disk)


def test_an_answer_that_cannot_be_kept_is_said_so_counts_for_nothing_and_is_taken_when_there_is_room(world: OnDisk):
    token = world.hub.token("amina")
    known = portal_world.checking(world.hub.folder)
    right = portal_world.right(known, "amina")
    known.close()
    assert world.check(token, right + 1)["attempt"] == 1
    with world.disk.full():
        # A few may find room in what the record has already.
        kept = 1
        while "disk is full" not in (said := world.check(token, right + 1))["message"]:
            kept = said["attempt"]
        assert not world.check(token, right)["passed"]
        assert "Le disque de l’académie est plein" in world.check(token, right, "fr")["message"]
        # Who only reads goes on.
        asked = requests.get(f"{world.hub.portal}api/progress", headers={"Authorization": f"token {token}"}, timeout=60)
        assert [each["attempts"] for each in asked.json()["exercises"] if each["exercise"] == EXERCISE] == [kept]
    again = world.check(token, right)
    assert (again["passed"], again["attempt"]) == (True, kept + 1)
    record = Attempts(world.hub.folder / "state")
    assert record.verify() == len(record.events("amina")) == kept + 1
    record.close()


@pytest.mark.parametrize(("language", "sentence"), [("en", "disk is full"), ("fr", "disque de l’académie est plein")])
def test_who_logs_in_or_follows_an_invitation_reads_it_and_the_roster_is_as_it_was(world: OnDisk, language: str, sentence: str):
    name = f"new-{language}"
    invitation = f"{world.hub.url}/hub/invitation?code={world.roster.add(name)}"
    before = world.roster.path.read_bytes()
    with world.disk.full():
        for answer in (
            Visitor(world.hub.url, language).log_in("benoit", PASSWORD),
            Visitor(world.hub.url, language).log_in("benoit", "a wrong password"),
            Visitor(world.hub.url, language).accept(invitation, PASSWORD),
        ):
            page = answer.content.decode()
            assert (answer.status_code, sentence in page) == (507, True), page[-1500:]
        assert world.roster.path.read_bytes() == before
    assert [path.name for path in world.roster.path.parent.glob(".*.part")] == []
    assert Visitor(world.hub.url).log_in("benoit", PASSWORD).status_code == 302
    assert Visitor(world.hub.url).accept(invitation, PASSWORD).status_code == 302
    assert set(world.roster.accounts()) >= {"marie", "amina", "benoit", name}


def test_an_instructor_who_resets_an_exercise_reads_it(world: OnDisk):
    headers = {"Authorization": f"token {world.hub.token('marie')}"}
    asked = {"user": "benoit", "exercise": EXERCISE}
    with world.disk.full():
        while (answer := requests.post(f"{world.hub.portal}api/reset", json=asked, headers=headers, timeout=60)).ok:
            continue
        assert (answer.status_code, "disk is full" in answer.json()["message"]) == (507, True)
    assert requests.post(f"{world.hub.portal}api/reset", json=asked, headers=headers, timeout=60).ok


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", 8) as found:
        yield found


@pytest.mark.parametrize("words", [("invite", "ana"), ("reset", "ben"), ("import", "class.csv")])
def test_a_command_on_people_is_one_sentence_and_changes_nobody(disk: Disk, capsys, monkeypatch, words):
    academy = Academy(disk.place / "academy", disk.place / "lake", "small", "none")
    academy.make_folders()
    academy.write()
    roster = Roster(academy.state / "roster.toml")
    roster.add("ben")
    monkeypatch.chdir(disk.place)
    Path("class.csv").write_text("user\n" + "\n".join(f"person-{number}" for number in range(300)))
    before = roster.path.read_bytes()
    with disk.full():
        assert commands.main([*words, "--to", str(academy.to)]) == 3
    said = capsys.readouterr().err
    assert (said.count("\n"), "No space left on device" in said, "Nothing was lost" in said) == (1, True, True)
    assert roster.path.read_bytes() == before
    assert commands.main([*words, "--to", str(academy.to)]) == 0


def test_half_a_lesson_stays_in_no_home(disk: Disk):
    lessons, home = disk.place / "built" / "survival" / "trainee", disk.place / "home"
    lessons.mkdir(parents=True)
    home.mkdir()
    (lessons / "01-first.ipynb").write_text("a lesson " * 10_000)
    with disk.full(leaving=16_384), pytest.raises(OSError, match="No space left"):
        put_lessons(disk.place / "built", home, (), None)
    assert list(home.rglob("*.ipynb")) == []
    assert put_lessons(disk.place / "built", home, (), None) == ["survival/01-first.ipynb"]


def notebook(words: int) -> dict[str, object]:
    """A notebook as a browser sends it."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "word " * words}
    return {"type": "notebook", "content": {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}}


# The second fails at its last bytes, when the file is flushed.
@pytest.mark.parametrize(("leaving", "words"), [(0, 1_200), (4_096, 1_200), (4_096, 20_000), (65_536, 20_000)])
def test_work_that_cannot_be_saved_leaves_what_was_saved_before(disk: Disk, leaving: int, words: int):
    from tornado.web import HTTPError

    from hub_config.saving import WholeFiles

    home = disk.place / "home"
    home.mkdir()
    manager = WholeFiles(root_dir=str(home))
    asyncio.run(manager.save(notebook(10), "mine.ipynb"))
    before = (home / "mine.ipynb").read_bytes()
    with disk.full(leaving):
        # Saved by itself every other minute, as a browser does.
        for _ in range(2):
            with pytest.raises(HTTPError, match="No space left on device"):
                asyncio.run(manager.save(notebook(words), "mine.ipynb"))
        assert (home / "mine.ipynb").read_bytes() == before
    asyncio.run(manager.save(notebook(words), "mine.ipynb"))
    assert len("".join(json.loads((home / "mine.ipynb").read_text())["cells"][0]["source"])) == 5 * words
    assert [path.name for path in home.iterdir() if path.name != ".ipynb_checkpoints"] == ["mine.ipynb"]
