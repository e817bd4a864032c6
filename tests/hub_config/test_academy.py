"""What `up` looks at and says without starting a hub."""

import os
import subprocess
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hub_config import academy
from hub_config.errors import WrongUse
from hub_config.place import Academy
from tests.hub_config.lake import make_lake, make_lessons


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
def test_a_lake_that_others_may_not_enter_is_refused_where_trainees_walk_to_it(tmp_path):
    lake = make_lake(tmp_path / "lake")
    place = Academy(tmp_path / "academy", lake, "small", "uid")
    lake.chmod(0o700)
    with pytest.raises(WrongUse, match=f"{lake}.* closed"):
        academy.refuse_unreadable(place)
    academy.refuse_unreadable(Academy(tmp_path / "academy", lake, "small", "airgap"))


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
