"""The drugs of a line by the names that everybody uses. A name that is not known may be free text, and is not told."""

import re
import unicodedata
from functools import cache

UNNAMED = "another drug"
ATC = re.compile(r"L0[1-4][A-Z]{2}\d{2}")
SUPPORTIVE = ("folin", "levofolin", "leucovor", "mesna", "zoledron", "denosumab")


def regimen(drugs: list[str]) -> str:
    """`cisplatin + gemcitabine`: every drug once, in alphabetical order, those without a name last."""
    named = {name for drug in drugs if (name := _name(drug)) is not None}
    return " + ".join(sorted(named, key=lambda name: (name == UNNAMED, name))) or UNNAMED


def _name(drug: str) -> str | None:
    """The usual name of a drug; None for one that is given beside it."""
    plain = unicodedata.normalize("NFKD", drug).encode("ascii", "ignore").decode().lower().strip()
    if plain.startswith(SUPPORTIVE):
        return None
    words = re.findall(r"[a-z0-9]+", plain)
    tries = ("".join(words), *words)
    return next((known for each in tries if (known := _known().get(each.removesuffix("e")))), UNNAMED)


@cache
def _known() -> dict[str, str]:
    """The usual name by every spelling, without the e at its end that French adds."""
    from jobs.gold._drugs import DRUGS

    return {other.lower().replace(" ", "").removesuffix("e"): name for name, others in DRUGS.items() for other in (name, *others)}
