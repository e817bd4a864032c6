"""A release from a small lake: made whole or not at all, approved, joined with the live ones, revoked."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from jobs import releases
from jobs.errors import GateFailed, LakehouseError, WrongUse
from jobs.failures import own_words
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.privacy.anonymise import Bounds
from jobs.releases import card, figures, life
from jobs.releases.figures import Figure
from jobs.releases.store import SIZES, Store
from jobs.settings import Settings
from jobs.silver.tables import arrow_schema
from quality.contracts import contracts
from tests.jobs.lineage.schemas import events, faults
from tests.small_disk import small_disk

BOUNDS, MANY = Bounds(5, 2), 260
# What lies in a release beside its tables.
BESIDE = ("card.json", "card.md", "gate.json")


def withstood(released, raw, control, telling):
    """Attacks that find nothing; they are given what real ones need."""
    view = telling(raw)
    assert view.height == raw.height == released["edu_patient"].height
    assert control.height > 0
    assert not {"patient_no", "tumor_no"} & set(view.columns)
    return [Figure("singling out", 0.001, "at most 0.02", True, "")]


def singled_out(*_, **__):
    return [Figure("singling out", 0.4, "at most 0.02", False, "take another --size")]


def rows_of(layer: str, name: str, known: list[dict[str, object]]) -> pl.DataFrame:
    """Rows of a table with the columns of its contract, those that are not said empty."""
    schema = pl.from_arrow(arrow_schema(contracts(layer)[name]).empty_table()).schema
    return pl.DataFrame([dict.fromkeys(schema) | each for each in known], schema=schema)


def patients() -> dict[tuple[str, str], list[dict[str, object]]]:
    draw = np.random.default_rng(3)
    tables: dict[tuple[str, str], list[dict[str, object]]] = {
        ("gold", name): []
        for name in ("patient_summary", "tumor_summary", "endpoint", "line_of_therapy", "biomarker_status", "sample_catalog")
    }
    tables |= {("silver", name): [] for name in ("tumor_event", "molecular_analysis", "panel_gene", "variant")}
    for number in range(MANY):
        patient, tumor, dx = f"p{number:031x}", f"t{number:031x}", date(2018, 1, 1) + timedelta(days=int(draw.integers(0, 1000)))
        days, died = int(draw.integers(5, 2500)), bool(draw.random() < 0.5)
        tables["gold", "patient_summary"].append(
            {
                "patient_id": patient,
                "sex": str(draw.choice(["M", "F"])),
                "residence_dept": "75",
                "industry_use_opposed": number == 0,
                "gold_version": "1",
                "inputs": ["silver.person@1"],
                "as_of_date": date(2025, 1, 1),
            }
        )
        tables["gold", "tumor_summary"].append(
            {
                "patient_id": patient,
                "tumor_id": tumor,
                "tumor_group": str(draw.choice(["breast", "lung"])),
                "dx_date": dx,
                "dx_year": dx.year,
                "age_dx": int(draw.integers(30, 90)),
                "inferred": False,
                "stage_main": str(draw.choice(["I", "IV"])),
                "morphology": "8140/3",
                "de_novo_metastatic": bool(draw.random() < 0.3),
                "first_surgery_date": dx + timedelta(days=int(draw.integers(0, 90))),
            }
        )
        tables["gold", "endpoint"].append(
            {
                "tumor_id": tumor,
                "patient_id": patient,
                "endpoint": "OS",
                "days": days,
                "event": int(died),
                "censor_reason": None if died else "alive_at_last_news",
            }
        )
        tables["gold", "line_of_therapy"].append(
            {
                "patient_id": patient,
                "tumor_id": tumor,
                "line_of_therapy_id": f"l{number}",
                "line_number": 1,
                "start_date": dx + timedelta(days=int(draw.integers(0, 200))),
                "drugs": ["cisplatin"],
            }
        )
        tables["gold", "biomarker_status"].append(
            {
                "patient_id": patient,
                "tumor_id": tumor,
                "marker": "er",
                "first_known_result": str(draw.choice(["positive", "negative"])),
            }
        )
    return tables


def lake_of_gold(root: Path) -> Settings:
    """A lake with gold tables, as a build would leave them."""
    (root / "platform.key").write_text("11" * 32)
    (root / "platform.key").chmod(0o600)
    settings = Settings(lake=str(root / "lake"), platform_key_file=root / "platform.key")
    ledger = Ledger(settings)
    ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint(), first=True)
    ledger.close()
    lake = Lake.of(settings)
    for (layer, name), known in patients().items():
        lake.write(layer, name, rows_of(layer, name, known).to_arrow(compat_level=pl.CompatLevel.oldest()))
    return settings


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return lake_of_gold(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def made(house: Settings) -> releases.Release:
    release, _ = releases.make(house, "small", BOUNDS, examine=withstood)
    return release


def approve(house: Settings, name: str) -> releases.Release:
    """Approved by somebody who knows that so few patients allow no more."""
    return releases.approve(house, name, "A. Person", accept_lower_bounds=True)


def place(house: Settings, release: releases.Release) -> Path:
    return Store(Lake.of(house)).place(release.name)


def test_a_release_has_every_table_its_card_and_every_figure_with_its_bound(house, made):
    folder = place(house, made)
    assert {each.name for each in folder.iterdir()} == {*contracts("teaching"), *BESIDE}
    gate = json.loads((folder / "gate.json").read_text())
    assert gate["kept"]
    assert all({"name", "value", "bound", "kept"} <= set(each) for each in gate["figures"])
    alone = {each["name"]: each for each in gate["figures"] if each["name"].startswith("share alone in class")}
    assert [each["decides"] for each in alone.values()] == [False, False]
    assert all(f"{name} {each['value']:.1%}" in releases.for_approver(house, made.name) for name, each in alone.items())
    card = json.loads((folder / "card.json").read_text())
    assert (card["k"], card["l"], card["patients"]) == (5, 2, made.patients)
    assert (
        (folder / "card.md").read_text().splitlines()[2].startswith("**This release was held to lower bounds than usual: k = 5")
    )
    assert card["rights"]["gold_build"] == ["1"]


def test_every_table_of_a_release_goes_back_to_the_versions_that_were_read(house, made):
    told = [each for each in events(house.events) if made.name in json.dumps(each["run"]["facets"].get("tags", {}))]
    read = {output["name"]: each["inputs"] for each in told for output in each["outputs"]}
    assert set(read) == {str(place(house, made) / name) for name in contracts("teaching")}
    versions = {each["name"]: each["facets"]["version"]["datasetVersion"] for each in read[str(place(house, made) / "edu_tumor")]}
    lake = Lake.of(house)
    assert versions[lake.path("gold", "tumor_summary")] == str(lake.version("gold", "tumor_summary"))
    assert [fault for each in told for fault in faults(each)] == []


def test_the_card_lists_every_bin_and_says_what_its_words_mean(house, made):
    page = (place(house, made) / "card.md").read_text()
    days = json.loads((place(house, made) / "card.json").read_text())["days"]
    for begin in (*days["bins_begin"], *days["bins_begin_of_who_is_alive"]):
        assert f"| {', '.join(map(str, begin))} |" in page
    assert all(
        word in page for word in ("A quasi-identifier is", "A class is", "Global recoding: a column", "at least l different")
    )


def test_the_card_does_not_say_how_many_lost_a_fact_where_they_are_fewer_than_k():
    def facts(patients: int) -> dict[str, pl.DataFrame]:
        ids, none = [f"p{at}" for at in range(patients)], pl.Series([], dtype=pl.String)
        empty = {table: pl.DataFrame({"patient_id": none, kind: none}) for table, kind in card.KINDS.items()}
        told = {table: pl.DataFrame({"patient_id": ids} | dict.fromkeys(names, ids)) for table, names in card.COLUMNS.items()}
        return empty | told | {"edu_biomarker": pl.DataFrame({"patient_id": ids, "marker": ["er"] * patients})}

    for lost, known in ((0, 30), (1, "fewer than 11 more than told"), (10, "fewer than 11 more than told"), (11, 30)):
        found = card.facts(facts(30 - lost), facts(30), pl.Series([f"p{at}" for at in range(30)]), 11)
        assert [found[name] for name in ("edu_tumor.grade", "edu_biomarker er")] == [{"known": known, "told": 30 - lost}] * 2


def test_card_and_contracts_say_that_told_days_may_contradict_each_other(house, made):
    assert "may end before it starts" in " ".join((place(house, made) / "card.md").read_text().split())
    for table, column in (("edu_line", "start_day"), ("edu_line", "end_day"), ("edu_event", "day")):
        meaning = next(each.meaning for each in contracts("teaching")[table].columns if each.name == column)
        assert "it may lie" in meaning


def test_every_table_of_a_release_says_what_a_row_and_a_column_are(house, made):
    for name, table in contracts("teaching").items():
        found = DeltaTable(str(place(house, made) / name))
        assert found.metadata().description == table.grain
        assert {field.name: field.metadata["comment"] for field in found.schema().fields} == {
            column.name: column.meaning for column in table.columns
        }


def test_nothing_in_a_release_leads_back_to_a_patient_of_the_lake(house, made):
    for file in place(house, made).rglob("*"):
        if file.is_file():
            assert not any(f"{kind}{'0' * 20}".encode() in file.read_bytes() for kind in "pt"), file


def test_numbers_run_from_one_and_their_order_says_nothing(house, made):
    people = pl.read_delta(str(place(house, made) / "edu_patient"))
    assert people["patient_no"].to_list() == list(range(1, made.patients + 1))
    private = Store(Lake.of(house)).patients(made.name)
    assert private["patient_id"].n_unique() == made.patients


def test_one_in_ten_is_kept_aside_and_who_opposes_companies_is_in_no_release(house, made):
    inside = set(Store(Lake.of(house)).patients(made.name)["patient_id"])
    assert len(inside) <= MANY - 1 - (MANY - 1) // 10
    assert f"p{0:031x}" not in inside


def test_a_release_cannot_be_written_to(house, made):
    assert {oct(each.stat().st_mode & 0o222) for each in [place(house, made), *place(house, made).rglob("*")]} == {"0o0"}


def test_a_gate_that_fails_says_which_bound_and_leaves_nothing(house):
    before = sorted(each.name for each in Path(house.lake, "teaching").iterdir())
    with pytest.raises(
        GateFailed, match=r"singling out is 0.4, and has to be at most 0.02: take another --size\. Nothing was released"
    ):
        releases.make(house, "small", BOUNDS, examine=singled_out)
    assert sorted(each.name for each in Path(house.lake, "teaching").iterdir()) == before


def test_a_release_that_nobody_attacked_is_not_approved(house, monkeypatch):
    monkeypatch.setattr(figures, "examiner", lambda: None)
    release, _ = releases.make(house, "small", BOUNDS)
    assert "| attacks examined | 0 | 1 | no | Install" in (place(house, release) / "card.md").read_text()
    with pytest.raises(GateFailed, match="nobody attacked it"):
        approve(house, release.name)
    releases.revoke(house, release.name)


def test_a_release_that_tells_what_somebody_opposes_since_is_not_approved(house):
    release, _ = releases.make(house, "small", BOUNDS, examine=withstood)
    lake = Lake.of(house)
    told = Store(lake).patients(release.name).filter(pl.col("tables").str.contains("edu_biomarker"))["patient_id"][0]
    markers = lake.frame("gold", "biomarker_status")
    try:
        lake.write("gold", "biomarker_status", arrow(markers.filter(pl.col("patient_id") != told)), mode="overwrite")
        with pytest.raises(GateFailed, match="found some of whom genes, samples, markers or treatments are there no more"):
            approve(house, release.name)
    finally:
        lake.write("gold", "biomarker_status", arrow(markers), mode="overwrite")
    releases.revoke(house, release.name)


def test_who_was_told_of_in_no_further_table_is_no_reason_to_refuse(house):
    release, _ = releases.make(house, "small", BOUNDS, examine=withstood)
    lake = Lake.of(house)
    members = lake.frame("ops", "release_patient")
    untold = members.with_columns(tables=pl.when(pl.col("release") == release.name).then(pl.lit("")).otherwise("tables"))
    try:
        lake.write("ops", "release_patient", arrow(untold), mode="overwrite")
        life.check_approvable(house, release.name, "A. Person", accept_lower_bounds=True)
    finally:
        releases.revoke(house, release.name)


def test_no_file_of_the_lake_knows_who_was_in_a_revoked_release(tmp_path):
    house = lake_of_gold(tmp_path)
    release, _ = releases.make(house, "small", BOUNDS, examine=withstood)
    patients = Store(Lake.of(house)).patients(release.name)["patient_id"].to_list()
    releases.revoke(house, release.name)
    left = b"".join(path.read_bytes() for path in Path(house.lake, "ops", "release_patient").rglob("*") if path.is_file())
    assert patients
    assert [each for each in patients if each.encode() in left] == []


def arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def test_a_release_is_approved_by_somebody_then_revoked_and_gone_with_the_list_of_who_was_in_it(house, made):
    release, _ = releases.make(house, "medium", BOUNDS, examine=withstood)
    with pytest.raises(WrongUse, match="Expected who approves"):
        releases.approve(house, release.name, " ")
    assert approve(house, release.name).state == "approved"
    told = json.loads(Path(house.lake, "teaching", "releases.json").read_text())
    assert {each["name"]: each["state"] for each in told}[release.name] == "approved"
    # The other release tells of most of the same patients, in the same classes or in others, and lacks some.
    with pytest.raises(GateFailed, match=f"that {made.name} and {release.name} tell apart together"):
        approve(house, made.name)
    assert releases.revoke(house, release.name).state == "revoked"
    assert not place(house, release).exists()
    assert Store(Lake.of(house)).patients(release.name).is_empty()
    with pytest.raises(WrongUse, match="revoked already"):
        releases.revoke(house, release.name)


def test_on_a_full_disk_only_whole_releases_are_listed_and_an_approval_cut_short_can_be_told_again(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        house = lake_of_gold(disk.place)
        teaching, failed = Path(house.lake, "teaching"), 0
        # From a disk on which nothing can begin, past one that is full when the release is noted, to one with room.
        for kibibytes in (0, 160, 8192):
            try:
                with disk.full(kibibytes << 10), own_words():
                    releases.make(house, "small", BOUNDS, examine=withstood)
            except (LakehouseError, OSError):
                failed += 1
            known = {each.name for each in releases.listed(house)}
            assert known == {each.name for each in teaching.glob("*") if each.is_dir()} | {
                each.name for each in teaching.glob(".making*")
            }
            assert known == set(Lake.of(house).frame("ops", "release_patient", ["release"])["release"])
            for name in known:
                assert {each.name for each in (teaching / name).iterdir()} == {*contracts("teaching"), *BESIDE}
        assert failed >= 2
        name = max(known)
        with disk.full(), pytest.raises((LakehouseError, OSError)), own_words():
            approve(house, name)
        assert told(teaching)[name] == "made"
        # What was noted before the disk was full is told now, and then there is nothing left to approve.
        with suppress(WrongUse):
            approve(house, name)
        assert told(teaching) == {each.name: each.state for each in releases.listed(house)}
        assert told(teaching)[name] == "approved"


def told(teaching: Path) -> dict[str, str]:
    """The states of releases, as who cannot read the lake knows them."""
    return {each["name"]: each["state"] for each in json.loads((teaching / "releases.json").read_text())}


def test_another_size_and_another_release_are_wrong_use(house):
    with pytest.raises(WrongUse, match="Expected a size among small, medium, large"):
        releases.make(house, "huge", BOUNDS)
    with pytest.raises(WrongUse, match="see `pscc release list`"):
        releases.revoke(house, "small-19990101")
    with pytest.raises(WrongUse, match="found PSCC_RELEASES unset"):
        releases.listed(replace(house, lake="s3a://bucket/lake"))
    assert SIZES == {"small": 1_000, "medium": 5_000, "large": 20_000}
