"""A judged delivery in bronze: once, without opposed people, with everybody noted whose silver rows may change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError

from jobs.actions import Files
from jobs.errors import LeaseLost
from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.model import Judgement
from jobs.landing.purge import remove_delivery
from jobs.landing.vault import Vault
from tests.jobs.landing.staging import delivery, row_id, settings

PATIENT = "ID_PATIENT | _token_key | _sex | TOP_SUPPR | DATE_MAJ"
TUMOUR = "ID_TUMEUR | ID_PATIENT | TOP_SUPPR | DATE_MAJ | _reason"
RIGHTS = "ID_PATIENT | INFORME | OPPOSITION | PORTEE | DATE_OPPOSITION"
VARIANT = "Hugo_Symbol | Start_Position | ID_ANALYSE"
ANALYSIS = "ID_ANALYSE | ID_PATIENT | ID_PRELEV"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(settings(tmp_path))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(settings(tmp_path).lake)


def nothing() -> None:
    """A fence that always holds."""


def bring(vault: Vault, lake: Lake, judgement: Judgement, position: int, fence: Callable[[], None] = nothing) -> load.Loaded:
    return load.load(vault, lake, judgement, position, fence)


def content(lake: Lake, table: str, *columns: str, zone: str = "bronze") -> list[tuple[Any, ...]]:
    return sorted(lake.frame(zone, table, columns).rows(), key=repr) if lake.exists(zone, table) else []


def test_bronze_holds_the_rows_as_sent_with_their_place_in_the_chain(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    sent = delivery(
        tmp_path,
        "GR-20200101-001",
        patient=f"{PATIENT}\np1 | t1 | F | N | 2020-01-01",
        tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 |",
    )
    bring(vault, lake, sent, 7)
    assert content(lake, "gr_tumour", "ID_TUMEUR", "_person_id", "_chain_position") == [("T1", "p1", 7)]
    assert not {"_token_key", "_parents", "_inherits", "_group_id"} & set(lake.frame("bronze", "gr_patient").columns)
    assert content(lake, "record", "domain", "row_id", "person_id") == [
        ("patient", row_id("gr", "patient", "p1"), "p1"),
        ("tumour", row_id("gr", "tumour", "T1"), "p1"),
    ]
    assert content(lake, "touched", "center", "person_id") == [("gr", "p1")]


def test_a_second_try_changes_nothing_and_tells_the_same(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    sent = delivery(
        tmp_path,
        "GR-20200101-001",
        n_opposed=3,
        patient=f"{PATIENT}\np1 | | F | N | 2020-01-01",
        tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 | X",
    )
    first = bring(vault, lake, sent, 1)
    tables = [("bronze", "gr_tumour"), ("bronze", "record"), ("bronze", "touched"), ("quarantine", "gr_tumour")]
    before = [lake.version(*table) for table in tables]
    assert bring(vault, lake, sent, 1) == first
    assert [lake.version(*table) for table in tables] == before
    assert list(first.warnings) == ["RIGHTS_COUNT_MISMATCH"]


def test_a_worker_that_lost_its_lease_publishes_nothing(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    def lost() -> None:
        raise LeaseLost("another worker took over")

    with pytest.raises(LeaseLost):
        bring(vault, lake, delivery(tmp_path, "GR-20200101-001", patient=f"{PATIENT}\np1 | | F | N | 2020-01-01"), 1, lost)
    assert content(lake, "gr_patient", "_person_id") == []


def test_a_load_that_broke_off_anywhere_is_finished_by_the_next_try(tmp_path: Path) -> None:
    first = delivery(tmp_path, "GR-20200101-001", patient=f"{PATIENT}\np1 | | F | N | 2020-01-01\np2 | | F | N | 2020-01-01")
    rights = f"{RIGHTS}\np1 | O | O | TOUT | 2019-01-01"
    second = delivery(
        tmp_path,
        "GR-20200201-001",
        rights=rights,
        n_opposed=1,
        tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 |\nT2 | p2 | N | 2020-01-01 | X",
    )

    def end(place: Path, breaks_at: int) -> tuple[object, list[object]]:
        vault, lake, calls = Vault(settings(place)), Lake(settings(place).lake), iter(range(1_000))

        def fence() -> None:
            if next(calls) == breaks_at:
                raise LeaseLost("broken off")

        bring(vault, lake, first, 1)
        try:
            loaded = bring(vault, lake, second, 2, fence)
        except LeaseLost:
            loaded = bring(vault, lake, second, 2)
        kept = [(zone, table) for zone in ("bronze", "quarantine") for table in lake.tables(zone)]
        return loaded, [content(lake, table, *lake.frame(zone, table).columns, zone=zone) for zone, table in kept]

    whole = end(tmp_path / "whole", -1)
    assert [number for number in range(1, 16, 2) if end(tmp_path / str(number), number) != whole] == []


@pytest.mark.parametrize("step", ["added", "commit"])
def test_a_load_goes_on_when_rows_of_others_leave_a_table_meanwhile(
    tmp_path: Path, vault: Vault, lake: Lake, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bring(vault, lake, delivery(tmp_path, "GR-20200101-001", tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 |"), 1)
    taken, go_on = set[str](), getattr(Files, step)

    def leave_before(files: Files, *told: Any) -> Any:
        if files.table.table_uri.rstrip("/").endswith("/bronze/record") and not taken:
            taken.add("GR-20200101-001")
            remove_delivery(Lake(lake.root), "bronze", "record", "delivery_id", "GR-20200101-001")
        return go_on(files, *told)

    monkeypatch.setattr(Files, step, leave_before)
    second = f"{TUMOUR}\nT2 | p2 | N | 2020-01-01 |"
    bring(vault, lake, delivery(tmp_path, "GR-20200201-001", "GR-20200101-001", tumour=second), 2)
    assert content(lake, "record", "delivery_id", "person_id") == [("GR-20200201-001", "p2")]


def test_a_commit_whose_answer_was_lost_is_not_made_twice(
    tmp_path: Path, vault: Vault, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = delivery(tmp_path, "GR-20200101-001", tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 | X\nT2 | p2 | N | 2020-01-01 |")
    commit, tables = Files.commit, set[str]()

    def committed(files: Files, *told: Any) -> None:
        commit(files, *told)
        if files.table.table_uri not in tables:
            tables.add(files.table.table_uri)
            raise CommitFailedError("the answer was lost")

    monkeypatch.setattr(Files, "commit", committed)
    assert bring(vault, lake, sent, 1).set_aside == {"X": 1}
    assert len(tables) > 3
    assert content(lake, "gr_tumour", "ID_TUMEUR") == [("T1",), ("T2",)]
    assert content(lake, "record", "person_id") == content(lake, "touched", "person_id") == [("p1",), ("p2",)]
    assert len(content(lake, "gr_tumour", "status", zone="quarantine")) == 1


def test_rows_set_aside_are_kept_with_reason_and_columns(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    sent = delivery(
        tmp_path,
        "GR-20200101-001",
        tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 | CODE_INVALID\nT2 | p1 | N | 2020-01-01 |\nT2 | p1 | N | 2020-01-01 |",
    )
    sent.files[-1].late_reasons[2] = "DUPLICATE_KEY"
    assert bring(vault, lake, sent, 1).set_aside == {"CODE_INVALID": 1, "DUPLICATE_KEY": 1}
    assert content(lake, "gr_tumour", "status", "reason", "source_row_no", "columns", zone="quarantine") == [
        ("set_aside", "CODE_INVALID", 1, ["TOP_SUPPR"]),
        ("set_aside", "DUPLICATE_KEY", 2, []),
    ]
    assert content(lake, "gr_tumour", "_source_row_no", "_reason") == [(1, "CODE_INVALID"), (2, "DUPLICATE_KEY"), (3, None)]


def test_a_merge_that_closes_a_cycle_is_set_aside(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    merges = "ID_PATIENT_ANCIEN | ID_PATIENT_CONSERVE | DATE_FUSION\na | b | 2020-01-01\nb | a | 2020-01-01"
    assert bring(vault, lake, delivery(tmp_path, "GR-20200101-001", identity_merge=merges), 1).set_aside == {"PARENT_CYCLE": 1}
    assert content(lake, "identity", "person_id", "kept_person_id", "master_person_id", "link_method") == [
        ("a", "b", "b", "merge"),
        ("b", "b", "b", "none"),
    ]
    assert content(lake, "link", "person_id", "other_person_id", "method") == [("a", "b", "merge")]


def test_who_is_named_no_more_by_a_row_is_touched_too(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, "GR-20200101-001", tumour=f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 |"), 1)
    bring(
        vault, lake, delivery(tmp_path, "GR-20200201-001", "GR-20200101-001", tumour=f"{TUMOUR}\nT1 | p2 | N | 2020-02-01 |"), 2
    )
    assert content(lake, "touched", "delivery_id", "person_id") == [
        ("GR-20200101-001", "p1"),
        ("GR-20200201-001", "p1"),
        ("GR-20200201-001", "p2"),
    ]


def test_of_a_snapshot_only_what_is_new_changed_or_gone_is_touched(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    head = "Patient_id | Patient_LastNewsStatus | _sex"
    bring(vault, lake, delivery(tmp_path, "CURIE-20200101-001", patient=f"{head}\nsame | | F\nchanged | | F\ngone | | F"), 1)
    bring(
        vault,
        lake,
        delivery(tmp_path, "CURIE-20200201-001", "CURIE-20200101-001", patient=f"{head}\nsame | | F\nchanged | X | F\nnew | | F"),
        2,
    )
    second = pl.col("delivery_id") == "CURIE-20200201-001"
    assert sorted(lake.frame("bronze", "touched").filter(second)["person_id"]) == ["changed", "gone", "new"]


def test_what_a_file_replaces_is_noted_also_when_it_is_empty(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    sent = delivery(tmp_path, "GR-20200101-001", stay__2019="", variant=f"{VARIANT}\nTP53 | 1 | A1\nKRAS | 2 | A1")
    bring(vault, lake, sent, 1)
    assert content(lake, "replacement", "domain", "group_id") == [
        ("rights", "rights"),
        ("stay", "2019"),
        ("variant", row_id("gr", "analysis", "A1")),
    ]


APHP = "person_id | op | extract_ts"


@pytest.mark.parametrize(
    ("later", "code"),
    [
        pytest.param("p1 | U | 2020-01-01T00:00", "LATE_EVENT", id="an older event"),
        pytest.param("p9 | D | 2020-03-01T00:00", "CDC_DELETE_UNKNOWN", id="a key that never came"),
        pytest.param("p1 | D | 2020-03-01T00:00", None, id="a deletion of a known key"),
        pytest.param("p9 | I | 2020-03-01T00:00\np9 | D | 2020-03-02T00:00", None, id="made and deleted at once"),
    ],
)
def test_a_change_feed_is_warned_about_its_order(tmp_path: Path, vault: Vault, lake: Lake, later: str, code: str | None) -> None:
    bring(vault, lake, delivery(tmp_path, "APHP-20200201-001", patient=f"{APHP}\np1 | I | 2020-02-01T00:00"), 1)
    loaded = bring(vault, lake, delivery(tmp_path, "APHP-20200301-001", "APHP-20200201-001", patient=f"{APHP}\n{later}"), 2)
    assert list(loaded.warnings) == ([code] if code else [])


def test_the_panel_matrix_must_agree_with_the_analyses(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    analysis = "Instance_Id | Patient_Id | Analysis_Type | BiologicalSample_Ref | Panel_Name\n1 | p1 | OSIRIS:C37-3 | S1 | A\n2 | p1 | OSIRIS:C37-3 | S2 | A"
    matrix = "SAMPLE_ID | mutations\nS1 | A\nS2 | B\nS3 | B"
    loaded = bring(vault, lake, delivery(tmp_path, "CURIE-20200101-001", analysis=analysis, panel_matrix=matrix), 1)
    assert [(each.file, each.row) for each in loaded.warnings["PANEL_MISMATCH"]] == [("panel_matrix", 2)]


def test_a_withdrawn_delivery_leaves_bronze_and_its_links_but_not_its_oppositions(
    tmp_path: Path, vault: Vault, lake: Lake
) -> None:
    bring(vault, lake, delivery(tmp_path, "APHP-20200101-001", patient="person_id | _token_key | _sex\na | t1 | F"), 1)
    bring(vault, lake, delivery(tmp_path, "GR-20200101-001", patient=f"{PATIENT}\np1 | t2 | F | N | 2020-01-01"), 1)
    second = delivery(
        tmp_path,
        "GR-20200201-001",
        "GR-20200101-001",
        n_opposed=1,
        patient=f"{PATIENT}\np1 | t1 | F | N | 2020-02-01",
        rights=f"{RIGHTS}\np2 | O | O | TOUT | 2020-01-01",
    )
    bring(vault, lake, second, 2)
    assert content(lake, "link", "person_id", "other_person_id") == [("a", "p1")]
    load.withdraw(vault, lake, "GR-20200201-001")
    assert content(lake, "gr_patient", "_delivery_id") == [("GR-20200101-001",)]
    assert content(lake, "link", "person_id") == []
    assert content(lake, "identity", "person_id", "opposed") == [("p2", ["all"])]


def test_a_withdrawn_delivery_may_come_back(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    sent = delivery(tmp_path, "GR-20200101-001", patient=f"{PATIENT}\np1 | t2 | F | N | 2020-01-01")
    for _ in range(2):
        bring(vault, lake, sent, 1)
        load.withdraw(vault, lake, "GR-20200101-001")
        assert content(lake, "gr_patient", "_delivery_id") == content(lake, "record", "delivery_id") == []
    bring(vault, lake, sent, 1)
    assert content(lake, "gr_patient", "_delivery_id") == content(lake, "record", "delivery_id") == [("GR-20200101-001",)]


def test_passes_are_kept_away_while_rows_of_another_hospital_are_purged(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    alone: list[str] = []

    @contextmanager
    def recorded() -> Iterator[None]:
        alone.append("in")
        yield
        alone.append("out")

    def bring_alone(judgement: Judgement, position: int) -> list[str]:
        alone.clear()
        load.load(vault, lake, judgement, position, nothing, recorded)
        return list(alone)

    linked = delivery(tmp_path, "APHP-20200101-001", patient="person_id | _token_key | _sex\na | t1 | F")
    first = delivery(
        tmp_path, "GR-20200101-001", patient=f"{PATIENT}\np1 | t1 | F | N | 2020-01-01\np2 | t2 | F | N | 2020-01-01"
    )
    own = delivery(
        tmp_path, "GR-20200201-001", "GR-20200101-001", n_opposed=1, rights=f"{RIGHTS}\np2 | O | O | TOUT | 2020-01-01"
    )
    across = delivery(
        tmp_path, "GR-20200301-001", "GR-20200201-001", n_opposed=1, rights=f"{RIGHTS}\np1 | O | O | TOUT | 2020-01-01"
    )
    assert [bring_alone(each, at) for each, at in ((linked, 1), (first, 1), (own, 2))] == [[], [], []]
    assert bring_alone(across, 3) == ["in", "out"]
    assert ("aphp",) not in content(lake, "record", "center")
