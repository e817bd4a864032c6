"""The faulty sample deliveries whose outcome landing decides alone: exactly the codes, warnings and counts of the answer key."""

import json
import os
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.hospitals import hospitals
from jobs.landing.judge import judge
from jobs.landing.manifest import read_manifest
from jobs.landing.model import Judgement
from jobs.landing.signature import check_signature, load_keys
from jobs.landing.validate import validate
from tests.jobs.landing.sending import PSEUDONYMS

SAMPLES = Path(os.environ.get("PSCC_SAMPLES", "../shared/deliveries"))
FAULTY = SAMPLES / "faulty"
# Decided with the ledger, the vault or the lake.
LATER = {
    "DUPLICATE_DELIVERY",
    "DELIVERY_CONFLICT",
    "CHAIN_FORK",
    "CHAIN_GAP",
    "PSEUDONYM_KEY_CHANGED",
    "VOLUME_SUSPICIOUS",
    "REJECT_RATE_HIGH",
}
LATER_WARNINGS = {
    "RIGHTS_COUNT_MISMATCH",
    "RIGHTS_UNREADABLE",
    "LINK_CONFLICT",
    "PANEL_MISMATCH",
    "CDC_DELETE_UNKNOWN",
    "LATE_EVENT",
    "WINDOW_GAP",
}
NEED_LEDGER = {"replaces_wrong"}
pytestmark = [
    pytest.mark.samples,
    pytest.mark.skipif(not FAULTY.is_dir(), reason=f"needs the sample deliveries in {FAULTY}: set PSCC_SAMPLES"),
]


def steps() -> list[Any]:
    found = []
    for path in sorted(FAULTY.glob("*/expected.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        for at, step in enumerate(case["steps"]):
            if case["case"] not in NEED_LEDGER and not LATER & set(step["reason_codes"]):
                found.append(pytest.param(path.parent, case, step, id=f"{case['case']}-{at + 1}"))
    return found


def judged(folder: Path, staging: Path) -> Judgement:
    manifest, findings = read_manifest(folder, hospitals(), datetime.now(UTC))
    findings = findings or (check_signature(manifest, load_keys(FAULTY / "keys.json")) if manifest else [])
    if manifest is None or findings:
        return Judgement(None, None, manifest, None, findings)
    return judge(manifest, hospitals()[manifest.center], staging, PSEUDONYMS)


@pytest.mark.parametrize(("place", "case", "step"), steps())
def test_a_faulty_delivery_ends_as_the_answer_key_says(
    tmp_path: Path, place: Path, case: dict[str, Any], step: dict[str, Any]
) -> None:
    folder = place / step["delivery"]
    if case.get("setup"):
        folder = tmp_path / step["delivery"]
        shutil.copytree(place / step["delivery"], folder, copy_function=shutil.copyfile)
        folder.chmod(0o755)
        for link in case["setup"]:
            (folder / link["make_symlink"]).symlink_to(link["target"])
    found = judged(folder, tmp_path / "staging")
    aside: Counter[str] = Counter()
    for file in found.files:
        aside.update(file.set_aside)
    assert (found.outcome, found.reason_codes) == (step["outcome"], step["reason_codes"])
    assert set(step.get("warnings", [])) - LATER_WARNINGS <= set(found.warnings)
    if step["outcome"] == "accepted":
        assert dict(aside) == {reason: n for reason, n in step["rows_set_aside"].items() if reason != "PARENT_CYCLE"}


def test_a_hospital_can_ask_before_it_sends() -> None:
    keys = load_keys(FAULTY / "keys.json")
    base = next((FAULTY / "base/landing/gr").glob("*/*/GR-*"))
    assert validate(base, keys).outcome == "accepted"
    found = validate(next((FAULTY / "nir_in_text/landing/gr").glob("*/*/GR-*")), keys)
    assert (found.outcome, found.reason_codes) == ("quarantined", ["IDENTIFIER_FOUND"])
