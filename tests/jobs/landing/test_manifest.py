"""Gates 1 and 2: what makes a manifest one, and whose it is."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import WrongUse
from jobs.hospitals import hospitals
from jobs.landing.manifest import read_manifest
from jobs.landing.manifest_files import declared
from jobs.landing.model import Finding
from jobs.landing.signature import check_signature, load_keys
from tests.jobs.landing.sending import NOW, SECRET, body, entry, gz, keys, send

RIGHTS = "GR_OPPOSITION_20220301_001.csv.gz"
FILES = [entry(RIGHTS, "rights", gz("x"), rows=0)]


def codes(found: list[Finding]) -> list[str]:
    return sorted({finding.code for finding in found})


def gate_1(root: Path, told: dict[str, Any], now: datetime = NOW) -> list[str]:
    return codes(read_manifest(send(root, told, {RIGHTS: gz("x")}), hospitals(), now)[1])


def test_a_good_manifest_passes_with_all_that_it_says(tmp_path: Path) -> None:
    manifest, found = read_manifest(send(tmp_path, body(FILES), {RIGHTS: gz("x")}), hospitals(), NOW)
    assert found == []
    assert manifest is not None
    assert (manifest.delivery_id, manifest.window_to, manifest.files[0].domain) == (
        "GR-20220301-001",
        date(2022, 2, 28),
        "rights",
    )
    assert check_signature(manifest, keys()) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"manifest_version": "2.0"}, "MANIFEST_INVALID"),
        ({"mode": "snapshot"}, "MANIFEST_INVALID"),
        ({"finess": "750160012"}, "MANIFEST_INVALID"),
        ({"rights": {"path": RIGHTS, "as_of": "2022-02-28", "n_opposed": "0"}}, "MANIFEST_INVALID"),
        ({"rights": {"path": RIGHTS, "as_of": "2022-02-30", "n_opposed": 0}}, "MANIFEST_INVALID"),
        ({"extraction_window": {"from": None, "to": "2022-03-02"}}, "MANIFEST_INVALID"),
        ({"legal": body([])["legal"] | {"expires": "2022-02-28"}}, "MANIFEST_INVALID"),
        ({"previous_delivery_id": "GR-20220301-001"}, "MANIFEST_INVALID"),
        (
            {"content": "rights_only", "files": [*FILES, entry("GR_PANEL_20220301_001.csv.gz", "panel", gz("x"), rows=0)]},
            "MANIFEST_INVALID",
        ),
        ({"files": FILES * 2}, "MANIFEST_INVALID"),
        ({"files": [FILES[0] | {"rows": True}]}, "MANIFEST_INVALID"),
        ({"files": [FILES[0] | {"path": "../x.csv.gz"}]}, "PATH_UNSAFE"),
        ({"files": [FILES[0] | {"path": "/etc/x.csv.gz"}]}, "PATH_UNSAFE"),
        ({"files": [FILES[0] | {"path": "C:x.csv.gz"}]}, "PATH_UNSAFE"),
        ({"files": [FILES[0] | {"path": "a\\b"}]}, "PATH_UNSAFE"),
        ({"files": [FILES[0] | {"path": "GR_OPPOSITION été.csv.gz"}]}, "FILE_NAME_INVALID"),
        ({"files": [FILES[0] | {"path": "GR_OPPOSITION_20220301_002.csv.gz"}]}, "FILE_NAME_INVALID"),
        *[({"files": [FILES[0] | {"members": members}]}, "MANIFEST_INVALID") for members in (5, "abc", {}, False, [5], [{}])],
        ({"files": [FILES[0] | {"members": []}]}, None),
        ({"unknown": {"member": [1, "two"]}}, None),
    ],
)
def test_what_gate_1_says_of_a_changed_member(tmp_path: Path, changed: dict[str, Any], code: str | None) -> None:
    assert gate_1(tmp_path, body(FILES) | changed) == ([code] if code else [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": 1, "a": 2}',
        '{"a": 1.5}',
        '{"a": NaN}',
        "\ufeff{}",
        '{"a": "\\ud800"}',
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
    ],
    ids=["empty", "list", "cut", "member twice", "fraction", "NaN", "BOM", "lone surrogate", "deep", "long number"],
)
def test_what_is_no_json_object_in_utf_8_is_no_manifest(tmp_path: Path, text: str) -> None:
    folder = send(tmp_path, body(FILES), {RIGHTS: gz("x")})
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    assert codes(read_manifest(folder, hospitals(), NOW)[1]) == ["MANIFEST_INVALID"]


MEMBER = {"path": "OSIRIS_pivot_Patient.csv", "domain": "patient", "rows": 0, "bytes": 0, "sha256": "0" * 64, "schema_id": "s"}


@pytest.mark.parametrize("more", [{"members": 5}, {"members": "abc"}, {"members": [5]}, {"encoding": 5}, {"format": []}])
def test_what_a_member_says_beyond_the_contract_is_not_looked_at(more: dict[str, Any]) -> None:
    assert declared(FILES[0] | {"members": [MEMBER | more]}) == declared(FILES[0] | {"members": [MEMBER]})


def test_a_manifest_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = send(tmp_path, body(FILES), {RIGHTS: gz("x")})

    def closed(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", closed)
    [found] = read_manifest(folder, hospitals(), NOW)[1]
    assert (found.code, "found it closed" in found.sentence) == ("MANIFEST_INVALID", True)


def test_a_link_anywhere_in_the_folder_is_unsafe(tmp_path: Path) -> None:
    folder = send(tmp_path, body(FILES), {RIGHTS: gz("x")})
    (folder / "other").symlink_to("/etc/hostname")
    assert codes(read_manifest(folder, hospitals(), NOW)[1]) == ["PATH_UNSAFE"]


def test_a_manifest_from_the_day_after_tomorrow_is_clock_skew(tmp_path: Path) -> None:
    assert gate_1(tmp_path, body(FILES), datetime(2022, 2, 27, 2, tzinfo=UTC)) == ["CLOCK_SKEW"]
    assert gate_1(tmp_path, body(FILES), datetime(2022, 2, 27, 4, tzinfo=UTC)) == []


def test_the_folder_must_bear_the_name_and_lie_in_the_month_of_the_delivery(tmp_path: Path) -> None:
    folder = send(tmp_path, body(FILES), {RIGHTS: gz("x")})
    moved = folder.parent.parent / "04" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    assert codes(read_manifest(moved, hospitals(), NOW)[1]) == ["MANIFEST_INVALID"]
    assert read_manifest(moved, hospitals(), NOW, in_place=False)[1] == []


@pytest.mark.parametrize(
    ("register", "is_valid"),
    [
        (keys(), True),
        (keys(last=date(2022, 3, 1)), True),
        (keys(last=date(2022, 2, 28)), False),
        (keys(center="curie"), False),
        ({}, False),
    ],
    ids=["good", "last day", "expired", "other hospital", "no key"],
)
def test_only_a_key_of_the_hospital_that_is_valid_on_the_day_signs(tmp_path: Path, register: Any, is_valid: bool) -> None:
    manifest, _ = read_manifest(send(tmp_path, body(FILES), {RIGHTS: gz("x")}), hospitals(), NOW)
    assert manifest is not None
    assert codes(check_signature(manifest, register)) == ([] if is_valid else ["SIGNATURE_INVALID"])


def test_a_member_changed_after_signing_is_noticed(tmp_path: Path) -> None:
    folder = send(tmp_path, body(FILES), {RIGHTS: gz("x")})
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"unknown": "é"}), encoding="utf-8")
    manifest, _ = read_manifest(folder, hospitals(), NOW)
    assert manifest is not None
    assert codes(check_signature(manifest, keys())) == ["SIGNATURE_INVALID"]


def test_a_key_register_shows_no_secret_and_a_wrong_one_is_wrong_use(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    entry_of = {"key_id": "k1", "hmac_key_hex": SECRET.hex(), "not_before": "2020-01-01", "not_after": "2030-01-01"}
    path.write_text(json.dumps({"gr": [entry_of]}))
    assert load_keys(path) == keys()
    assert SECRET.decode() not in repr(load_keys(path))
    path.write_text("[]")
    with pytest.raises(WrongUse, match="Expected a key register"):
        load_keys(path)
