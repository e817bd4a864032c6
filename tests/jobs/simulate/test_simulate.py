"""The simulation as a whole: repeatable, as dirty as asked, bounded in memory, independent of what it is to test."""

import ast
import csv
import hashlib
import inspect
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from jobs.simulate import Answer, Dirt, Faults, simulate
from jobs.simulate.key import TABLES


def rows(answer: Answer, name: str) -> list[dict[str, str]]:
    with (answer.root / "truth" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(simulated: Answer, tmp_path: Path) -> None:
    again = simulate(400, 3, 7, tmp_path / "again")
    other = simulate(400, 3, 8, tmp_path / "other")
    assert contents(again.root) == contents(simulated.root)
    assert contents(other.root) != contents(simulated.root)


def test_every_kind_of_dirt_is_within_ten_percent_of_the_rate_asked_for(tmp_path: Path) -> None:
    asked = Dirt(**dict.fromkeys(Dirt.__dataclass_fields__, 0.03))
    answer = simulate(2_500, 3, 11, tmp_path / "dirty", dirt=asked)
    measured = {kind: dirty / able for kind, (able, dirty) in answer.dirt.items()}
    assert set(measured) == set(Dirt.__dataclass_fields__)
    assert {kind: rate for kind, rate in measured.items() if abs(rate / 0.03 - 1) > 0.1} == {}


def test_clean_deliveries_have_nothing_set_aside(tmp_path: Path) -> None:
    answer = simulate(200, 2, 3, tmp_path / "clean", dirt=Dirt.none())
    assert answer.set_aside == 0
    assert rows(answer, "rejected_rows") == []


def test_each_refused_row_stands_in_the_key_with_its_reason(simulated: Answer) -> None:
    listed = Counter(row["delivery_id"] for row in rows(simulated, "rejected_rows"))
    assert listed == Counter({row["delivery_id"]: int(row["rejected_rows"]) for row in rows(simulated, "deliveries")})
    assert {row["reason"] for row in rows(simulated, "rejected_rows")} >= {"REQUIRED_MISSING", "DATE_IMPOSSIBLE", "DUPLICATE_KEY"}


def test_the_key_counts_every_table_after_every_delivery(simulated: Answer) -> None:
    counts = rows(simulated, "counts_by_delivery")
    assert len(counts) == 9 * 3 * len(TABLES)
    last = {(row["center"], row["silver_table"]): int(row["rows"]) for row in counts if row["step"] == "9"}
    assert last == {
        (center, table): number for center, tables in simulated.silver_rows.items() for table, number in tables.items()
    }
    assert last["gr", "person"] == len([row for row in rows(simulated, "persons") if row["center"] == "gr"])


def test_faults_are_a_damaged_delivery_that_is_replaced_and_one_that_comes_late(tmp_path: Path) -> None:
    answer = simulate(150, 3, 5, tmp_path / "faulty", faults=Faults.all())
    [refused] = answer.refused
    assert answer.deliveries.index(refused) + 1 == answer.deliveries.index(refused.replace("-001", "-002"))
    aphp = [each for each in answer.deliveries if each.startswith("APHP")]
    assert aphp != sorted(aphp)


def test_memory_does_not_grow_with_the_number_of_patients(tmp_path: Path) -> None:
    small, large = (peak(tmp_path / str(patients), patients) for patients in (2_000, 6_000))
    assert large < 1.15 * small


def peak(to: Path, patients: int) -> int:
    code = (
        "import resource, sys; from pathlib import Path; from jobs.simulate import simulate;"
        f"simulate({patients}, 1, 1, Path(sys.argv[1])); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    return int(subprocess.run([sys.executable, "-c", code, str(to)], check=True, capture_output=True, text=True).stdout)


def test_the_simulator_uses_no_code_that_it_tests() -> None:
    modules = sorted(Path(inspect.getfile(simulate)).parent.glob("*.py"))
    imported = {
        name
        for module in modules
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in getattr(node, "names", [])]
        )
    }
    assert len(modules) > 20
    assert {name for name in imported if name.startswith(("jobs.", "quality"))} <= {
        "jobs.hospitals",
        "jobs.hospitals.feed",
        *(f"jobs.simulate.{module.stem}" for module in modules),
        "jobs.simulate",
    }


@pytest.mark.parametrize(("patients", "deliveries"), [(0, 3), (10, 0), (10, 25)])
def test_senseless_sizes_are_refused(patients: int, deliveries: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected"):
        simulate(patients, deliveries, 1, tmp_path / "x")


@pytest.mark.parametrize(
    ("patients", "deliveries", "seed"), [(1, 2, 1), (1, 2, 3), (3, 1, 7), (10, 2, 7), (15, 1, 1), (30, 2, 7)]
)
def test_a_world_so_small_that_some_things_happen_to_nobody_is_delivered(
    patients: int, deliveries: int, seed: int, tmp_path: Path
) -> None:
    answer = simulate(patients, deliveries, seed, tmp_path / "small", dirt=Dirt.none())
    assert len(answer.deliveries) == 3 * deliveries
    assert sum(answer.silver_rows[center]["person"] for center in answer.silver_rows) >= patients


def test_a_rate_above_one_fifth_is_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        Dirt(missing=0.5)


def test_rates_can_be_written_in_a_line() -> None:
    assert Dirt.parse("missing=0.01,late=0") == Dirt(missing=0.01, late=0)
    assert Dirt.parse("0.02") == Dirt(**dict.fromkeys(Dirt.__dataclass_fields__, 0.02))
    assert Dirt.parse("0") == Dirt.none()


def test_faults_can_be_written_in_a_line() -> None:
    written = {"none": Faults(), "all": Faults.all(), "late": Faults(late=True), "refused, late": Faults.all()}
    assert {text: Faults.parse(text) for text in written} == written


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--dirt dust=0.1", "found dust. See `pscc simulate --help`."),
        ("--dirt missing=much", "Expected a rate of dirt like 0.01, found 'much'. See `pscc simulate --help`."),
        ("--dirt 0.3", "Expected a rate between 0 and 0.2 for missing, found 0.3. See `pscc simulate --help`."),
        ("--dirt 0.1", "Expected the rates of the 17 kinds to add up to 0.9 at most, found 1.70. See `pscc simulate --help`."),
        ("--faults lost", "Expected faults among late, refused, all or none, found lost. See `pscc simulate --help`."),
    ],
)
def test_what_cannot_be_simulated_gets_a_sentence(tmp_path: Path, options: str, sentence: str) -> None:
    ended = command(tmp_path / "world", *options.split())
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.endswith(f"{sentence}\n")
    assert not (tmp_path / "world").exists()


def test_the_command_passes_dirt_and_faults_on(tmp_path: Path) -> None:
    assert command(tmp_path / "world", "--dirt", "0", "--faults", "refused").returncode == 0
    told = json.loads((tmp_path / "world" / "truth.json").read_text())
    assert {each["dirty"] for each in told["dirt"].values()} == {0}
    assert (len(told["refused"]), told["rejected"]) == (1, {})


def command(to: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`pscc simulate` of a small world, in a process of its own."""
    sizes = ("--patients", "30", "--deliveries", "2")
    run = [sys.executable, "-m", "jobs.cli", "simulate", "--to", str(to), *sizes, *options]
    return subprocess.run(run, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
