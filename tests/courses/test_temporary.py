"""What killed authoring tools leave goes with the next one; what somebody works in, or others own, stays."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from courses.authoring import temporary as module
from courses.authoring.temporary import temporary

HOLDING = "from courses.authoring.temporary import temporary\nwith temporary('desk') as made: print(made, flush=True); input()"


@pytest.fixture(autouse=True)
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "YOUNG_SECONDS", 0)
    return tmp_path


def tools_in(below: Path) -> list[Path]:
    """What tools have there: a sandbox that an earlier test left waiting for a function may come into being meanwhile."""
    return [each for each in below.iterdir() if not each.name.startswith("answer-")]


def test_a_folder_lasts_while_its_tool_does_and_the_next_tool_takes_it_away_after_a_kill(below: Path) -> None:
    command = [sys.executable, "-c", HOLDING]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(below)},
        cwd=Path(__file__).parents[2],
    ) as tool:
        assert tool.stdout is not None
        left = Path(tool.stdout.readline().strip())
        with temporary("desk"):
            assert left.is_dir()
        tool.kill()
    with temporary("site") as mine:
        assert tools_in(below) == [mine]
    assert tools_in(below) == []


def test_a_link_and_a_folder_of_another_name_stay(below: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (below / "course-desk-abcdefgh").symlink_to(elsewhere)
    (below / "course-notes").mkdir()
    with temporary("desk"):
        pass
    assert elsewhere.is_dir()
    assert sorted(each.name for each in tools_in(below)) == ["course-desk-abcdefgh", "course-notes"]


def test_a_folder_made_a_moment_ago_may_not_be_held_yet(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "YOUNG_SECONDS", 60)
    (below / "course-desk-abcdefgh").mkdir()
    with temporary("desk"):
        pass
    assert [each.name for each in tools_in(below)] == ["course-desk-abcdefgh"]
