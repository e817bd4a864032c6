"""The migrations, one a format: a sentence, and what becomes of tables, vault and ledger.

A migration that was released is not changed any more, and may be done twice: it looks at what is there. Vault and ledger get a
transaction each. `docs/upgrades.md` says how to write one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from jobs.lake import Lake
from jobs.ledger import Fence, schema
from jobs.upgrade.tables import Remember, grow


def _nothing(_: Connection) -> None:
    """Leaves a database as it is."""


def _no_tables(_lake: Lake, _fence: Fence, _remember: Remember) -> None:
    """Leaves tables as they are."""


@dataclass(frozen=True)
class Migration:
    """What brings a lake of the format before to `number`."""

    number: int
    says: str
    # Delta commits, each asking the fence first; silver tables that are to be made again are remembered before.
    tables: Callable[[Lake, Fence, Remember], None] = _no_tables
    vault: Callable[[Connection], None] = _nothing
    ledger: Callable[[Connection], None] = _nothing


def _tables_that_came_since(connection: Connection) -> None:
    schema.METADATA.create_all(connection)


MIGRATIONS = (
    Migration(
        2,
        "Ledger and vault get the tables that came since, and tables of the lake the columns that their declarations have gained.",
        tables=grow,
        # The vault makes its own when it is opened.
        ledger=_tables_that_came_since,
    ),
)
