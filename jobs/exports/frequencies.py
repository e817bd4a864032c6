"""Gene frequencies: the table of gold whose rows hold counts of patients themselves, so that a query of it groups nobody."""

import re

from jobs.exports.measures import parts_of
from jobs.exports.steps import CUT_SHORT, Step, conjuncts, named

TABLE = "gold.gene_frequency"
TESTED, ALTERED = "persons_tested", "persons_altered"
# One row for each of these; `all` stands over the others of its column.
GROUPS = ("gene", "center", "tumor_group")
LEVELS = GROUPS[1:]
# How Spark writes such a query: texts stand in it without quotes, and hold no bracket and no `#`.
WRITTEN = re.compile(r"(?:GlobalLimit |LocalLimit |Sort )*Project Filter (?:SubqueryAlias )+Relation ")
GENE = re.compile(r"\(?gene#\d+ = [^#()]*\)?|gene#\d+ IN \([^#()]*\)|gene#\d+ R?LIKE [^#()]*")
OF_ONE = re.compile(
    r"\(?(?P<one>\w+)#\d+ = [^#()]*\)?|NOT \((?P<parts>\w+)#\d+ = all\)|(?P<some>\w+)#\d+ IN \((?P<texts>[^#()]*)\)"
)
MANY = re.compile(rf"\(?{TESTED}#\d+L (?:>= cast\(11|> cast\(10) as bigint\)\)?")
WRITE = (
    f"Expected rows of {TABLE} as they stand, for one choice of center and one of tumor_group, found another query: write "
    f"SELECT gene, {TESTED} AS n, {ALTERED} AS altered FROM {TABLE} WHERE center = 'all' AND tumor_group = 'all' "
    "(or <> 'all', and select it), with --count n --count altered."
)


def columns(top: Step) -> dict[str, str]:
    """What each column of the result is made of."""
    selected = next((step for step in top.all() if step.name == "Project"), None)
    return {name.rpartition("#")[0]: made for name, made in map(named, selected.lists[-1])} if selected else {}


def unfounded(top: Step, counts: tuple[str, ...]) -> list[str]:
    """Why a query of gene frequencies gives other numbers than its counts of patients, in a sentence; nothing where it does not."""
    steps, shown = list(top.all()), columns(top)
    if not WRITTEN.fullmatch("".join(f"{_kind(step)} " for step in steps)) or any(CUT_SHORT.search(step.told) for step in steps):
        return [WRITE]
    conditions = next(conjuncts(step.told) for step in steps if step.name == "Filter")
    of_patients = tuple(_column(shown.get(name, "")) for name in counts) in ((TESTED,), (TESTED, ALTERED))
    others = {name: made for name, made in shown.items() if name not in counts}
    if (
        of_patients
        and _is_of_one_level(conditions)
        and all(_column(made) in GROUPS or parts_of(made, shown, counts) for made in others.values())
    ):
        return []
    return [WRITE]


def _kind(step: Step) -> str:
    return "Relation" if step.name.endswith("Relation") else step.name


def _column(made: str) -> str:
    """The column of gold that an expression is, as it stands."""
    return re.sub(r"#\d+L?$", "", made)


def _is_of_one_level(conditions: list[str]) -> bool:
    """True where no row of the result stands over others of it: a total less all parts but one tells of that one."""
    chosen = {column for each in conditions if (column := _level(each))}
    return chosen == set(LEVELS) and all(_level(each) or GENE.fullmatch(each) or MANY.fullmatch(each) for each in conditions)


def _level(condition: str) -> str:
    """The column of which a condition leaves one text, or none that stands over others; empty for another condition."""
    found = OF_ONE.fullmatch(condition)
    if found is None or "all" in re.split(r",\s*", found["texts"] or ""):
        return ""
    column = found["one"] or found["parts"] or found["some"]
    return column if column in LEVELS else ""
