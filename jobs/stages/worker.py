"""What the stages work with: ledger, lake, vault and the platform key, opened once a process."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jobs import intake, returns
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing.pseudonyms import Pseudonyms
from jobs.landing.vault import Vault
from jobs.ledger import UNKNOWN, Delivery, Lease, Ledger
from jobs.returns import Report
from jobs.settings import Settings
from quality.address import is_remote


class PassResult(Protocol):
    """What a pass over silver did, by delivery."""

    @property
    def number(self) -> int: ...
    @property
    def rows(self) -> dict[str, dict[str, int]]: ...
    @property
    def waiting(self) -> dict[str, dict[str, int]]: ...
    @property
    def gone(self) -> dict[str, int]: ...


class Engine(Protocol):
    """The clinical engine, as far as loading needs it."""

    def publish(
        self,
        center: str,
        delivery_ids: list[str],
        accept_failed: bool = False,
        fence: Callable[[], None] = ...,
        without: Iterable[str] = (),
    ) -> PassResult: ...
    def hide(self, center: str, delivery_ids: list[str], fence: Callable[[], None] = ...) -> PassResult: ...
    def warm_up(self) -> None: ...


def quiet(_: str) -> None:
    """Watches and says nothing."""


def hospital_of(folder: str) -> str:
    """The hospital in whose place a folder lies, `unknown` where there is none of that name."""
    claimed = returns.claimed_id(Path(folder))[1]
    return claimed if claimed in hospitals() else UNKNOWN


@dataclass
class Worker:
    """Who works a stage, and what with."""

    settings: Settings
    ledger: Ledger
    lake: Lake
    vault: Vault
    pseudonyms: Pseudonyms
    watch: Callable[[str], None] = quiet

    @contextmanager
    def hospital(self, center: str) -> Iterator[Lease]:
        """The right to work on a hospital's deliveries."""
        with self.ledger.hospital(center) as lease:
            try:
                yield lease
            finally:
                shutil.rmtree(self._copies(center), ignore_errors=True)

    def alone(self) -> AbstractContextManager[Lease]:
        """The right to be the only one at work on silver and gold. Taken after a hospital's, never before it."""
        return self.ledger.hold("engine")

    def staging(self, delivery: Delivery) -> Path:
        """The private folder of a delivery that is being worked on."""
        return self.settings.staging / delivery.delivery_id

    def _copies(self, center: str) -> Path:
        """Where deliveries of a hospital are put that have to be fetched; whoever holds its lease works there, and leaves nothing."""
        return self.settings.staging / "landing" / center

    def at_hand(self, folder: str) -> Path:
        """The folder of a delivery as its files can be read, while its hospital is held."""
        if is_remote(folder):
            self.settings.make_staging()
        return intake.at_hand(folder, self._copies(hospital_of(folder)))

    def write(self, report: Report, *, aside: str | None = None) -> None:
        """Write a return report, with the patients that its hospital is asked to send again."""
        report.send_again = self.ledger.asked_again(report.center, report.delivery_id) if aside is None else []
        returns.write(self.settings.lake, report, aside=aside)


@contextmanager
def at_work(settings: Settings, watch: Callable[[str], None] = quiet, *, create: bool = True) -> Iterator[Worker]:
    """A worker on the lake, which is made when `create`; WrongUse without the lake's platform key, or when it is of another version."""
    pseudonyms = Pseudonyms(settings.platform_key())
    with closing(Ledger(settings, create=create)) as ledger:
        ledger.hold_to_key(pseudonyms.fingerprint(), first=True)
        with closing(Vault(settings)) as vault:
            yield Worker(settings, ledger, Lake.of(settings), vault, pseudonyms, watch)
