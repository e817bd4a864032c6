"""What is said of courses that a release no longer fits; authors' own program is stood in for, as it runs for minutes."""

import json
from types import SimpleNamespace

import pytest

from jobs.errors import GateFailed
from jobs.releases import courses
from jobs.settings import Settings

AUTHORS = """
import json, sys
report = json.loads({report!r})
print("a warning of some library", file=sys.stderr)
if report:
    open(sys.argv[sys.argv.index("--to") + 1], "w").write(json.dumps(report))
sys.exit({code})
"""
LESSON = {"course": "survival", "lesson": "first-curves", "blocks": True, "reasons": ["table edu_line is not in the release"]}
STALE = {"course": "privacy-lab", "lesson": "attack", "blocks": False, "reasons": ["slow"]}


@pytest.fixture
def examined(tmp_path, monkeypatch):
    def run(code: int, report: dict) -> None:
        (tmp_path / "authors_stand_in.py").write_text(AUTHORS.format(report=json.dumps(report), code=code))
        courses.examine_courses(Settings(lake=str(tmp_path)), "small-1")

    store = SimpleNamespace(release=lambda name: name, place=lambda name: tmp_path / name, folder=tmp_path)
    monkeypatch.setattr(courses, "opened", lambda settings: store)
    monkeypatch.setattr(courses, "AUTHORING", "authors_stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return run


def test_a_lesson_that_blocks_is_named_with_its_reason_and_one_that_does_not_is_not(examined):
    with pytest.raises(GateFailed) as refused:
        examined(1, {"lessons": [LESSON, STALE]})
    assert "survival/first-curves: table edu_line is not in the release." in str(refused.value)
    assert "attack" not in str(refused.value)


def test_courses_that_fit_say_nothing(examined):
    examined(0, {"lessons": []})


def test_the_report_of_an_earlier_time_is_not_taken_for_this_one(examined, tmp_path):
    (tmp_path / "small-1.courses.json").write_text(json.dumps({"lessons": [LESSON]}))
    with pytest.raises(GateFailed, match="a warning of some library"):
        examined(2, {})
