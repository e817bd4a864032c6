"""What the product reads from its environment is declared, and what is declared is read: by its words, wherever they stand."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.settings.table import INTERNAL, SETTINGS, Part
from jobs.settings.values import KNOWN

ROOT = Path(__file__).parents[3]
PARTS = ("jobs", "dags", "quality", "hub_config", "courses", "benchmarks")
DECLARATIONS = ROOT / "jobs" / "settings"
OURS = re.compile(r"\b(?:PSCC_[A-Z0-9_]*[A-Z0-9]|LAKE_ROOT)\b")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
# What Airflow, JupyterHub, Spark and the machine tell or are told: their manuals declare it.
THEIRS = re.compile(
    r"AIRFLOW_.+|JUPYTER.+|GX_ANALYTICS_ENABLED|MATPLOTLIBRC|PYDEVD_.+|PYSPARK_PYTHON|SPARK_LOCAL_IP|PATH|PYTHONPATH|HOME|LANG|TMPDIR"
)
# Of tests: a variable that must not be seen inside, and what several begin with.
OF_TESTS = {"PSCC_SECRET", "PSCC_ALERT", "PSCC_DATABASE"}


def read_in(source: str) -> Iterator[str]:
    """Names that a piece of Python takes out of an environment, and every word of ours that stands in a string of its own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value):
            yield node.value
        name = _asked(node)
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and VARIABLE.fullmatch(name.value):
            yield name.value


def _asked(node: ast.AST) -> ast.AST | None:
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        return node.slice
    if isinstance(node, ast.Compare) and any(map(_is_environment, node.comparators)):
        return node.left
    if isinstance(node, ast.Call) and node.args:
        is_read = isinstance(node.func, ast.Attribute) and (_is_environment(node.func.value) or node.func.attr == "getenv")
        is_ours = isinstance(node.func, ast.Name) and node.func.id in ("value", "asked", "getenv")
        return node.args[0] if is_read or is_ours else None
    return None


def _is_environment(node: ast.AST) -> bool:
    return ast.unparse(node).rpartition(".")[2] in ("environ", "environment")


def python() -> list[Path]:
    files = [file for part in PARTS for file in sorted((ROOT / part).rglob("*.py")) if DECLARATIONS not in file.parents]
    assert len(files) > 300
    return files


def sources_of_tests() -> list[Path]:
    return [file for file in (ROOT / "tests").rglob("*.py") if file.parent != Path(__file__).parent]


def others() -> list[Path]:
    """Where names of ours stand in something else than Python: images, compose, pages, set-up."""
    found = [ROOT / name for name in ("docker-compose.yml", "Makefile", "pyproject.toml", "README.md", "CONTRIBUTING.md")]
    found += [file for part in ("images", "docs", "courses") for file in (ROOT / part).rglob("*") if file.suffix != ".py"]
    return [file for file in found if file.is_file() and file.suffix not in (".png", ".pyc") and file.name != "settings.md"]


def used() -> dict[str, str]:
    """Each name, and one file in which it stands."""
    found = {name: str(file) for file in python() for name in read_in(file.read_text(encoding="utf-8"))}
    return found | {name: str(file) for file in others() for name in OURS.findall(file.read_text(encoding="utf-8"))}


def test_every_name_that_the_product_reads_is_declared() -> None:
    names = used()
    assert {"PSCC_LANDING", "PSCC_EVENTS", "PSCC_GROUPS", "JAVA_HOME", "PSCC_SHOTS"} <= set(names)
    assert {name: file for name, file in names.items() if name not in KNOWN and not THEIRS.fullmatch(name)} == {}


def test_every_name_that_the_tests_set_is_declared() -> None:
    names = {
        name for file in sources_of_tests() for name in read_in(file.read_text(encoding="utf-8")) if name.startswith("PSCC_")
    }
    assert {"PSCC_SAMPLES", "PSCC_ISOLATION"} <= names
    assert names - OF_TESTS <= KNOWN


@pytest.mark.parametrize(
    "source",
    [
        'os.environ["PSCC_NEW"]',
        'environ.get("PSCC_NEW", "1")',
        'os.getenv("PSCC_NEW")',
        '"PSCC_NEW" not in os.environ',
        'environment.pop("PSCC_NEW")',
        'NAME = "PSCC_NEW"',
        'value("PSCC_NEW")',
        'asked("PSCC_NEW")',
    ],
)
def test_a_name_that_is_not_declared_is_found_however_it_is_read(source: str) -> None:
    assert "PSCC_NEW" in set(read_in(source)) - set(KNOWN)


def test_a_name_of_others_is_found_too() -> None:
    assert set(read_in('os.environ.get("NEW_TOKEN")')) == {"NEW_TOKEN"}


def test_every_setting_that_is_declared_is_read_somewhere() -> None:
    told = [file.read_text(encoding="utf-8") for file in (*python(), *others(), *sources_of_tests())]
    sources = "\n".join(told) + DECLARATIONS.joinpath("__init__.py").read_text(encoding="utf-8")
    unread = {name for name in (*SETTINGS, *INTERNAL) if not re.search(rf"\b{name}\b", sources)}
    assert unread == set()


def test_what_docker_reads_for_the_stack_is_declared() -> None:
    told = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    declared = {name for name, each in SETTINGS.items() if Part.COMPOSE in each.used_by}
    assert "AIRFLOW_PORT" in told
    assert (told - set(SETTINGS), declared - told) == (set(), set())


def test_a_secret_has_no_default() -> None:
    assert [name for name, each in SETTINGS.items() if each.is_secret and each.default] == []


def test_checking_settings_imports_nothing_heavy() -> None:
    code = "import sys, jobs.settings; print(sorted({'pyspark', 'sqlalchemy', 'polars', 'airflow', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
