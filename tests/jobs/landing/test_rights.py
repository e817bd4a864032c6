"""Oppositions: what a list or an event says, what a lift lifts, and what happens to rows nobody can understand."""

from pathlib import Path

import pytest

from jobs.landing import rights
from jobs.landing.vault import Vault, opposition, put, rows_of, settled
from tests.jobs.landing.staging import delivery, settings

GR = "ID_PATIENT | INFORME | OPPOSITION | PORTEE | DATE_OPPOSITION | DATE_LEVEE"
APHP = "event_id | person_id | event | scope | event_ts | op | extract_ts"


def after(folder: Path, center: str, *lists: str) -> list[tuple[str, str]]:
    """The oppositions in force after these lists, one a delivery."""
    vault, previous = Vault(settings(folder)), None
    for number, text in enumerate(lists, start=1):
        name = f"{center.upper()}-2020010{number}-001"
        judgement = delivery(folder, name, previous, rights=text)
        assert judgement.hospital is not None
        assert judgement.manifest is not None
        with vault.transaction() as tx:
            rights.apply(tx, judgement.hospital, rights.statements(judgement), judgement.manifest, number)
        previous = name
    with vault.transaction() as tx:
        return sorted({(row["person_id"], row["scope"]) for row in rows_of(tx, opposition)})


def gr(*rows: str) -> str:
    return "\n".join((GR, *rows))


def aphp(*rows: str) -> str:
    return "\n".join((APHP, *rows))


OPPOSED = "p1 | O | O | TOUT | 2019-01-01 |"
LIFTED = "p1 | O | N | TOUT | 2019-01-01 | 2020-01-01"
AGAIN = "p1 | O | O | TOUT | 2020-02-01 |"
GENES = "p1 | O | O | GENETIQUE | 2019-05-01 |"


@pytest.mark.parametrize(
    ("lists", "in_force"),
    [
        pytest.param([gr(OPPOSED)], [("p1", "all")], id="an opposition is in force"),
        pytest.param([gr(OPPOSED), gr()], [("p1", "all")], id="a row that disappears lifts nothing"),
        pytest.param([gr(OPPOSED), gr(LIFTED)], [], id="a lift ends it"),
        pytest.param([gr(OPPOSED), gr(LIFTED), gr(LIFTED, AGAIN)], [("p1", "all")], id="lifts come before oppositions"),
        pytest.param(
            [gr(OPPOSED), gr(LIFTED), gr(LIFTED, AGAIN), gr(LIFTED)],
            [("p1", "all")],
            id="a lift that is repeated lifts nothing again",
        ),
        pytest.param([gr(OPPOSED, GENES), gr(LIFTED)], [], id="a lift of everything lifts everything"),
        pytest.param(
            [gr(OPPOSED, GENES), gr("p1 | O | N | GENETIQUE | 2019-05-01 | 2020-01-01")],
            [("p1", "all")],
            id="a lift of one scope lifts only that one",
        ),
        pytest.param(
            [gr("p1 | O | O | TOUT | 2019-01-01 | 2019-06-01")], [("p1", "all")], id="opposed with a date of lift is in force"
        ),
        pytest.param([gr("p1 | O | N | | |")], [], id="information alone is no opposition"),
        pytest.param([gr("p1 | O | O | XYZ | 2019-01-01 |")], [("p1", "all")], id="an unknown scope means everything"),
        pytest.param([gr("p1 | O | ? | GENETIQUE | 2019-01-01 |")], [("p1", "all")], id="an unreadable state means everything"),
        pytest.param(
            [gr("p1 | O | O | XYZ | 2019-01-01 |"), gr(GENES)], [("p1", "genetics")], id="the next readable row counts instead"
        ),
        pytest.param(
            [gr("p1 | O | O | XYZ | 2019-01-01 |"), gr("p2 | O | N | | |")], [("p1", "all")], id="but not one of another patient"
        ),
        pytest.param(
            [gr(OPPOSED), gr("p1 | O | N | XYZ | 2019-01-01 | 2020-01-01")],
            [("p1", "all")],
            id="an unreadable lift lifts nothing",
        ),
    ],
)
def test_a_full_list_decides_what_is_in_force(tmp_path: Path, lists: list[str], in_force: list[tuple[str, str]]) -> None:
    assert after(tmp_path, "gr", *lists) == in_force


OPPOSE = "1 | p1 | oppose | all | 2019-01-01T10:00 | I | 2019-02-01T10:00"
LIFT = "2 | p1 | lift | all | 2019-03-01T10:00 | I | 2019-04-01T10:00"


@pytest.mark.parametrize(
    ("feeds", "in_force"),
    [
        pytest.param([aphp(OPPOSE)], [("p1", "all")], id="an event opposes"),
        pytest.param([aphp(OPPOSE, LIFT)], [], id="a later event lifts"),
        pytest.param([aphp(LIFT), aphp(OPPOSE)], [], id="the time of the event decides, not that of the delivery"),
        pytest.param([aphp(OPPOSE), aphp("1 | | | | | D | 2019-05-01T10:00")], [], id="a withdrawn event never was"),
        pytest.param([aphp(OPPOSE, LIFT), aphp("2 | | | | | D | 2019-05-01T10:00")], [("p1", "all")], id="nor a withdrawn lift"),
        pytest.param([aphp("1 | | | | | D | 2019-05-01T10:00"), aphp(OPPOSE)], [], id="even when the withdrawal came first"),
        pytest.param(
            [aphp("1 | p1 | oppose | all | | I | 2019-02-01T10:00")], [("p1", "all")], id="no time: applied to everything"
        ),
        pytest.param(
            [aphp("1 | p1 | abc | genetics | 2019-01-01T10:00 | I | 2019-02-01T10:00")], [("p1", "all")], id="unreadable event"
        ),
        pytest.param(
            [
                aphp("1 | p1 | abc | all | 2019-01-01T10:00 | I | 2019-02-01T10:00"),
                aphp("5 | p1 | inform | | 2019-02-01T10:00 | I | 2019-03-01T10:00"),
            ],
            [],
            id="until the next readable row",
        ),
        pytest.param(
            [
                aphp(
                    OPPOSE,
                    "3 | p1 | oppose | samples | 2019-02-01T10:00 | I | 2019-03-01T10:00",
                    "4 | p1 | lift | samples | 2019-03-01T10:00 | I | 2019-03-01T10:00",
                )
            ],
            [("p1", "all")],
            id="a lift of one scope",
        ),
    ],
)
def test_events_are_told_in_the_order_they_happened(tmp_path: Path, feeds: list[str], in_force: list[tuple[str, str]]) -> None:
    assert after(tmp_path, "aphp", *feeds) == in_force


def test_curie_lists_say_the_same_in_their_own_words(tmp_path: Path) -> None:
    head = "patientid | patientinformed | opposition | oppositiondateday | oppositiondatemonth | oppositiondateyear | scope"
    opposed = f"{head}\np1 | true | true | 1 | 2 | 2019 | samples\np2 | true | false | | | |"
    lifted = f"{head}\np1 | true | false | 1 | 2 | 2019 | samples"
    assert after(tmp_path / "a", "curie", opposed) == [("p1", "samples")]
    assert after(tmp_path / "b", "curie", opposed, lifted) == []


def held(folder: Path, vault: Vault, name: str, previous: str, text: str) -> None:
    judgement = delivery(folder, name, previous, rights=text)
    assert judgement.hospital is not None
    assert judgement.manifest is not None
    with vault.transaction() as tx:
        rights.apply_held(tx, judgement.hospital, rights.statements(judgement), judgement.manifest)


def loaded(folder: Path, vault: Vault, name: str, previous: str | None, position: int, text: str) -> None:
    judgement = delivery(folder, name, previous, rights=text)
    assert judgement.hospital is not None
    assert judgement.manifest is not None
    with vault.transaction() as tx:
        rights.apply(tx, judgement.hospital, rights.statements(judgement), judgement.manifest, position)
        put(tx, settled, [{"delivery_id": name, "center": "gr", "change": ""}])


def opposed(vault: Vault) -> set[tuple[str, str]]:
    with vault.transaction() as tx:
        return {(row["person_id"], row["scope"]) for row in rows_of(tx, opposition)}


def test_a_delivery_that_waits_opposes_at_once_and_lifts_later(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    loaded(tmp_path, vault, "GR-20200101-001", None, 1, gr(OPPOSED))
    held(tmp_path, vault, "GR-20200301-001", "GR-20200201-001", gr(LIFTED, "p2 | O | O | TOUT | 2020-02-01 |"))
    assert opposed(vault) == {("p1", "all"), ("p2", "all")}


def test_an_opposition_lifted_by_a_later_known_delivery_is_not_applied(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    held(tmp_path, vault, "GR-20200401-001", "GR-20200301-001", gr(LIFTED))
    held(tmp_path, vault, "GR-20200301-001", "GR-20200201-001", gr(OPPOSED))
    assert opposed(vault) == set()


def test_an_opposition_of_a_refused_delivery_stays_until_a_lift_not_until_a_silence(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    loaded(tmp_path, vault, "GR-20200101-001", None, 1, gr())
    held(tmp_path, vault, "GR-20200201-001", "GR-20200101-001", gr(OPPOSED))
    loaded(tmp_path, vault, "GR-20200301-001", "GR-20200101-001", 2, gr())
    assert opposed(vault) == {("p1", "all")}
    loaded(tmp_path, vault, "GR-20200401-001", "GR-20200301-001", 3, gr(LIFTED))
    assert opposed(vault) == set()


def test_a_lift_of_an_earlier_place_in_the_chain_does_not_touch_what_waits(tmp_path: Path) -> None:
    vault = Vault(settings(tmp_path))
    held(tmp_path, vault, "GR-20200301-001", "GR-20200201-001", gr(LIFTED, AGAIN))
    loaded(tmp_path, vault, "GR-20200101-001", None, 1, gr(OPPOSED))
    loaded(tmp_path, vault, "GR-20200201-001", "GR-20200101-001", 2, gr(LIFTED))
    assert opposed(vault) == {("p1", "all")}
    loaded(tmp_path, vault, "GR-20200301-001", "GR-20200201-001", 3, gr(LIFTED, AGAIN))
    assert opposed(vault) == {("p1", "all")}
