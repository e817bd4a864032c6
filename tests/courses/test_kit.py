"""The kit in a real IPython shell; Spark's part on a real engine, checks on a real check service."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from courses.authoring.desk import desk
from courses.checking.cohort import cohort as cohort_of
from courses.kit import answer, data, words
from courses.kit.errors import KitError
from courses.kit.show import Said, Shown
from hub_config import engine
from tests.teaching_stand_in import write_release

ROOT = Path(__file__).parents[2]
PATIENTS = 1_200
COURSE = """
slug = "arithmetic"
level = "beginner"
minutes = 10
release = "small"
badge = "Arithmetic"
pass_mark = 1.0
tables = ["edu_tumor"]
prerequisites = []
objectives = ["Count."]
[title]
en = "Arithmetic"
fr = "Calcul"
[summary]
en = "Counts."
fr = "Compte."
"""
CHECKS = '''
"""Counts."""

from courses.checking.exercise import Exercise

HINTS = tuple({"en": f"Hint {n}: count the rows of cohort.", "fr": f"Indice {n} : comptez les lignes de cohort."} for n in (1, 2, 3))


def size(release, seed):
    return release.cohort(seed).height


def stages(release, seed):
    return release.of_cohort("edu_tumor", seed).group_by("stage").len("n")


EXERCISES = {
    "counting.size": Exercise(expected=size, kind="number", hints=HINTS),
    "counting.stages": Exercise(expected=stages, kind="table", hints=HINTS),
}
'''


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("courses")
    (folder / "arithmetic").mkdir()
    (folder / "arithmetic" / "course.toml").write_text(COURSE)
    (folder / "arithmetic" / "checks.py").write_text(CHECKS)
    (folder / "arithmetic" / "01-counting.md").write_text("# Counting\n")
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("teaching") / "stand-in", PATIENTS)


@pytest.fixture(scope="module")
def remote(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    options = ["--memory", "1g"] + ([] if engine.level()[0] != "none" else ["--without-sandbox"])
    with engine.running(release, tmp_path_factory.mktemp("state"), *options) as found:
        yield found


@pytest.fixture(scope="module")
def notebook(remote: Callable[[str], str], courses: Path, release: Path) -> Iterator[InteractiveShell]:
    """A shell in which the kit is loaded, as in a trainee's notebook."""
    with desk(courses, release) as author, pytest.MonkeyPatch.context() as surroundings:
        for name, value in (author.environment() | {"SPARK_REMOTE": remote("ada")}).items():
            surroundings.setenv(name, value)
        data._state.update(session=None, cohort=None)
        shell = InteractiveShell.instance()
        shell.run_cell("from courses.kit import *\n%load_ext courses.kit")
        yield shell
        # Before the engine goes: a session that cannot say goodbye tries for minutes.
        data.session().stop()
        data._state.update(session=None, cohort=None)
        InteractiveShell.clear_instance()


def ran(notebook: InteractiveShell, cell: str) -> Any:
    """What a cell gives and shows, with what it prints."""
    with capture_output() as captured:
        result = notebook.run_cell(cell)
    return result, captured.outputs, captured.stdout


@pytest.mark.jvm
def test_sql_gives_a_table_with_types_and_the_number_of_rows(notebook):
    shown = ran(notebook, "%%sql\nSELECT tumor_no, stage FROM edu_tumor ORDER BY tumor_no LIMIT 3;")[0].result
    assert isinstance(shown, Shown)
    assert shown.caption == "3 rows"
    assert shown.columns == (("tumor_no", "bigint"), ("stage", "string"))
    assert [row[0] for row in shown.rows] == [1, 2, 3]
    assert '<th scope="col"' in shown._repr_html_()


@pytest.mark.jvm
def test_sql_shows_a_thousand_rows_of_more(notebook):
    shown = ran(notebook, "%%sql\nSELECT * FROM edu_tumor")[0].result
    assert len(shown.rows) == 1_000
    assert shown.caption == "The first 1,000 rows of more: count, aggregate or filter."


@pytest.mark.jvm
def test_sql_keeps_the_rows_under_a_name(notebook):
    ran(notebook, "%%sql mine\nSELECT * FROM cohort")
    assert ran(notebook, "mine.count()")[0].result == len(cohort_of(notebook.user_ns["seed"](), range(1, PATIENTS + 1)))


@pytest.mark.jvm
@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%%sql\nSELECT stag FROM edu_tumor", "There is no column stag here. There are:"),
        ("%%sql\nSELECT * FROM edu_tumour", "There is no table edu_tumour: tables() lists those of the release."),
        ("%%sql\nSELECT stage FRM edu_tumor x y", "The SQL cannot be read from"),
        ("%%sql\nSELECT 1 / 0", "Something was divided by zero"),
        ("%%sql\nSELECT stage, count(*) FROM edu_tumor", "A column stands beside an aggregate"),
        ("%%sql\nDROP TABLE edu_tumor", "The class reads and changes nothing"),
        ("spark.range(3).write.csv('mine')", "The class reads and changes nothing"),
        ("spark.table('edu_tumor').select('nosuch').collect()", "There is no column nosuch here."),
    ],
)
def test_an_error_is_one_sentence_without_a_stack_trace(notebook, cell, sentence):
    result, _, printed = ran(notebook, cell)
    assert not result.success
    assert printed.strip().startswith(sentence)
    assert len(printed.strip().splitlines()) == 1


@pytest.mark.jvm
def test_an_error_speaks_french_to_who_reads_french(notebook, monkeypatch):
    monkeypatch.setenv("PSCC_LANG", "fr")
    assert ran(notebook, "%%sql\nSELECT * FROM edu_tumour")[2].startswith("La table edu_tumour n’existe pas")


@pytest.mark.jvm
def test_tables_and_describe_say_what_there_is_and_what_it_means(notebook):
    _, shown, _ = ran(notebook, "tables()")
    html = shown[0].data["text/html"]
    assert "edu_survival" in html
    assert "1200" in html
    _, shown, _ = ran(notebook, "describe('edu_tumor')")
    assert "A number of this release only" in shown[0].data["text/html"]


@pytest.mark.jvm
def test_the_cohort_of_the_notebook_is_the_cohort_of_the_check_service(notebook):
    found = ran(notebook, "sorted(row.tumor_no for row in cohort().collect())")[0].result
    assert found == cohort_of(notebook.user_ns["seed"](), range(1, PATIENTS + 1))


@pytest.mark.jvm
def test_a_right_answer_passes_and_a_wrong_one_gets_a_hint(notebook):
    wrong = ran(notebook, "check('arithmetic.counting.size', 3)")[1][0].data["text/html"]
    assert 'role="status"' in wrong
    assert "✗ Not yet" in wrong
    assert "Hint 1" in wrong
    right = ran(notebook, "check('arithmetic.counting.size', cohort().count())")[1][0].data["text/html"]
    assert "✓ Passed" in right


@pytest.mark.jvm
@pytest.mark.parametrize("form", ["{}", "{}.toPandas()", "__import__('polars').from_arrow({}.toArrow())"])
def test_a_table_of_spark_pandas_and_polars_is_the_same_answer(notebook, form):
    frame = "sql('SELECT stage, count(*) AS n FROM edu_tumor JOIN cohort USING (tumor_no) GROUP BY stage')"
    shown = ran(notebook, f"check('arithmetic.counting.stages', {form.format(frame)})")[1][0]
    assert "✓ Passed" in shown.data["text/html"]


def test_an_unknown_exercise_is_told_and_raises_nothing(courses, release, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PSCC_CHECK_URL", f"file:{courses}?release={release}&state={tmp_path}&user=eve")
    answer.check("arithmetic.counting.nothing", 1)
    assert "The answer was not checked" in capsys.readouterr().out


def test_authors_check_in_their_own_process_without_a_hub(courses, release, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PSCC_CHECK_URL", f"file:{courses}?release={release}&state={tmp_path}&user=eve")
    answer.check("arithmetic.counting.size", len(cohort_of(answer.seed(), range(1, PATIENTS + 1))))
    assert capsys.readouterr().out.startswith("✓ Passed.")


def test_without_an_engine_spark_says_where_to_open_the_notebook(monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    with pytest.raises(KitError, match="found none: open this notebook in the academy"):
        data._open()


def test_values_of_the_data_cannot_become_html():
    html = Shown("<b>", (("<i>", "string"),), (("<script>",),))._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html
    said = Said("✓", "Passed", "<script>", "<b> `f(x)`", None, "#000000", "en")._repr_html_()
    assert "<code>f(x)</code>" in said
    assert "<script>" not in said


def test_every_sentence_has_both_languages_and_the_same_blanks():
    for name, (english, french) in words.SENTENCES.items():
        assert english, name
        assert sorted(_blanks(english)) == sorted(_blanks(french)), name


def _blanks(text: str) -> list[str]:
    from string import Formatter

    return [blank for _, blank, _, _ in Formatter().parse(text) if blank]


def test_importing_the_kit_costs_neither_spark_nor_matplotlib():
    code = "import json, sys; import courses.kit; print(json.dumps([name for name in ('pyspark', 'pandas', 'polars', 'matplotlib') if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize(
    "order", ["import matplotlib.pyplot as plt; import courses.kit", "import courses.kit; import matplotlib.pyplot as plt"]
)
def test_the_house_style_holds_whichever_is_imported_first(order):
    code = f"{order}; print(plt.rcParams['axes.spines.top'], plt.rcParams['font.sans-serif'][0])"
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings)
    assert done.stdout.split("\n")[0] == "False DejaVu Sans"
