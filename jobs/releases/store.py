"""Where releases lie, which state each is in, and which patients the live ones tell of.

`<lake>/teaching/<release>`, or `<PSCC_RELEASES>/<release>` of a lake in an object store, never changes. What happens to a release is a line of `ops.release`; who is in it stands in
`ops.release_patient` alone, which nobody teaches with, and goes when it is revoked.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from jobs.errors import LakehouseError, WrongUse
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.ledger import Ledger
from jobs.settings import Settings, value
from quality import places
from quality.address import is_remote

SIZES = {"small": 1_000, "medium": 5_000, "large": 20_000}
# What a release is held to where nobody asks for less: k of French practice (no cell under 11), and three outcomes in a class.
USUAL_K, USUAL_L = 11, 3
MADE, APPROVED, REVOKED, REFUSED = "made", "approved", "revoked", "refused"
RELEASE, PATIENT = "release", "release_patient"
PATIENTS = ("patient_id", "class", "tables")
STATES = pa.schema(
    [
        ("release", pa.string()),
        ("state", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("by", pa.string()),
        ("size", pa.string()),
        ("patients", pa.int64()),
        ("k", pa.int64()),
        ("l", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Release:
    """A release as it stands."""

    name: str
    state: str
    at: datetime
    by: str
    size: str
    patients: int
    k: int
    l: int  # noqa: E741

    @property
    def lower(self) -> str:
        """What it means that it was held to lower bounds than the usual ones, in plain words; nothing where it was not."""
        return lower_bounds(self.k, self.l)

    def told(self) -> dict[str, Any]:
        """It as an object for programs."""
        return {**self.__dict__, "at": self.at.isoformat(timespec="seconds")}


def lower_bounds(k: int, l: int) -> str:  # noqa: E741
    """In plain words that a release with these bounds protects less than usual; nothing where it does not."""
    if k >= USUAL_K and l >= USUAL_L:
        return ""
    return (
        f"This release was held to lower bounds than usual: k = {k} and l = {l}, where {USUAL_K} and {USUAL_L} are the rule. As few as {k} patients are "
        f"told alike, and as few as {l} different outcomes stand in a class: who knows the class of somebody learns more of them."
    )


@dataclass(frozen=True)
class Store:
    """The releases of a lake."""

    lake: Lake

    @property
    def folder(self) -> Path:
        """Where releases lie: in the lake, or in a folder beside one that is in an object store, as a hub mounts them."""
        apart = value("PSCC_RELEASES") if is_remote(self.lake.root) else None
        return Path(apart or Path(self.lake.root, "teaching"))

    @property
    def has_place(self) -> bool:
        """Whether releases of the lake can lie anywhere: those of one in an object store need a folder of their own."""
        return not is_remote(self.lake.root) or bool(value("PSCC_RELEASES"))

    def place(self, release: str) -> Path:
        """Where a release lies."""
        return self.folder / release

    def making(self, release: str) -> Path:
        """Where a release is made, unseen: a folder of its owner's, beside its place."""
        return self.folder / f".making-{release}"

    def releases(self) -> list[Release]:
        """Every release that ever was, the newest last."""
        rows = self.lake.frame("ops", RELEASE)
        if not rows.height:
            return []
        last = rows.sort("at").unique("release", keep="last", maintain_order=True).sort("at")
        return [Release(row.pop("release"), **row) for row in last.iter_rows(named=True)]

    def release(self, name: str) -> Release:
        """A release by its name; WrongUse where there is none."""
        found = next((each for each in self.releases() if each.name == name and each.state != REFUSED), None)
        if found is None:
            raise WrongUse(f"Expected the name of a release, found {name!r}, which is not known: see `pscc release list`.")
        return found

    def live(self) -> list[str]:
        """The names of the approved releases."""
        return [each.name for each in self.releases() if each.state == APPROVED]

    def fresh_name(self, size: str, today: date | None = None) -> str:
        """`small-20260301`, then `small-20260301-2` and so on."""
        base = f"{size}-{today or datetime.now(UTC).date():%Y%m%d}"
        taken = {each.name for each in self.releases() if each.state != REFUSED}
        names = (base, *(f"{base}-{number}" for number in range(2, 1_000)))
        return next(name for name in names if name not in taken and not self.place(name).exists())

    def note(self, release: Release) -> None:
        """Keep what happened to a release, and tell those who cannot read the lake."""
        self.lake.write("ops", RELEASE, pa.Table.from_pylist([{"release": release.name, **_rest(release)}], STATES))
        self.tell()

    def tell(self) -> None:
        """The state of each release, for those who cannot read the lake."""
        told = [each.told() for each in self.releases() if each.state != REFUSED]
        places.write(str(self.folder / "releases.json"), json.dumps(told, ensure_ascii=False, indent=1))

    def keep_patients(self, release: str, patients: pl.DataFrame) -> None:
        """Keep who is in a release: `patient_id`, `class`, and which `tables` tell of them besides."""
        rows = patients.select(pl.lit(release).alias("release"), *PATIENTS)
        # The log of a table outlives its rows: no number of a patient may stand in it.
        self.lake.write("ops", PATIENT, rows.to_arrow(compat_level=pl.CompatLevel.oldest()), counted="release")

    def patients(self, *releases: str) -> pl.DataFrame:
        """`release`, `patient_id`, `class`, `tables` of some releases; the latter empty where it was not kept yet."""
        none = pl.DataFrame(schema=dict.fromkeys(("release", *PATIENTS), pl.String))
        rows = pl.concat([none, self.lake.frame("ops", PATIENT)], how="diagonal")
        return rows.filter(pl.col("release").is_in(releases))

    def forget_patients(self, release: str) -> None:
        """Take out who was in a release, from the files too."""
        if self.lake.exists("ops", PATIENT):
            table = self.lake.table("ops", PATIENT)
            table.delete(f"release = '{release}'")
            table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)

    def remove(self, release: str) -> None:
        """Take a release out of sight at once, then away; what an earlier try has left, too."""
        (self.folder / f"{release}.courses.json").unlink(missing_ok=True)
        place, gone = self.place(release), self.making(release)
        if place.exists():
            # The writing right is for the folder's own name; what lies in it is taken away as it is.
            place.chmod(0o700)
            place.rename(gone)
        take_away(gone)

    def is_there(self, release: str) -> bool:
        """Whether anything of a release is there yet: its folder, or the list of its patients."""
        return self.place(release).exists() or self.making(release).exists() or self.patients(release).height > 0

    def end(self, release: str) -> None:
        """Take a revoked release and the list of its patients away, as often as it takes. LakehouseError where something stays."""
        self.remove(release)
        self.forget_patients(release)
        if self.is_there(release):
            raise LakehouseError(
                f"Expected nothing of {release} to be left, found files that could not be taken away: look whose they are in {self.folder}, then "
                f"`pscc release revoke {release}` once more."
            )
        # Whoever was cut short may not have told that it is revoked.
        self.tell()

    def clear(self) -> None:
        """Take away what dead makers have left, and finish what dead revokers have begun."""
        for left in self.folder.glob(".making-*"):
            take_away(left)
        known = {each.name: each.state for each in self.releases()}
        # Who is listed in a release that no list knows: its maker died before it was noted.
        unknown = {name for name in self._listed() if known.get(name, REFUSED) == REFUSED}
        for name in sorted(unknown | {name for name, state in known.items() if state == REVOKED and self.is_there(name)}):
            self.end(name)

    def _listed(self) -> set[str]:
        """The names of the releases that a list of patients is kept of."""
        rows = self.lake.frame("ops", PATIENT)
        return set(rows["release"]) if rows.height else set()


def take_away(folder: Path) -> None:
    """Remove a folder of a release, which may be closed to writers already; nothing where there is none."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _rest(release: Release) -> dict[str, Any]:
    return {name: value for name, value in release.__dict__.items() if name != "name"}


@contextmanager
def at_work(settings: Settings) -> Iterator[tuple[Store, Ledger]]:
    """The releases of the settings' lake, for one worker at a time; WrongUse for another platform key than the lake's."""
    store = opened(settings)
    with closing(Ledger(settings, create=False)) as ledger:
        ledger.hold_to_key(Pseudonyms(settings.platform_key()).fingerprint())
        with ledger.hold("release"):
            yield store, ledger


def opened(settings: Settings) -> Store:
    """The releases of the settings' lake, to look at."""
    store = Store(Lake.of(settings))
    if not store.has_place:
        raise WrongUse(
            f"Expected a folder in which releases of {settings.lake} lie, as they are mounted, found PSCC_RELEASES unset: see docs/settings.md."
        )
    Ledger(settings, create=False).close()
    return store


Watch = Callable[[str], None]
