"""Badges: given for what was passed, believed only when nothing in them was changed."""

import hashlib
import json
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from courses.checking import proof
from courses.checking.badges import CONTEXT, WHYS, Badges, NotEarned, NotGenuine, forget, verify
from courses.checking.errors import CheckingError
from tests.courses.conftest import solve

HOLDER = "Anna Durand-Lévêque"
# The test vector that the W3C gives for eddsa-jcs-2022.
W3C_KEY = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
W3C_NAME = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
W3C_PROOF = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
W3C_DOCUMENT = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}


@pytest.fixture
def badges(checking):
    return Badges(checking, origin="https://academy.example")


@pytest.fixture
def earned(checking, badges):
    """The badge of somebody who passed everything."""
    solve(checking, "anna")
    return badges.issue("anna", "example", HOLDER)


def refused(text, key, **others):
    with pytest.raises(NotGenuine) as refusal:
        verify(text, key, **others)
    return refusal.value.reason


def test_the_proof_is_the_one_of_the_published_test_vector():
    key = Ed25519PrivateKey.from_private_bytes(proof.from_base58(W3C_KEY[1:])[2:])
    assert proof.did(key.public_key()) == W3C_NAME
    signed = proof.sign(W3C_DOCUMENT, key, "2023-02-24T23:36:38Z")
    assert signed["proof"]["proofValue"] == W3C_PROOF
    assert proof.is_signed(signed, proof.public_key(W3C_NAME))


def test_only_a_finished_course_earns_a_badge(checking, badges):
    names = checking.courses["example"].required
    for name in names[:-1]:
        checking.check("anna", f"example.{name}", checking.expected(f"example.{name}", checking.seed("anna")))
    with pytest.raises(NotEarned, match=f"1 open: example.{names[-1]}"):
        badges.issue("anna", "example", HOLDER)
    solve(checking, "anna")
    assert badges.verify(badges.issue("anna", "example", HOLDER)).holder == HOLDER


def test_an_exercise_that_is_not_required_is_not_needed(checking, badges, earned):
    assert "drawing.band" not in checking.courses["example"].required
    assert badges.verify(earned)


def test_a_badge_says_who_learned_what_in_which_version(checking, badges, earned):
    badge = badges.verify(earned)
    course = checking.courses["example"]
    assert (badge.holder, badge.course, badge.version, badge.digest, badge.name) == (
        HOLDER,
        "example",
        "1",
        course.digest,
        "Example",
    )
    document = json.loads(earned)
    assert document["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert document["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    assert document["credentialSubject"]["achievement"]["criteria"]["narrative"].startswith("All 5 required exercises")
    assert document["credentialStatus"]["type"] == "1EdTechRevocationList"


def test_a_badge_is_verified_with_the_public_key_alone(badges, earned):
    pem = proof.public_key(badges.public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert verify(earned, badges.public_key) == verify(earned, pem)
    assert verify(json.dumps(json.loads(earned)), badges.public_key).id == json.loads(earned)["id"]


@pytest.mark.parametrize(
    "change",
    [
        lambda badge: badge["credentialSubject"]["identifier"][0].update(identityHash="Ben"),
        lambda badge: badge["credentialSubject"]["achievement"].update(name="Professor"),
        lambda badge: badge.update(validFrom="2020-01-01T00:00:00Z"),
        lambda badge: badge.update(extra="nothing"),
        lambda badge: badge.pop("credentialStatus"),
        lambda badge: badge["proof"].update(created="2020-01-01T00:00:00Z"),
        lambda badge: badge["proof"].update(proofValue="z" + "1" * 80),
        lambda badge: badge["proof"].update(proofValue="not base 58: 0OIl"),
        lambda badge: badge["proof"].update(proofValue=5),
        lambda badge: badge["proof"].update(proofValue=["z"]),
        lambda badge: badge["proof"].update(proofValue=""),
        lambda badge: badge["proof"].pop("proofValue"),
        lambda badge: badge["proof"].pop("@context"),
        lambda badge: badge.update(score=1.5),
    ],
)
def test_a_changed_badge_is_not_believed(badges, earned, change):
    document = json.loads(earned)
    change(document)
    assert refused(json.dumps(document), badges.public_key) == "changed"


def test_a_badge_that_somebody_signed_themselves_is_not_believed(badges, earned):
    forger = Ed25519PrivateKey.generate()
    document = {**json.loads(earned), "issuer": {**json.loads(earned)["issuer"], "id": proof.did(forger.public_key())}}
    document.pop("proof")
    forged = proof.sign(document, forger, "2026-01-01T00:00:00Z")
    assert refused(json.dumps(forged), badges.public_key) == "other_key"
    assert verify(json.dumps(forged), proof.did(forger.public_key()))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("[]", "not_json"),
        ("x" * 200_000, "not_json"),
        ("[" * 50_000, "not_json"),
        ('{"a": 1}', "not_a_badge"),
        (json.dumps(W3C_DOCUMENT), "not_a_badge"),
        (json.dumps({"@context": CONTEXT, "type": 5}), "not_a_badge"),
        (json.dumps({"@context": CONTEXT, "type": "OpenBadgeCredential"}), "not_a_badge"),
    ],
)
def test_what_is_no_badge_is_told_so(badges, text, reason):
    assert refused(text, badges.public_key) == reason


def test_no_proof_of_a_stranger_takes_long_to_refuse(badges, earned):
    document = json.loads(earned)
    document["proof"]["proofValue"] = "z" * 90_000
    started = time.process_time()
    assert refused(json.dumps(document), badges.public_key) == "changed"
    assert time.process_time() - started < 0.2


def test_a_document_nested_to_the_limit_is_told_so_and_breaks_nothing(badges, earned):
    begun = earned.rstrip().removesuffix("}")
    nested = [f'{begun}, "extra": {"[" * depth}{"]" * depth}}}' for depth in range(700, 1_000, 2)]
    assert {refused(text, badges.public_key) for text in nested} == {"changed", "not_json"}


def test_a_badge_without_its_proof_is_not_believed(badges, earned):
    document = json.loads(earned)
    document.pop("proof")
    assert refused(json.dumps(document), badges.public_key) == "not_signed"


def test_a_badge_of_tomorrow_is_not_believed_today(checking, badges):
    solve(checking, "anna")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert refused(badges.issue("anna", "example", HOLDER, now=tomorrow), badges.public_key) == "not_yet_valid"


def test_a_revoked_badge_is_not_believed_and_can_be_earned_again(badges, earned):
    number = json.loads(earned)["id"]
    badges.revoke(number, by="ines", why="wrong person")
    with pytest.raises(NotGenuine, match="revoked"):
        badges.verify(earned)
    listed = badges.revocation_list()["revokedCredential"]
    assert listed == [{"id": number, "revoked": True, "revocationReason": "wrong person"}]
    assert refused(earned, badges.public_key, revoked=[each["id"] for each in listed]) == "revoked"
    again = badges.issue("anna", "example", HOLDER)
    assert json.loads(again)["id"] != number
    assert badges.verify(again)


def test_who_has_the_key_alone_is_told_that_a_revocation_cannot_be_known(badges, earned):
    badges.revoke(json.loads(earned)["id"], by="ines", why="wrong person")
    assert verify(earned, badges.public_key).revocation_known is False
    assert verify(earned, badges.public_key, revoked=[]).revocation_known is True


def test_who_did_not_answer_themselves_has_to_earn_the_badge_again(checking, badges, earned):
    badges.revoke(json.loads(earned)["id"], by="ines", why="work")
    assert badges.withdrawn("anna", "example") == "work"
    with pytest.raises(NotEarned, match="5 open"):
        badges.issue("anna", "example", HOLDER)
    solve(checking, "anna")
    assert badges.verify(badges.issue("anna", "example", HOLDER))
    assert badges.withdrawn("anna", "example") is None


def test_a_list_of_badges_has_those_that_count_the_newest_first(checking, badges, earned):
    solve(checking, "ben")
    of_ben = badges.issue("ben", "example", "Ben")
    assert [each.user for each in badges.given(["anna", "ben"])] == ["ben", "anna"]
    badges.revoke(json.loads(of_ben)["id"], by="ines", why="name")
    assert [each.user for each in badges.given(["anna", "ben"])] == ["anna"]
    assert badges.given(["ben"]) == []


def test_every_reason_is_there_in_both_languages():
    assert all(set(why.say) == {"en", "fr"} and all(why.say.values()) for why in WHYS.values())


def test_nobody_revokes_what_was_never_issued(badges):
    with pytest.raises(CheckingError, match="none was issued"):
        badges.revoke("urn:uuid:00000000-0000-4000-8000-000000000000", "ines", "")


def test_a_badge_says_which_account_earned_it_to_who_knows_the_account(badges, earned):
    badge = badges.verify(earned)
    assert badge.belongs_to("anna")
    assert not badge.belongs_to("ben")
    written = json.loads(earned)["credentialSubject"]["identifier"][1]
    assert (written["hashed"], written["identityType"]) == (True, "userName")
    assert written["identityHash"] == "sha256$" + hashlib.sha256(f"anna{written['salt']}".encode()).hexdigest()
    assert "anna" not in earned


def test_an_instructor_sees_the_name_that_was_typed(badges, earned):
    assert [(each.user, each.holder) for each in badges.given(["anna"])] == [("anna", HOLDER)]


def test_a_badge_outlives_its_holder_s_account_and_its_name_stays_with_the_holder_alone(checking, badges, earned):
    assert forget(checking.state, "anna") == 1
    assert badges.verify(earned).holder == HOLDER
    assert badges.by_id(json.loads(earned)["id"]) is None
    assert badges.held("anna", "example") is None
    with pytest.raises(NotEarned):
        badges.issue("anna", "example", "Somebody else of that name")
    checking.close()
    kept = b"".join(path.read_bytes() for path in checking.state.rglob("*") if path.is_file())
    assert b"anna" not in kept
    assert HOLDER.encode() not in kept


def test_asking_twice_gives_the_same_badge(badges, earned):
    assert badges.issue("anna", "example", HOLDER) == earned == badges.held("anna", "example")
    assert badges.by_id(json.loads(earned)["id"]) == earned
    assert badges.by_id("../badge.key") is None


def test_a_new_version_of_the_course_asks_for_new_passes(checking, badges, earned):
    checking.courses["example"].about["version"] = "2"
    assert badges.held("anna", "example") is None
    with pytest.raises(NotEarned):
        badges.issue("anna", "example", HOLDER)
    assert badges.verify(earned).version == "1"


def test_the_key_is_made_once_and_only_its_owner_can_read_it(checking, badges):
    assert Badges(checking).public_key == badges.public_key
    assert stat.S_IMODE((checking.state / "badge.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((checking.state / "badges").stat().st_mode) == 0o700


def test_what_was_issued_and_revoked_is_in_the_record(checking, badges, earned):
    badges.revoke(json.loads(earned)["id"], by="ines", why="wrong person")
    told = [(each.what, each.user, each.by) for each in checking.events("anna") if each.what in ("badge", "revoked")]
    assert told == [("badge", "anna", ""), ("revoked", "anna", "ines")]
    assert checking.attempts.verify() == len(checking.events())
