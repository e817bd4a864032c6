"""Who is linked with whom, by tokens and merges, and who must not be."""

from pathlib import Path

import pytest

from jobs.landing import links
from jobs.landing.model import Finding
from jobs.landing.vault import Vault, rows_of
from jobs.landing.vault import link as link_table
from jobs.landing.vault import merge as merge_table
from tests.jobs.landing.staging import delivery, settings

PATIENTS = {
    "gr": "ID_PATIENT | _token_key | _sex | _birth_month | _reason | TOP_SUPPR | DATE_MAJ",
    "aphp": "person_id | _token_key | _sex | _birth_month | _reason | op | extract_ts",
    "curie": "Patient_id | _sex | _birth_month | _reason",
}
MERGES = {
    "gr": "ID_PATIENT_ANCIEN | ID_PATIENT_CONSERVE | DATE_FUSION",
    "aphp": "person_id_old | person_id_kept | merge_datetime | op | extract_ts",
}


def send(
    vault: Vault, folder: Path, name: str, position: int = 1, patient: str = "", identity_merge: str = "", patient_link: str = ""
) -> list[Finding]:
    """Load the patients of a delivery into the vault; gives the conflicts it makes."""
    center = name.split("-")[0].lower()
    tables = {"patient": f"{PATIENTS[center]}\n{patient}".strip()}
    if identity_merge:
        tables["identity_merge"] = f"{MERGES[center]}\n{identity_merge}"
    if patient_link:
        tables["patient_link"] = f"Patient_Id | _token_key\n{patient_link}"
    judgement = delivery(folder, name, **tables)
    with vault.transaction() as tx:
        merged, _ = links.add_merges(tx, judgement, position)
        return links.relink(tx, merged | links.add_identities(tx, judgement, position), judgement)


def linked(vault: Vault) -> list[tuple[str, str]]:
    with vault.transaction() as tx:
        return sorted((row["person_id"], row["other_person_id"]) for row in rows_of(tx, link_table))


GR, APHP = "GR-20200101-001", "APHP-20200102-001"


@pytest.mark.parametrize(
    ("at_gr", "at_aphp", "pairs", "conflicts"),
    [
        pytest.param("g | t1 | F | 1950-03 | | |", "a | t1 | F | 1950-03 | | |", [("a", "g")], 0, id="the same token"),
        pytest.param("g | t1 | F | 1950-03 | | |", "a | t2 | F | 1950-03 | | |", [], 0, id="another token"),
        pytest.param("g | | F | 1950-03 | | |", "a | | F | 1950-03 | | |", [], 0, id="no token"),
        pytest.param("g | t1 | UN | | | |", "a | t1 | F | 1950-03 | | |", [("a", "g")], 0, id="what is unknown agrees"),
        pytest.param("g | t1 | M | 1950-03 | | |", "a | t1 | F | 1950-03 | | |", [], 1, id="another sex"),
        pytest.param("g | t1 | F | 1950-04 | | |", "a | t1 | F | 1950-03 | | |", [], 1, id="another month of birth"),
        pytest.param(
            "g | t1 | F | 1950 | | |", "a | t1 | F | 1950-03 | | |", [("a", "g")], 0, id="a year agrees with its months"
        ),
        pytest.param(
            "g | t1 | F | 1950-03 | CODE_INVALID | |", "a | t1 | F | 1950-03 | | |", [], 0, id="never validly delivered"
        ),
        pytest.param(
            "g | t1 | F | | | |\nh | t1 | F | | | |", "a | t1 | F | | | |", [], 1, id="two patients of a hospital with one token"
        ),
    ],
)
def test_a_token_links_when_nothing_speaks_against_it(
    tmp_path: Path, at_gr: str, at_aphp: str, pairs: list[tuple[str, str]], conflicts: int
) -> None:
    vault = Vault(settings(tmp_path))
    found = send(vault, tmp_path, GR, patient=at_gr) + send(vault, tmp_path, APHP, patient=at_aphp)
    assert (linked(vault), len(found)) == (pairs, conflicts)


def test_a_conflict_is_told_once_by_the_delivery_that_makes_the_pair(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    assert send(vault, tmp_path, GR, patient="g | t1 | M | | | |") == []
    (conflict,) = send(vault, tmp_path, APHP, patient="a | t1 | F | | | |")
    assert (conflict.code, conflict.file, conflict.row) == ("LINK_CONFLICT", "patient", 1)
    assert send(vault, tmp_path, "APHP-20200103-001", 2, patient="a | t1 | F | 1950-03 | | |") == []


def test_a_second_carrier_of_a_token_parts_those_who_were_linked_until_the_two_are_merged(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    send(vault, tmp_path, APHP, patient="a | t1 | F | | | |")
    send(vault, tmp_path, GR, patient="g | t1 | F | | | |")
    assert linked(vault) == [("a", "g")]
    send(vault, tmp_path, "GR-20200201-001", 2, patient="h | t1 | F | | | |")
    assert linked(vault) == []
    send(vault, tmp_path, "GR-20200301-001", 3, identity_merge="h | g | 2020-03-01")
    assert linked(vault) == [("a", "g"), ("a", "h")]


def test_links_are_transitive_over_hospitals_and_merges(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    send(vault, tmp_path, GR, patient="g | t1 | F | | | |", identity_merge="g0 | g | 2020-01-01")
    send(vault, tmp_path, APHP, patient="a | t1 | F | | | |")
    send(vault, tmp_path, "CURIE-20200103-001", patient="c | F | |", patient_link="c | t1")
    with vault.transaction() as tx:
        people = links.people(tx)
    assert people.group(("gr", "g0")) == {("gr", "g0"), ("gr", "g"), ("aphp", "a"), ("curie", "c")}
    assert people.root(("gr", "g0")) == ("gr", "g")


def test_an_older_event_does_not_change_who_somebody_is(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    send(vault, tmp_path, GR, patient="g | t1 | F | | | |")
    send(vault, tmp_path, APHP, patient="a | t1 | F | | | I | 2020-01-02T00:00")
    send(vault, tmp_path, "APHP-20200201-001", 2, patient="a | t9 | F | | | I | 2019-01-01T00:00")
    assert linked(vault) == [("a", "g")]


@pytest.mark.parametrize(
    ("merges", "kept", "refused"),
    [
        pytest.param("a | b | 2020-01-01\nb | c | 2020-01-02", [("a", "b"), ("b", "c")], [], id="a chain"),
        pytest.param("a | b | 2020-01-01\nb | a | 2020-01-02", [("a", "b")], [2], id="back again"),
        pytest.param(
            "a | b | 2020-01-01\nb | c | 2020-01-02\nc | a | 2020-01-03", [("a", "b"), ("b", "c")], [3], id="a longer way round"
        ),
        pytest.param("a | a | 2020-01-01", [], [1], id="into itself"),
        pytest.param("a | b | 2020-01-01\na | c | 2020-01-02", [("a", "b")], [2], id="a second time, into another"),
        pytest.param("a | b | 2020-01-01\na | b | 2020-01-01", [("a", "b")], [], id="said twice"),
    ],
)
def test_a_merge_that_closes_a_cycle_is_refused(
    tmp_path: Path, merges: str, kept: list[tuple[str, str]], refused: list[int]
) -> None:
    vault = Vault(settings(tmp_path))
    judgement = delivery(tmp_path, GR, identity_merge=f"{MERGES['gr']}\n{merges}")
    with vault.transaction() as tx:
        _, rows = links.add_merges(tx, judgement, 1)
        assert sorted((row["old"], row["kept"]) for row in rows_of(tx, merge_table)) == kept
    assert rows.get("identity_merge", []) == refused
