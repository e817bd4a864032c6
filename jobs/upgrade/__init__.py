"""Bring a lake to the format of this version: the migrations it has not seen, in order, alone in the lake.

Cut short, it is run again: what a migration does to tables and vault may be done twice, and the ledger's part of it and the new number
of the format are one transaction, the last. From the first change until then the ledger says `1 to 2`, which no version works on.
"""

import os
from collections.abc import Callable
from contextlib import closing

from jobs import audit
from jobs.errors import WrongUse
from jobs.failpoint import failpoint
from jobs.hospitals import hospitals
from jobs.lake import Lake
from jobs.landing.vault import Vault
from jobs.ledger import Fence, Format, Ledger, formats
from jobs.settings import Settings
from jobs.upgrade.migrations import MIGRATIONS, Migration
from quality.address import is_remote

__all__ = ["MIGRATIONS", "Migration", "due", "to_make_again", "upgrade"]

Watch = Callable[[str], None]


def due(settings: Settings) -> list[Migration]:
    """The migrations that a lake has not seen, in order; WrongUse for a lake that a newer version has made."""
    with closing(Ledger(settings, create=False, older=True)) as ledger:
        return _after(ledger.format)


def to_make_again(settings: Settings) -> list[str]:
    """The silver tables whose new columns are empty until `pscc rebuild silver`."""
    with closing(Ledger(settings, create=False, older=True)) as ledger, ledger.engine.begin() as connection:
        return formats.grown(connection)


def upgrade(settings: Settings, by: str, watch: Watch = lambda _: None) -> list[Migration]:
    """Carry out what is due, once nobody works on the lake any more, and give it; nothing where nothing is due.

    WrongUse for a lake that a newer version has made.
    """
    if not by.strip():
        raise WrongUse("Expected who upgrades the lake, found nobody: give --by NAME.")
    with closing(Ledger(settings, create=False, older=True)) as ledger:
        if not _after(ledger.format):
            return []
        _check_audit(settings)
        watch("waiting until nobody works on the lake")
        with ledger.alone(hospitals()) as fence, closing(Vault(settings)) as vault:
            # Somebody else may have upgraded it meanwhile.
            formats.refuse_newer(ledger.format, settings.lake)
            wanted = _after(ledger.format)
            work = _Work(settings, ledger, vault, fence, by, watch)
            for each in wanted:
                work.do(each)
    return wanted


def _after(found: Format) -> list[Migration]:
    return [each for each in MIGRATIONS if each.number > found.number]


def _check_audit(settings: Settings) -> None:
    """WrongUse where the audit could not be written: better said now than after the tables have changed."""
    if is_remote(settings.lake):
        settings.platform_key()
    folder = audit.place(settings).parent
    if folder.is_dir() and not os.access(folder, os.W_OK):
        raise WrongUse(
            f"Expected to write the audit into {folder}, found it closed: work as its owner; of a lake in an object store it lies beside the "
            "platform key, so keep that in a folder that can be written to."
        )


class _Work:
    """One upgrade at work, alone in the lake."""

    def __init__(self, settings: Settings, ledger: Ledger, vault: Vault, fence: Fence, by: str, watch: Watch) -> None:
        self.settings, self.ledger, self.vault, self.fence = settings, ledger, vault, fence
        self.by, self.watch = by, watch

    def do(self, migration: Migration) -> None:
        """Carry out one migration."""
        self.watch(f"format {migration.number}: {migration.says}")
        self._say(Format(migration.number - 1, migration.number))
        failpoint("upgrade_begun")
        migration.tables(Lake.of(self.settings), self.fence, self._remember)
        failpoint("upgrade_tables")
        self.fence()
        with self.vault.transaction() as tx:
            migration.vault(tx)
        failpoint("upgrade_vault")
        self._note(migration)
        self._end(migration)

    def _say(self, said: Format) -> None:
        self.fence()
        with self.ledger.engine.begin() as connection:
            formats.write(connection, said)

    def _remember(self, names: list[str]) -> None:
        # Before the tables change: after a crash nothing would tell that they lacked anything.
        with self.ledger.engine.begin() as connection:
            formats.note_grown(connection, names)

    def _end(self, migration: Migration) -> None:
        self.fence()
        with self.ledger.engine.begin() as connection:
            migration.ledger(connection)
            formats.write(connection, Format(migration.number))
            failpoint("upgrade_ledger")

    def _note(self, migration: Migration) -> None:
        """One line in the audit; one cut short afterwards has it already."""
        said = {"act": "upgrade", "request": f"format {migration.number}"}
        newest = audit.lines(self.settings)[-1:]
        if newest and said.items() <= newest[0].items():
            return
        audit.note(self.settings, self.vault, who=self.by, purpose=migration.says, rows=0, **said)
