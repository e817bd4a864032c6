"""Opposed people: what is dropped, counted and purged, by scope, over links, merges and rows that name no patient."""

from pathlib import Path

import pytest

from jobs.lake import Lake
from jobs.landing import load
from jobs.landing.vault import Vault
from tests.jobs.landing.staging import delivery, settings
from tests.jobs.landing.test_load import bring, content

PATIENT = "ID_PATIENT | _token_key | _sex | TOP_SUPPR | DATE_MAJ"
TUMOUR = "ID_TUMEUR | ID_PATIENT | TOP_SUPPR | DATE_MAJ | _reason"
RIGHTS = "ID_PATIENT | INFORME | OPPOSITION | PORTEE | DATE_OPPOSITION | DATE_LEVEE"
SAMPLE = "ID_PRELEV | ID_PATIENT"
ANALYSIS = "ID_ANALYSE | ID_PATIENT | ID_PRELEV"
VARIANT = "Hugo_Symbol | Start_Position | ID_ANALYSE"
STAY, STAY_LINK = "NADL | N_RUM", "NADL | ID_PATIENT"
FIRST, SECOND, THIRD = "GR-20200101-001", "GR-20200201-001", "GR-20200301-001"
EVERYTHING = {
    "patient": f"{PATIENT}\np1 | t1 | F | N | 2020-01-01\np2 | | F | N | 2020-01-01",
    "tumour": f"{TUMOUR}\nT1 | p1 | N | 2020-01-01 |\nT2 | p2 | N | 2020-01-01 |\nT3 | p1 | N | 2020-01-01 | CODE_INVALID",
    "sample": f"{SAMPLE}\nS1 | p1\nS2 | p2",
    "analysis": f"{ANALYSIS}\nA1 | p1 | S1\nA2 | p2 | S2",
    "variant": f"{VARIANT}\nTP53 | 1 | A1\nTP53 | 1 | A2",
    "stay_link": f"{STAY_LINK}\nN1 | p1\nN2 | p2",
    "stay__2019": f"{STAY}\nN1 | 1\nN2 | 1",
}
LEFT = {"patient": 1, "tumour": 1, "sample": 1, "analysis": 1, "variant": 1, "stay_link": 1, "stay": 1}
WHOLE = {"patient": 2, "tumour": 3, "sample": 2, "analysis": 2, "variant": 2, "stay_link": 2, "stay": 2}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(settings(tmp_path))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(settings(tmp_path).lake)


def oppose(person: str, scope: str = "TOUT", state: str = "O") -> str:
    return f"{RIGHTS}\n{person} | O | {state} | {scope} | 2019-12-01 | "


def left(lake: Lake) -> dict[str, int]:
    """How many rows each feed of Gustave Roussy has in bronze; the records must tell the same."""
    feeds = {domain: len(content(lake, f"gr_{domain}", "_source_row_no")) for domain in WHOLE}
    records = [domain for domain, _ in content(lake, "record", "domain", "source_row_no")]
    assert {domain: records.count(domain) for domain in WHOLE} == feeds
    return feeds


SCOPES = [
    pytest.param("TOUT", LEFT, 8, id="everything"),
    pytest.param("GENETIQUE", WHOLE | {"analysis": 1, "variant": 1}, 2, id="genetics"),
    pytest.param("ECHANTILLONS", WHOLE | {"sample": 1, "analysis": 1, "variant": 1}, 3, id="samples"),
    pytest.param("INDUSTRIEL", WHOLE, 0, id="industry"),
]


@pytest.mark.parametrize(("scope", "rows", "dropped"), SCOPES)
def test_rows_of_an_opposed_person_are_dropped_and_counted(
    tmp_path: Path, vault: Vault, lake: Lake, scope: str, rows: dict[str, int], dropped: int
) -> None:
    loaded = bring(vault, lake, delivery(tmp_path, FIRST, n_opposed=1, rights=oppose("p1", scope), **EVERYTHING), 1)
    assert (left(lake), loaded.rows_dropped_opposed) == (rows, dropped)
    assert loaded.set_aside == ({} if scope == "TOUT" else {"CODE_INVALID": 1})


@pytest.mark.parametrize(("scope", "rows", "dropped"), SCOPES)
def test_what_was_stored_before_the_opposition_is_purged(
    tmp_path: Path, vault: Vault, lake: Lake, scope: str, rows: dict[str, int], dropped: int
) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, **EVERYTHING), 1)
    loaded = bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose("p1", scope)), 2)
    assert (left(lake), loaded.rows_dropped_opposed) == (rows, 0)
    assert len(content(lake, "gr_tumour", "person_id", zone="quarantine")) == (0 if scope == "TOUT" else 1)
    assert ("p1",) in content(lake, "touched", "person_id")


def test_later_rows_without_a_patient_are_known_by_their_parent(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, **EVERYTHING), 1)
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose("p1")), 2)
    again = {"variant": f"{VARIANT}\nKRAS | 7 | A1", "stay__2020": f"{STAY}\nN1 | 1\nN2 | 1"}
    loaded = bring(vault, lake, delivery(tmp_path, THIRD, SECOND, n_opposed=1, rights=oppose("p1"), **again), 3)
    assert loaded.rows_dropped_opposed == 2
    assert left(lake) == LEFT | {"stay": 2}


def test_rows_that_came_before_their_parent_are_purged_too(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, stay__2019=EVERYTHING["stay__2019"]), 1)
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, stay_link=EVERYTHING["stay_link"]), 2)
    bring(vault, lake, delivery(tmp_path, THIRD, SECOND, n_opposed=1, rights=oppose("p1")), 3)
    assert content(lake, "gr_stay", "NADL") == [("N2",)]


def test_child_events_follow_their_parents_to_the_patient(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    tumours = "Instance_Id | Patient_Id | TumorPathologyEvent_ParentRef\n1 | p1 |\n2 | | 1\n3 | | 2\n4 | p2 |\n5 | | 4"
    doses = "Instance_Id | CourseRT_Ref\n1 | 1\n2 | 2"
    courses = "Instance_Id | Patient_Id\n1 | p1\n2 | p2"
    head = "patientid | patientinformed | opposition | oppositiondateday | oppositiondatemonth | oppositiondateyear | scope"
    rights = f"{head}\np1 | true | true | 1 | 1 | 2019 | all"
    sent = delivery(
        tmp_path, "CURIE-20200101-001", n_opposed=1, rights=rights, tumour=tumours, radiotherapy=courses, radiotherapy_dose=doses
    )
    assert bring(vault, lake, sent, 1).rows_dropped_opposed == 5
    assert content(lake, "curie_tumour", "Instance_Id") == [("4",), ("5",)]
    assert content(lake, "record", "domain", "person_id") == [
        ("radiotherapy", "p2"),
        ("radiotherapy_dose", "p2"),
        ("rights", "p1"),
        ("tumour", "p2"),
        ("tumour", "p2"),
    ]


def test_only_omic_analyses_fall_under_genetics(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    analysis = "Instance_Id | Patient_Id | Analysis_Type\n1 | p1 | OSIRIS:C37-1\n2 | p1 | OSIRIS:C37-3"
    bring(vault, lake, delivery(tmp_path, "CURIE-20200101-001", analysis=analysis), 1)
    head = "patientid | patientinformed | opposition | oppositiondateday | oppositiondatemonth | oppositiondateyear | scope"
    rights = f"{head}\np1 | true | true | 1 | 1 | 2019 | genetics"
    loaded = bring(
        vault,
        lake,
        delivery(tmp_path, "CURIE-20200201-001", "CURIE-20200101-001", n_opposed=1, rights=rights, analysis=analysis),
        2,
    )
    assert loaded.rows_dropped_opposed == 1
    assert content(lake, "curie_analysis", "_chain_position", "Instance_Id") == [(1, "1"), (2, "1")]


def test_an_opposition_hides_the_linked_person_and_its_lift_asks_for_the_rows_again(
    tmp_path: Path, vault: Vault, lake: Lake
) -> None:
    bring(
        vault, lake, delivery(tmp_path, "APHP-20200101-001", patient="person_id | _token_key | _sex\na1 | t1 | F\na2 | t2 | F"), 1
    )
    bring(vault, lake, delivery(tmp_path, FIRST, **EVERYTHING), 1)
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose("p1")), 2)
    assert content(lake, "aphp_patient", "_person_id") == [("a2",)]
    assert content(lake, "identity", "center", "person_id", "opposed") == [("aphp", "a1", ["all"]), ("gr", "p1", ["all"])]
    dropped = bring(
        vault,
        lake,
        delivery(tmp_path, "APHP-20200215-001", "APHP-20200101-001", patient="person_id | _token_key\na2 | t2\na1 | t1"),
        2,
    )
    assert dropped.rows_dropped_opposed == 1
    lifted = bring(vault, lake, delivery(tmp_path, THIRD, SECOND, rights=oppose("p1", state="N")), 3)
    assert [(each.file, each.row) for each in lifted.send_again] == [("APHP-20200215-001/patient", 2)]
    assert content(lake, "aphp_patient", "_person_id", "_chain_position") == [("a2", 1), ("a2", 2)]


def test_an_opposition_follows_merges(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, n_opposed=1, rights=oppose("p1"), **EVERYTHING), 1)
    merges = "ID_PATIENT_ANCIEN | ID_PATIENT_CONSERVE | DATE_FUSION\np1 | p2 | 2020-02-01"
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose("p1"), identity_merge=merges), 2)
    assert set(left(lake).values()) == {0}


def test_an_opposition_may_come_before_the_patient(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, n_opposed=1, rights=oppose("p1")), 1)
    loaded = bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, **EVERYTHING), 2)
    assert (left(lake), loaded.rows_dropped_opposed) == (LEFT, 8)


def test_after_a_lift_only_what_is_sent_again_counts(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, **EVERYTHING), 1)
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose("p1")), 2)
    loaded = bring(vault, lake, delivery(tmp_path, THIRD, SECOND, rights=oppose("p1", state="N"), tumour=EVERYTHING["tumour"]), 3)
    assert loaded.send_again == []
    assert left(lake) == LEFT | {"tumour": 4}


def test_a_deletion_of_a_change_feed_is_not_counted(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    head = "event_id | person_id | event | scope | event_ts | op | extract_ts"
    rights = f"{head}\n1 | p1 | oppose | all | 2020-01-01T10:00 | I | 2020-01-01T10:00"
    sent = delivery(
        tmp_path,
        "APHP-20200201-001",
        n_opposed=1,
        rights=rights,
        patient="person_id | op\np1 | D",
        sample="specimen_id | person_id | op\n1 | p1 | I\n2 | | D",
    )
    assert bring(vault, lake, sent, 1).rows_dropped_opposed == 1
    assert content(lake, "aphp_sample", "specimen_id") == [("2",)]
    assert content(lake, "aphp_patient", "person_id") == []


def test_a_delivery_that_waits_hides_at_once_and_gives_nothing_back(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    bring(vault, lake, delivery(tmp_path, FIRST, **EVERYTHING), 1)
    waiting = delivery(tmp_path, THIRD, SECOND, n_opposed=1, rights=oppose("p1"))
    assert load.apply_new_oppositions(vault, lake, waiting)
    assert not load.apply_new_oppositions(vault, lake, waiting)
    assert left(lake) == LEFT
    assert content(lake, "touched", "delivery_id", "person_id") == [(FIRST, "p2"), (THIRD, "p1")]
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST), 2)
    bring(vault, lake, waiting, 3)
    assert content(lake, "identity", "person_id", "opposed") == [("p1", ["all"])]


def test_no_log_or_statistic_names_an_opposed_person(tmp_path: Path, vault: Vault, lake: Lake) -> None:
    person = "0123456789abcdef" * 2
    rows = {name: text.replace("p1", person) for name, text in EVERYTHING.items()}
    bring(vault, lake, delivery(tmp_path, FIRST, **rows), 1)
    bring(vault, lake, delivery(tmp_path, SECOND, FIRST, n_opposed=1, rights=oppose(person)), 2)
    logs = list(Path(lake.root).rglob("_delta_log/*.json"))
    assert logs
    assert [log for log in logs if person in log.read_text()] == []
