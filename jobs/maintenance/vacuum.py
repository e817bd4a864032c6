"""Files that no version of a table needs any more, deleted: those of commits that died, and those that a commit took out long enough ago."""

from deltalake import DeltaTable

from jobs import builds
from jobs.lake import Lake
from jobs.ledger import Fence
from quality import places

# Gold can be read as it was; of the others only whoever reads at this moment needs what was taken out.
KEPT_DAYS = {"gold": builds.KEPT_DAYS}
OTHERS_DAYS = 7


def vacuum(lake: Lake, zone: str, table: str, fence: Fence = lambda: None) -> int:
    """Delete the files of a table that are not needed any more, each after `fence` was asked; how many.

    By hand: delta-rs would make two commits of it, and everything that is made from the table would be made again for them.
    """
    found = DeltaTable(lake.path(zone, table))
    unneeded = found.vacuum(retention_hours=24 * KEPT_DAYS.get(zone, OTHERS_DAYS), dry_run=True, full=True)
    system, place = places.filesystem(places.folder(found))
    gone = [name for name in unneeded if name.endswith(".parquet") and "/" not in name]
    for name in gone:
        fence()
        system.delete_file(f"{place}/{name}")
    return len(gone)
