"""The keys of a lake: which there are, how old, and what hangs on each; never a key itself."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jobs import audit
from jobs.errors import WrongUse
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.signature import DeliveryKey, load_keys
from jobs.landing.vault import Vault
from jobs.ledger import Delivery, Ledger
from jobs.rights import certificate
from jobs.settings import Settings

# So much of a fingerprint tells keys apart.
SHOWN = 16
ROTATES = ("certificate",)


@dataclass(frozen=True)
class Key:
    """One key: what it is for, what tells it from others, since when it is used, how it stands, what hangs on it."""

    what: str
    id: str
    since: str
    state: str
    hangs: str

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self)


def keys(settings: Settings, register: Path | None) -> list[Key]:
    """Every key that the lake, and the hospitals' `register` where there is one, know of."""
    with closing(Ledger(settings, create=False)) as ledger:
        deliveries, known = ledger.deliveries(), ledger.key_fingerprint()
    return [
        *_platform(settings, known, deliveries),
        *_certificates(settings),
        *_hospitals(deliveries),
        *(_signing(register) if register is not None else ()),
    ]


def _platform(settings: Settings, known: str | None, deliveries: list[Delivery]) -> Iterator[Key]:
    if known is None:
        return
    file, state = settings.platform_key_file, "not at hand"
    if file is not None and file.is_file():
        state = "at hand" if Pseudonyms(settings.platform_key()).fingerprint() == known else "another one at hand"
    loaded = sum(each.in_bronze for each in deliveries)
    hangs = (
        f"every person, patient, link token and tombstone; {loaded} deliveries in bronze; teaching releases while they are made"
    )
    yield Key("platform", known[:SHOWN], _day_of(file) if state == "at hand" else "", state, hangs)


def _day_of(file: Path | None) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat() if file is not None else ""


def _certificates(settings: Settings) -> Iterator[Key]:
    folder = certificate.folder(settings)
    signed = Counter(certificate.signer(file) for file in folder.glob("certificates/*.json"))
    for number, public in enumerate(certificate.public_keys(settings)):
        since = _day_of(folder / certificate.PRIVATE) if number == 0 and (folder / certificate.PRIVATE).exists() else ""
        hangs = f"{signed[public]} certificates of erasures"
        yield Key("certificate", public[:SHOWN], since, "verifies only" if number else "signs", hangs)


def _hospitals(deliveries: list[Delivery]) -> Iterator[Key]:
    """The keys under which hospitals make their pseudonyms, as their manifests name them; the keys themselves never leave them."""
    by_key: dict[tuple[str, str], list[Delivery]] = {}
    for each in deliveries:
        by_key.setdefault((each.center, each.pseudonym_key_id), []).append(each)
    for (center, key_id), named in sorted(by_key.items()):
        since = min(each.created_at for each in named)[:10]
        yield Key(f"pseudonyms of {center}", key_id, since, "the hospital's", f"{len(named)} deliveries")


def _signing(register: Path) -> Iterator[Key]:
    today = datetime.now(UTC).date()
    for center, known in sorted(load_keys(register).items()):
        for each in known:
            yield Key(
                f"deliveries of {center}",
                each.key_id,
                each.not_before.isoformat(),
                _validity(each, today),
                f"signatures until {each.not_after}",
            )


def _validity(key: DeliveryKey, today: date) -> str:
    if today < key.not_before:
        return "not yet valid"
    return "valid" if today <= key.not_after else "ended"


def rotate(settings: Settings, which: str, by: str) -> str:
    """Change a key; what tells the new one from others. WrongUse for one that no command can change."""
    if which not in ROTATES:
        raise WrongUse(
            f"Expected a key that a command rotates ({', '.join((*ROTATES, 'services'))}), found {which!r}: docs/keys.md says how others are changed."
        )
    if not by.strip():
        raise WrongUse("Expected who changes the key, found nobody: give --by NAME.")
    # An erasure that is being signed holds `engine` too.
    with closing(Ledger(settings, create=False)) as ledger, ledger.hold("engine"), closing(Vault(settings)) as vault:
        made = certificate.rotate(settings)[:SHOWN]
        said = f"certificates are signed by {made} now"
        audit.note(settings, vault, who=by, act="rotate", purpose=said, request=which, rows=0)
    return made
