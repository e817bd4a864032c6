"""The catalogue as an analyst asks for it: which tables there are, and what their columns mean."""

from jobs.errors import WrongUse
from jobs.lake import Lake
from quality import places
from quality.contract import Table
from quality.contracts import contracts


def tables(lake: Lake) -> list[tuple[str, str, int]]:
    """Name, grain and rows of every table of gold that was built."""
    known = contracts("gold")
    return [(each.address, each.grain, _rows(lake, each.name)) for each in known.values() if lake.exists("gold", each.name)]


def _rows(lake: Lake, name: str) -> int:
    found = places.dataset(lake.table("gold", name))
    return found.count_rows() if found else 0


def table(address: str) -> Table:
    """A table by its address, `gold.endpoint` or `endpoint`; WrongUse for one that no contract declares."""
    layer, _, name = address.rpartition(".")
    known = {"silver": contracts("silver"), "gold": contracts("gold"), "teaching": contracts("teaching")}
    found = known.get(layer or "gold", {}).get(name)
    if found is None:
        raise WrongUse(f"Expected the name of a table like gold.endpoint, found {address!r}: see `pscc tables`, or docs/tables/.")
    return found
