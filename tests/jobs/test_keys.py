"""Keys: what is told of them, and that an old certificate outlives the key that signed it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jobs import audit
from jobs.errors import ContractViolation, WrongUse
from jobs.failpoint import VARIABLE
from jobs.keys import keys, rotate
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.vault import Vault
from jobs.ledger import Ledger
from jobs.rights import certificate
from jobs.settings import Settings
from tests.jobs.deliveries import know

KEY = "11" * 32


@pytest.fixture
def lake(tmp_path: Path) -> Settings:
    """A lake with a loaded delivery and its platform key."""
    (tmp_path / "platform.key").write_text(KEY)
    settings = Settings(lake=str(tmp_path / "lake"), platform_key_file=tmp_path / "platform.key")
    with closing(Ledger(settings)) as ledger, ledger.hold("hospital/gr") as lease:
        know(ledger, lease, "a", "loaded")
        ledger.hold_to_key(Pseudonyms(bytes.fromhex(KEY)).fingerprint(), first=True)
    return settings


def signed(settings: Settings, request: str, *, is_old: bool = False) -> Path:
    """The certificate of an erasure, with its line in the audit; of an old one the audit does not know what it says."""
    body: dict[str, Any] = {"request": request, "rows": 1} | ({"certificate_version": "1.0"} if is_old else {})
    more = {} if is_old else {"certificate": certificate.digest(body)}
    with closing(Vault(settings)) as vault:
        line = audit.note(settings, vault, who="A. Officer", act="erase", purpose="a letter", request=request, rows=1, **more)
    return certificate.write(settings, certificate.sign(settings, body | {"audit": line}))


def kept_by_a_thief(settings: Settings, folder: Path) -> Settings:
    """Another lake, with a copy of this one's key."""
    thief = Settings(lake=str(folder / "thief"))
    certificate.folder(thief).mkdir(parents=True)
    stolen = (certificate.folder(settings) / certificate.PRIVATE).read_text()
    (certificate.folder(thief) / certificate.PRIVATE).write_text(stolen)
    return thief


def forged(thief: Settings, file: Path, **other: Any) -> Path:
    """A certificate that says something else, signed again with the thief's key."""
    said = json.loads(file.read_text())
    said.pop("signature")
    return certificate.write(thief, certificate.sign(thief, said | other))


def test_what_an_old_key_signed_stays_good_and_the_new_one_signs(lake: Settings) -> None:
    before = signed(lake, "E-1")
    new = rotate(lake, "certificate", "M. Curie")
    after = signed(lake, "E-2")
    assert certificate.verify(lake, before)["request"] == "E-1"
    assert certificate.verify(lake, after)["request"] == "E-2"
    assert certificate.signer(after).startswith(new)
    assert certificate.signer(before) != certificate.signer(after)
    with closing(Vault(lake)) as vault:
        assert audit.verify(lake, vault) == 3
    assert (audit.lines(lake)[1]["act"], audit.lines(lake)[1]["who"]) == ("rotate", "M. Curie")


def test_whoever_kept_an_old_key_cannot_sign_what_the_audit_does_not_know(lake: Settings, tmp_path: Path) -> None:
    known, thief = signed(lake, "E-1"), kept_by_a_thief(lake, tmp_path)
    rotate(lake, "certificate", "M. Curie")
    for other in ({"request": "E-9", "audit": "0" * 64}, {"request": "E-9"}):
        with pytest.raises(ContractViolation, match="changed or is another's"):
            certificate.verify(lake, forged(thief, known, **other))


@pytest.mark.parametrize("is_rotated", [True, False], ids=["an old key", "the key itself"])
@pytest.mark.parametrize("other", [{"rows": 999}, {"certificate_version": "1.0"}, {"by": "an officer"}], ids=str)
def test_whoever_has_a_key_cannot_change_what_a_certificate_says(
    lake: Settings, tmp_path: Path, is_rotated: bool, other: dict[str, Any]
) -> None:
    known, thief = signed(lake, "E-1"), kept_by_a_thief(lake, tmp_path)
    if is_rotated:
        rotate(lake, "certificate", "M. Curie")
    with pytest.raises(ContractViolation, match="changed or is another's"):
        certificate.verify(lake, forged(thief, known, **other))
    assert certificate.verify(lake, known)["rows"] == 1


def test_a_certificate_whose_content_no_audit_knows_is_held_against_the_lakes_own_copy(lake: Settings, tmp_path: Path) -> None:
    known, thief = signed(lake, "E-1", is_old=True), kept_by_a_thief(lake, tmp_path)
    handed_out = tmp_path / "handed-out.json"
    handed_out.write_bytes(known.read_bytes())
    rotate(lake, "certificate", "M. Curie")
    assert certificate.verify(lake, handed_out)["rows"] == 1
    other = forged(thief, handed_out, rows=999)
    for own in (True, False):
        if not own:
            known.unlink()
        with pytest.raises(ContractViolation, match="changed or is another's"):
            certificate.verify(lake, other)


def test_a_certificate_is_worth_as_much_as_the_audit(lake: Settings) -> None:
    known, file = signed(lake, "E-1"), audit.place(lake)
    file.write_text(file.read_text().replace("a letter", "a call"))
    with pytest.raises(ContractViolation, match="line 1 of the audit"):
        certificate.verify(lake, known)


@pytest.mark.parametrize("place", ["key_made", "key_told", "key_changed"])
def test_killed_anywhere_and_run_again_the_key_is_rotated_and_nothing_signed_is_lost(lake: Settings, place: str) -> None:
    before, old = signed(lake, "E-1"), certificate.public_keys(lake)
    words = [sys.executable, "-m", "jobs.cli", "keys", "rotate", "certificate", "--by", "M. Curie", "--lake", lake.lake]
    assert (
        subprocess.run(words, env=os.environ | {VARIABLE: place}, check=False, capture_output=True).returncode == -signal.SIGKILL
    )
    assert certificate.verify(lake, before)["request"] == "E-1"
    between = signed(lake, "E-2")
    rotate(lake, "certificate", "M. Curie")
    after = signed(lake, "E-3")
    assert [certificate.verify(lake, each)["request"] for each in (before, between, after)] == ["E-1", "E-2", "E-3"]
    assert certificate.public_keys(lake)[0] == certificate.signer(after) != old[0]
    assert not (certificate.folder(lake) / certificate.NEXT).exists()
    private = certificate.folder(lake) / certificate.PRIVATE
    assert private.stat().st_mode & 0o777 == 0o600


def test_a_key_that_no_command_can_change_gets_a_sentence(lake: Settings) -> None:
    with pytest.raises(WrongUse, match=r"rotates \(certificate, services\), found 'platform': docs/keys\.md"):
        rotate(lake, "platform", "M. Curie")


def test_keys_are_told_by_what_tells_them_apart_and_never_themselves(lake: Settings, tmp_path: Path) -> None:
    signed(lake, "E-1")
    private = (certificate.folder(lake) / certificate.PRIVATE).read_text().strip()
    rotate(lake, "certificate", "M. Curie")
    register = tmp_path / "keys.json"
    entry = {"hmac_key_hex": "ab" * 32, "not_before": "2020-01-01"}
    days = {"gr-1": "2020-12-31", "gr-2": "2999-12-31"}
    register.write_text(json.dumps({"gr": [entry | {"key_id": name, "not_after": until} for name, until in days.items()]}))
    found = keys(lake, register)
    assert [(each.what, each.state) for each in found] == [
        ("platform", "at hand"),
        ("certificate", "signs"),
        ("certificate", "verifies only"),
        ("pseudonyms of gr", "the hospital's"),
        ("deliveries of gr", "ended"),
        ("deliveries of gr", "valid"),
    ]
    today = datetime.now(UTC).date().isoformat()
    assert [each.since for each in found[:2]] == [today, today]
    assert found[2].hangs == "1 certificates of erasures"
    said = json.dumps([each.told() for each in found])
    assert not any(secret in said for secret in (KEY, private, "ab" * 32))
    assert Pseudonyms(bytes.fromhex(KEY)).fingerprint().startswith(found[0].id)


def test_another_platform_key_than_the_lakes_is_seen(lake: Settings, tmp_path: Path) -> None:
    (tmp_path / "platform.key").write_text("22" * 32)
    assert keys(lake, None)[0].state == "another one at hand"
