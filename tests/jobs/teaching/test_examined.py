"""What is said of courses that a release no longer fits; authors' own program is stood in for, as it runs for minutes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs import cli, releases
from jobs.errors import GateFailed
from jobs.releases import courses
from jobs.releases.store import Store
from jobs.settings import Settings
from tests.jobs.teaching.test_release import BOUNDS, lake_of_gold, withstood

AUTHORS = """
import json, os, sys
open("{told}", "w").write(json.dumps(sorted(os.environ)))
report = json.loads({report!r})
print("a warning of some library", file=sys.stderr)
if report:
    open(sys.argv[sys.argv.index("--to") + 1], "w").write(json.dumps(report))
sys.exit({code})
"""
LESSON = {
    "course": "survival",
    "lesson": "first-curves",
    "state": "stale",
    "blocks": True,
    "reasons": ["table edu_line is not in the release"],
}
STALE = {"course": "privacy-lab", "lesson": "attack", "state": "stale", "blocks": False, "reasons": ["slow"]}
FINE = {"course": "privacy-lab", "lesson": "two-events", "state": "passes", "blocks": False, "reasons": []}


@pytest.fixture
def authors(tmp_path, monkeypatch):
    """Puts a program in the place of authors' own that ends with this code and leaves this report."""

    def stand_in(code: int, report: dict) -> None:
        (tmp_path / "authors_stand_in.py").write_text(
            AUTHORS.format(told=tmp_path / "environment", report=json.dumps(report), code=code)
        )

    monkeypatch.setattr(courses, "AUTHORING", "authors_stand_in")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    return stand_in


@pytest.fixture
def examined(authors, tmp_path, monkeypatch):
    def run(code: int, report: dict) -> str:
        authors(code, report)
        return courses.examine_courses(Settings(lake=str(tmp_path)), "small-1")

    store = SimpleNamespace(release=lambda name: name, place=lambda name: tmp_path / name, folder=tmp_path)
    monkeypatch.setattr(courses, "opened", lambda settings: store)
    return run


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A lake with one release, small-1, which waits for approval."""
    monkeypatch.setattr(Store, "fresh_name", lambda store, size: "small-1")
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", str(tmp_path / "platform.key"))
    settings = lake_of_gold(tmp_path)
    releases.make(settings, "small", BOUNDS, examine=withstood)
    return settings


def test_a_lesson_that_blocks_is_named_with_its_reason_and_one_that_does_not_is_not(examined):
    with pytest.raises(GateFailed) as refused:
        examined(1, {"lessons": [LESSON, STALE]})
    assert "survival/first-curves: table edu_line is not in the release." in str(refused.value)
    assert "attack" not in str(refused.value)


def test_it_is_said_how_many_lessons_reach_their_points_and_which_do_not(examined, tmp_path):
    assert examined(0, {"lessons": [FINE]}) == "1 of 1 lessons reach all their points on small-1."
    assert examined(0, {"lessons": [FINE, STALE]}) == (
        "1 of 2 lessons reach all their points on small-1; stale, and not blocking: privacy-lab/attack: slow. "
        f"See {tmp_path / 'small-1.courses.json'}."
    )


def test_lessons_know_neither_the_engine_nor_the_keys_of_the_lake(examined, tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://clinical:15002/;token=t")
    monkeypatch.setenv("PSCC_PLATFORM_KEY_FILE", str(tmp_path / "platform.key"))
    examined(0, {"lessons": [FINE]})
    known = json.loads((tmp_path / "environment").read_text())
    assert "PYTHONPATH" in known
    assert not {"SPARK_REMOTE", "PSCC_PLATFORM_KEY_FILE"} & set(known)


def test_the_report_of_an_earlier_time_is_not_taken_for_this_one(examined, tmp_path):
    (tmp_path / "small-1.courses.json").write_text(json.dumps({"lessons": [LESSON]}))
    with pytest.raises(GateFailed, match="a warning of some library"):
        examined(2, {})


def test_where_no_lesson_was_run_it_is_said_so(examined, monkeypatch):
    assert "so no lesson was run on it" in examined(0, {"lessons": []})
    for absent in ("nobody_wrote_this", "nobody_wrote_this.authoring", "jobs.authoring"):
        monkeypatch.setattr(courses, "AUTHORING", absent)
        assert examined(0, {"lessons": [FINE]}).startswith("No courses are installed here, so no lesson was run on small-1")


@pytest.mark.parametrize(
    ("code", "report", "ends", "state"),
    [
        (1, {"lessons": [LESSON]}, (1, "found survival/first-curves: table edu_line is not in the release."), "made"),
        (0, {"lessons": [FINE, STALE]}, (0, "1 of 2 lessons reach all their points on small-1; stale"), "approved"),
    ],
)
def test_who_approves_by_hand_runs_the_lessons_first(authors, house, monkeypatch, capsys, code, report, ends, state):
    authors(code, report)
    words = ["release", "approve", "small-1", "--by", "A. Person", "--accept-lower-bounds", "--lake", house.lake]
    monkeypatch.setattr("sys.argv", ["pscc", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    assert ((ended.value.code or 0), ends[1] in told.out + told.err) == (ends[0], True), told
    assert releases.shown(house, "small-1")[0].state == state


def test_no_lesson_is_run_on_a_release_that_is_refused_anyway(authors, house, monkeypatch):
    authors(0, {"lessons": [FINE]})
    monkeypatch.setattr("sys.argv", ["pscc", "release", "approve", "small-1", "--by", " ", "--lake", house.lake])
    with pytest.raises(SystemExit):
        cli.main()
    assert list(Path(house.lake, "teaching").glob("*.courses.json")) == []
