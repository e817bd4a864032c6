"""What becomes of releases beside each other: which of them may live at the same time, and how they go."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from jobs import releases
from jobs.errors import GateFailed, WrongUse
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.releases import life
from jobs.releases.figures import NOT_EXAMINED, alone_in_class
from jobs.releases.joint import smallest_group
from jobs.releases.store import MADE, REVOKED, Release, Store
from jobs.rights.zones import unmake_releases
from jobs.settings import Settings
from jobs.teaching._quasi import QUASI


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A lake for releases that are put there by hand; whether their patients are in gold is asked elsewhere."""
    (tmp_path / "platform.key").write_text("11" * 32)
    (tmp_path / "platform.key").chmod(0o600)
    settings = Settings(lake=str(tmp_path / "lake"), platform_key_file=tmp_path / "platform.key")
    ledger = Ledger(settings)
    ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint(), first=True)
    ledger.close()
    monkeypatch.setattr(life, "_check_rights", lambda store, name: None)
    return settings


def put(house: Settings, name: str, people: dict[str, str], k: int = 11, diverse: int = 3) -> str:
    """A release of people, each with the word of their class, as making one leaves it."""
    store = Store(Lake.of(house))
    folder = store.place(name)
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    (folder / "gate.json").write_text(json.dumps({"kept": True, "figures": [{"name": NOT_EXAMINED, "value": 1}]}))
    words = {each: list(people.values()) if each == "stage" else ["*"] * len(people) for each in QUASI}
    pl.DataFrame(words).write_delta(str(folder / "edu_patient"))
    told = {"patient_id": list(people), "class": [f"*|*|*|*|*|{word}" for word in people.values()], "tables": [""] * len(people)}
    store.keep_patients(name, pl.DataFrame(told))
    store.note(Release(name, MADE, datetime.now(UTC), "", "small", len(people), k, diverse))
    return name


def people(first: int, last: int, word: str = "late") -> dict[str, str]:
    return {f"p{number:031d}": word for number in range(first, last)}


def listed(release: str, classes: str) -> pl.DataFrame:
    """Who is in a release: a letter a patient for the class, a dot for one who is absent."""
    told = [(release, str(at), word) for at, word in enumerate(classes) if word != "."]
    return pl.DataFrame(told, schema=["release", "patient_id", "class"], orient="row")


@pytest.mark.parametrize(
    ("classes", "smallest"),
    [
        ({"a": "xxyy"}, None),
        ({"a": "xxyy", "b": "xxyy"}, None),  # the same words of the same patients
        ({"a": "xxyy", "b": "xyxy"}, 1),
        ({"a": "xxxxyy", "b": "zzzzzz"}, None),  # finer words, and b parts none of them
        ({"a": "xxxx", "b": ".xxx"}, 1),  # a less b is one patient
        ({"a": ".xxx", "b": "xxxx"}, 1),
        ({"a": "xxxx...", "b": "....xxx"}, None),  # of other patients
        ({"a": "xxxxyy..", "b": "..xxxx..", "c": "..xxxxxx"}, 2),
    ],
)
def test_who_is_absent_from_one_release_is_told_apart_by_it(classes: dict[str, str], smallest: int | None) -> None:
    rows = pl.concat([listed(name, told) for name, told in classes.items()])
    written = {name: {word: told.count(word) for word in set(told) - {"."}} for name, told in classes.items()}
    assert smallest_group(rows, written) == smallest


def test_who_is_erased_from_a_list_is_in_the_written_table_and_counts_as_absent_elsewhere() -> None:
    rows = pl.concat([listed("a", ".xxx......"), listed("b", ".xxx......")])
    assert smallest_group(rows, {"a": {"x": 4}, "b": {"x": 3}}) == 1
    # Three listed patients are absent from the other release as well: four in all.
    rows = pl.concat([listed("a", ".xxxxxxx"), listed("b", "....xxxx")])
    assert smallest_group(rows, {"a": {"x": 8}, "b": {"x": 4}}) == 4


def test_of_whom_two_releases_in_common_have_lost_nobody_knows_where_they_belong() -> None:
    rows = pl.concat([listed("a", ".xxxxxx...."), listed("b", ".xxx...xxxx"), listed("c", ".xxx.......")])
    # The erased one was told by a and b alike, and c has everybody else who was.
    assert smallest_group(rows, {"a": {"x": 7}, "b": {"x": 8}, "c": {"x": 3}}) == 1


def test_a_release_that_lacks_one_patient_of_a_live_one_is_refused_until_that_is_revoked(house: Settings) -> None:
    put(house, "older", people(0, 30))
    put(house, "newer", people(1, 30))
    releases.approve(house, "older", "A. Person")
    with pytest.raises(GateFailed, match=r"newer and older tell apart together, found 1: .*Revoke the older one first"):
        releases.approve(house, "newer", "A. Person")
    releases.revoke(house, "older")
    assert releases.approve(house, "newer", "A. Person").state == "approved"


def test_a_live_release_whose_erased_patient_a_newer_one_lacks_is_in_its_way(house: Settings) -> None:
    put(house, "older", people(0, 30))
    releases.approve(house, "older", "A. Person")
    lake = Lake.of(house)
    rows = lake.frame("ops", "release_patient").filter(pl.col("patient_id") != f"p{0:031d}")
    lake.write("ops", "release_patient", rows.to_arrow(compat_level=pl.CompatLevel.oldest()), mode="overwrite")
    put(house, "newer", people(1, 30))
    with pytest.raises(GateFailed, match="tell apart together, found 1"):
        releases.approve(house, "newer", "A. Person")


def test_releases_of_other_patients_live_beside_each_other(house: Settings) -> None:
    for name, first in (("one", 0), ("other", 30)):
        put(house, name, people(first, first + 30))
        assert releases.approve(house, name, "A. Person").state == "approved"


def dies(*_: object) -> None:
    raise OSError(28, "no room, or killed here")


@pytest.mark.parametrize(
    ("at", "finished_by"), [("tell", "revoke"), ("remove", "clear"), ("forget_patients", "revoke"), ("forget_patients", "clear")]
)
def test_a_revoke_that_was_cut_short_is_finished(
    house: Settings, monkeypatch: pytest.MonkeyPatch, at: str, finished_by: str
) -> None:
    put(house, "older", people(0, 30))
    releases.approve(house, "older", "A. Person")
    store = Store(Lake.of(house))
    with monkeypatch.context() as broken:
        broken.setattr(Store, at, dies)
        with pytest.raises(OSError, match="killed here"):
            releases.revoke(house, "older")
    assert (store.release("older").state, store.is_there("older")) == ("revoked", True)
    if finished_by == "revoke":
        assert releases.revoke(house, "older").state == "revoked"
    else:
        store.clear()
    assert not store.place("older").exists()
    assert store.patients("older").is_empty()
    assert [each["state"] for each in json.loads((store.folder / "releases.json").read_text())] == ["revoked"]
    with pytest.raises(WrongUse, match="revoked already, and nothing of it left"):
        releases.revoke(house, "older")


def test_who_was_listed_by_a_maker_that_died_is_forgotten_and_its_folder_gone(house: Settings) -> None:
    put(house, "noted", people(0, 30))
    store = Store(Lake.of(house))
    store.place("died").mkdir()
    rows = store.patients("noted").drop("release")
    store.keep_patients("died", rows)
    store.clear()
    assert (store.is_there("died"), store.is_there("noted")) == (False, True)


def test_an_erasure_finishes_what_a_revoke_has_left(house: Settings) -> None:
    put(house, "older", people(0, 30))
    store = Store(Lake.of(house))
    store.note(replace(store.release("older"), state=REVOKED, at=datetime.now(UTC)))
    unmake_releases(store.lake, {"older": REVOKED}, "an officer")
    assert not store.is_there("older")


@pytest.mark.parametrize(("k", "diverse"), [(2, 3), (11, 1)])
def test_below_the_usual_bounds_a_release_needs_the_word_of_who_approves(house: Settings, k: int, diverse: int) -> None:
    put(house, "few", people(0, 30), k, diverse)
    said = f"held to lower bounds than usual: k = {k} and l = {diverse}, where 11 and 3 are the rule"
    assert said in releases.for_approver(house, "few")
    with pytest.raises(WrongUse, match=f"{said}.* Give --accept-lower-bounds"):
        releases.approve(house, "few", "A. Person")
    assert releases.approve(house, "few", "A. Person", accept_lower_bounds=True).state == "approved"


def test_of_a_release_with_the_usual_bounds_there_is_no_word_of_lower_ones(house: Settings) -> None:
    put(house, "usual", people(0, 30))
    assert "lower bounds" not in releases.for_approver(house, "usual")


def test_who_is_alone_with_class_and_end_of_follow_up_or_an_event_is_counted_and_told_beside() -> None:
    numbers = [1, 2, 3, 4]
    tables = {
        "edu_patient": pl.LazyFrame(
            {"patient_no": numbers} | {each: ["*"] * 4 for each in QUASI} | {"stage": ["I", "I", "I", "II"]}
        ),
        "edu_survival": pl.LazyFrame(
            {"patient_no": numbers, "days": [30, 30, 30, 30], "event": [True, True, False, True], "endpoint": ["OS"] * 4}
        ),
        # Of the first two surgery is told alike; the first is alone with the day of a relapse.
        "edu_event": pl.LazyFrame({"patient_no": [1, 2, 1], "kind": ["surgery", "surgery", "recurrence"], "day": [15, 15, 15]}),
    }
    found = alone_in_class(tables)
    assert [(each.name, each.value, each.decides, each.stops) for each in found] == [
        ("share alone in class + end of follow-up", 0.5, False, False),
        ("share alone in class + one event day", 0.5, False, False),
    ]
