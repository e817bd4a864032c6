"""Every faulty case: its outcome, reason codes, warnings, counts and changes of silver, on a lake that holds the base."""

import json
import os
from pathlib import Path

import pytest

from jobs.lake import Lake
from jobs.returns import Report
from tests.flow.answer_key import counts, waiting
from tests.flow.conftest import Lakehouse, announce

pytestmark = pytest.mark.samples
SAMPLES = Path(os.environ.get("PSCC_SAMPLES", "../shared/deliveries"))


def cases() -> list[str]:
    """The names of all cases; none where there are no sample deliveries, an error where there are some without a case."""
    found = sorted(each.parent.name for each in (SAMPLES / "faulty").glob("*/expected.json") if each.parent.name != "base")
    if SAMPLES.is_dir() and not found:
        raise FileNotFoundError(f"expected faulty cases in {SAMPLES / 'faulty'}, beside the sample deliveries, found none")
    return found


def expected(case: str) -> dict:  # type: ignore[type-arg]
    return json.loads((SAMPLES / "faulty" / case / "expected.json").read_text(encoding="utf-8"))


def ends_before_the_engine(case: str) -> bool:
    return all(step["outcome"] in ("rejected", "quarantined", "duplicate") for step in expected(case)["steps"])


@pytest.fixture(scope="module")
def base(samples: Path, spark: object, tmp_path_factory: pytest.TempPathFactory) -> Lakehouse:
    """A lake that loaded exactly the base deliveries."""
    house = Lakehouse(tmp_path_factory.mktemp("base") / "lake", spark)
    reports = house.ingest(samples / "faulty" / "base" / "landing", samples / "faulty" / "keys.json")
    assert [report.outcome for report in reports] == ["accepted"] * 3
    wanted = {(table, center): n for center, tables in expected("base")["silver_rows"].items() for table, n in tables.items()}
    assert {key: n for key, n in counts(Lake(str(house.root))).items() if key in wanted} == wanted
    return house


def run(
    case: str, house: Lakehouse, samples: Path, landing: Path
) -> tuple[list[str], dict[tuple[str, str], int], dict[tuple[str, str, str], int]]:
    """What is wrong with a case, and how silver and the waiting rows changed."""
    before, waited = counts(Lake(str(house.root))), waiting(Lake(str(house.root)))
    wrong: list[str] = []
    for step in expected(case)["steps"]:
        announce(
            samples / "faulty" / case / step["delivery"]
            if (samples / "faulty" / case / step["delivery"]).is_dir()
            else samples / "faulty" / "base" / step["delivery"],
            landing,
        )
        for link in expected(case).get("setup", []):
            (landing / Path(*Path(step["delivery"]).parts[-4:]) / link["make_symlink"]).symlink_to(link["target"])
        reports = house.ingest(landing, samples / "faulty" / "keys.json")
        wrong += judged_wrongly(step, reports)
    after, waits = counts(Lake(str(house.root))), waiting(Lake(str(house.root)))
    changed = {
        key: after.get(key, 0) - before.get(key, 0) for key in {*before, *after} if after.get(key, 0) != before.get(key, 0)
    }
    return wrong, changed, {key: waits[key] - waited[key] for key in {*waits, *waited} if waits[key] != waited[key]}


def judged_wrongly(step: dict, reports: list[Report]) -> list[str]:  # type: ignore[type-arg]
    """How the reports of a step differ from what was expected."""
    said = next((report for report in reports if report.delivery_id == step["delivery_id"]), None)
    if said is None:
        return [f"{step['delivery_id']}: no report"]
    found = {
        "outcome": said.outcome,
        "reason_codes": sorted(said.reason_codes),
        "rows_set_aside": said.rows_set_aside,
        "rows_dropped_opposed": said.rows_dropped_opposed,
    }
    wanted = {name: step.get(name, {} if name == "rows_set_aside" else 0) for name in found} | {
        "reason_codes": sorted(step["reason_codes"])
    }
    wrong = [f"{name}: expected {wanted[name]}, found {found[name]}" for name in found if found[name] != wanted[name]]
    wrong += [
        f"warning {code} is missing, found {sorted(said.warnings)}"
        for code in step.get("warnings", [])
        if code not in said.warnings
    ]
    accepted = {report.delivery_id for report in reports if report.outcome == "accepted"}
    return wrong + [f"{each} was not accepted with it" for each in step.get("then_accepted", []) if each not in accepted]


def changes_wrongly(case: str, changed: dict[tuple[str, str], int], waits: dict[tuple[str, str, str], int]) -> list[str]:
    """How silver and quarantine changed otherwise than expected."""
    asked = expected(case)
    silver = {(table, center): n for center, tables in asked["silver_rows_change"].items() for table, n in tables.items()}
    shared = {"person_link", "ref_center", "trial", "vocab_map", "vocab_unmapped"}
    found = {key: n for key, n in changed.items() if key[0] not in shared}
    wrong = [
        f"{key}: expected {silver.get(key, 0):+d}, found {found.get(key, 0):+d}"
        for key in {*silver, *found}
        if silver.get(key, 0) != found.get(key, 0)
    ]
    if "quarantine_change" in asked:
        now = {"/".join(key): n for key, n in waits.items()}
        wrong += [f"quarantine: expected {asked['quarantine_change']}, found {now}"] if now != asked["quarantine_change"] else []
    return wrong


@pytest.mark.parametrize("case", [case for case in cases() if ends_before_the_engine(case)])
def test_a_case_that_ends_before_the_engine(case, base, samples, tmp_path):
    wrong, changed, waits = run(case, base, samples, tmp_path / "landing")
    assert wrong + changes_wrongly(case, changed, waits) == []


@pytest.mark.acceptance
@pytest.mark.parametrize("case", [case for case in cases() if not ends_before_the_engine(case)])
def test_a_case_that_reaches_the_engine(case, base, samples, tmp_path):
    wrong, changed, waits = run(case, base.copy(tmp_path / "lake"), samples, tmp_path / "landing")
    assert wrong + changes_wrongly(case, changed, waits) == []
