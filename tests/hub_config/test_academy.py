"""What `up` looks at and says without starting a hub."""

import os
import re
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jupyterhub import orm

from courses.checking import code
from courses.checking.badges import Badges
from hub_config import academy
from hub_config.errors import WrongUse
from hub_config.place import Academy
from hub_config.spawner import Channels
from tests.hub_config import portal_world
from tests.hub_config.lake import make_lake, make_lessons


@pytest.fixture
def class_of_two(tmp_path):
    """An academy that is stopped, and two trainees who have worked in it."""
    portal_world.make(tmp_path)
    place = Academy(tmp_path, tmp_path / "lake", "r1", "none")
    place.make_folders()
    place.write()
    found = portal_world.checking(tmp_path)
    for user in ("amina", "benoit"):
        for exercise in found.courses["privacy-lab"].required:
            found.check(user, f"privacy-lab.{exercise}", portal_world.right(found, user))
    Badges(found).issue("amina", "privacy-lab", "Amina Benali")
    found.reset("benoit", "privacy-lab.attack.linkage", by="amina")
    found.close()
    with closing(orm.new_session_factory(f"sqlite:///{place.state / 'jupyterhub.sqlite'}")()) as session:
        session.add_all([orm.User(name="amina"), orm.User(name="benoit")])
        session.commit()
    for name in ("homes/amina/notes.ipynb", "log/server-amina.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("work of amina")
    return place


def kept_of(place, word):
    """What is kept below an academy's own folders that bears a word, in its name or in it."""
    folders = (place.state, place.homes, place.log)
    paths = [path for folder in folders for path in folder.rglob("*")]
    return sorted(path.name for path in paths if word in path.name or (path.is_file() and word.encode() in path.read_bytes()))


def test_who_is_retired_is_nowhere_any_more_and_a_new_account_of_that_name_begins_anew(class_of_two, capsys):
    place = class_of_two
    assert {"attempts.sqlite", "jupyterhub.sqlite", "roster.toml", "server-amina.log"} <= set(kept_of(place, "amina"))
    assert kept_of(place, "Benali")
    assert academy.main(["retire", "amina", "--yes", "--to", str(place.to)]) == 0
    assert "Removed amina" in capsys.readouterr().out
    assert kept_of(place, "amina") == kept_of(place, "Benali") == []
    academy.main(["invite", "amina", "--to", str(place.to)])
    found = portal_world.checking(place.to)
    assert not any(each.passed for each in found.progress("amina"))
    assert Badges(found).held("amina", "privacy-lab") is None
    assert any(each.passed for each in found.progress("benoit"))
    found.close()


def test_without_yes_nobody_is_retired_and_strangers_are_said(class_of_two, capsys):
    before = kept_of(class_of_two, "amina")
    assert academy.main(["retire", "amina", "--to", str(class_of_two.to)]) == 0
    assert "Would remove amina" in capsys.readouterr().out
    assert kept_of(class_of_two, "amina") == before
    assert academy.main(["retire", "nobody", "--yes", "--to", str(class_of_two.to)]) == 2
    assert "found nobody" in capsys.readouterr().err


def test_status_says_that_events_were_removed(class_of_two, capsys):
    academy.main(["status", "--to", str(class_of_two.to)])
    assert re.search(r"Record +\d+ events, whole", capsys.readouterr().out)
    with closing(sqlite3.connect(class_of_two.state / "attempts.sqlite")) as base:
        base.execute("drop trigger event_is_kept")
        base.execute("delete from event where what = 'reset'")
        base.commit()
    academy.main(["status", "--to", str(class_of_two.to)])
    assert "recorded events that were sealed, found" in capsys.readouterr().out
    # Who has looked at it may go on from there.
    assert academy.main(["seal", "--to", str(class_of_two.to)]) == 0
    academy.main(["status", "--to", str(class_of_two.to)])
    assert re.search(r"Record +\d+ events, whole", capsys.readouterr().out)


def test_an_invitation_by_the_operator_is_recorded(class_of_two, capsys):
    assert academy.main(["reset", "benoit", "--to", str(class_of_two.to)]) == 0
    found = portal_world.checking(class_of_two.to)
    assert [each.by for each in found.invitations("benoit")] == [""]
    found.close()


def test_where_no_sandbox_works_functions_are_closed_and_it_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(code, "isolation", lambda: "process")
    place = Academy(tmp_path, tmp_path, "small", "uid")
    academy.tell_functions(place)
    assert "install bubblewrap, or say --try-functions-without-sandbox" in capsys.readouterr().out
    academy.tell_functions(replace(place, bare_functions=True))
    assert capsys.readouterr().out == ""


def test_what_a_killed_hub_and_service_leave_goes_with_down(class_of_two, capsys):
    Channels(class_of_two)
    folder = Path(class_of_two.channels.read_text())
    (class_of_two.tmp / "answer-left").mkdir()
    assert (folder / "shared" / "hub.sock").exists()
    assert academy.main(["down", "--to", str(class_of_two.to)]) == 0
    assert not folder.exists()
    assert list(class_of_two.tmp.iterdir()) == []


def test_an_academy_without_lessons_says_so_and_one_with_them_does_not(tmp_path, capsys):
    place = Academy(tmp_path, tmp_path / "lake", "small", "none")
    academy.tell_unbuilt(place)
    assert f"pscc course build --to {place.built}" in capsys.readouterr().out
    make_lessons(place.built)
    academy.tell_unbuilt(place)
    assert capsys.readouterr().out == ""


def test_a_dry_run_makes_nothing_and_asks_for_no_lake(tmp_path, capsys):
    free = str(academy.free_ports("127.0.0.1", 0)[1])
    asked = ["--isolation", "none", "--let-trainees-read-each-other", "--port", free]
    assert academy.main(["up", "--dry-run", "--to", str(tmp_path / "new"), "--lake", str(tmp_path / "none"), *asked]) == 0
    assert (capsys.readouterr().out, list(tmp_path.iterdir())) == ("", [])


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    free = str(academy.free_ports("127.0.0.1", 0)[1])
    asked = ["--isolation", "none", "--let-trainees-read-each-other", "--port", free]
    lake = make_lake(tmp_path / "lake")
    assert academy.main(["up", "--to", str(tmp_path / "file" / "new"), "--lake", str(lake), *asked]) == 3
    said = capsys.readouterr().err
    assert said.startswith("Expected the disk and its files to be usable, found: Not a directory")
    assert said.count("\n") == 1


def test_an_engine_that_is_late_or_has_ended_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(academy, "PATIENCE", 0.5)
    place = Academy(tmp_path, tmp_path, "small", "none")
    late = subprocess.Popen(["sleep", "60"])
    assert "is not ready after" in academy.engine_told(place, late.pid, time.monotonic())
    late.kill()
    assert "has ended, notebooks have no Spark" in academy.engine_told(place, late.pid, time.monotonic())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives trainees user ids of their own")
def test_homes_to_which_nobody_can_walk_are_refused_where_trainees_walk(tmp_path):
    lake, closed = make_lake(tmp_path / "lake"), tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(WrongUse, match=f"{closed}.* closed"):
        academy.refuse_unreadable(Academy(closed / "academy", lake, "small", "uid"))
    academy.refuse_unreadable(Academy(closed / "academy", lake, "small", "airgap"))


def test_a_sandbox_asks_for_no_closed_lake(tmp_path):
    academy.refuse_open(Academy(tmp_path / "academy", make_lake(tmp_path / "lake"), "small", "airgap"))


def test_the_page_is_looked_for_on_this_machine_whatever_proxy_the_shell_uses(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(academy, "PATIENCE", 5.0)
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "login").touch()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = Academy(tmp_path, tmp_path, "small", "none", port=server.server_address[1])
        academy.wait_for_page(place, {"hub": os.getpid()})
        server.shutdown()
