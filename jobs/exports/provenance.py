"""What a query counts, by the plan that Spark made of it: a number that was not counted over patients is no count of people."""

import re
from dataclasses import dataclass
from functools import cached_property

from quality.contracts import contracts

RELATION = re.compile(r"(?:^|[\s(:+-])(?:\w*Relation)(?: (\S+?))?\s*\[", re.MULTILINE)
PEOPLE = re.compile(
    r"count\(distinct (CASE WHEN (?:(?! THEN | WHEN ).)* THEN )?patient_id#\d+( (ELSE null )?END)?\)( FILTER ?\(WHERE .*\))?",
    re.IGNORECASE,
)
# These show the value of one person.
ONE_PERSON = re.compile(
    r"\b(min|max|first|last|any_value|mode|max_by|min_by|collect_\w+|array_agg|listagg|string_agg|histogram\w*)\("
)
QUANTILE = re.compile(r"\b(?:percentile\w*|approx_percentile|quantile\w*)\((?:[^,()]|\([^()]*\))*, (?:cast\()?([0-9.]+)")
LOW, HIGH = 0.05, 0.95
PASSING = ("Sort", "Filter", "GlobalLimit", "LocalLimit", "SubqueryAlias", "Distinct", "Offset")
ATTRIBUTE = re.compile(r"[^\s(),+*/<>=-]*#\d+L?")


@dataclass(frozen=True)
class Plan:
    """The analysed plan of a query, as EXPLAIN EXTENDED writes it."""

    text: str

    @classmethod
    def of(cls, explained: str) -> "Plan":
        """The analysed part of what EXPLAIN EXTENDED says."""
        return cls(explained.partition("== Analyzed Logical Plan ==\n")[2].partition("== Optimized Logical Plan ==")[0])

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """What it reads: `gold.endpoint`; a file that bears no name of a table as `?`."""
        found = {match[1] or "?" for match in RELATION.finditer(self.text) if "LocalRelation" not in match[0]}
        return tuple(sorted(each.removeprefix("spark_catalog.") for each in found))

    @cached_property
    def lines(self) -> list[str]:
        """The steps of the query itself, the last one first, without what WITH names."""
        steps = self.text.partition("\n")[2].splitlines()
        if steps and steps[0].startswith("WithCTE"):
            steps = steps[next((at for at, line in enumerate(steps) if line.startswith("+- ")), 0) :]
        return [re.sub(r"^[\s:+-]*", "", line) for line in steps]

    @cached_property
    def columns(self) -> "dict[str, str] | None":
        """What each column of the result is made of, seen through renaming; None where the rows are not grouped by the query."""
        above: list[str] | None = None
        for line in self.lines:
            step, _, rest = line.partition(" ")
            if step == "Aggregate":
                made = dict(map(_named, _items(_lists(rest)[-1])))
                return {_bare(key): value for key, value in (made if above is None else _through(above, made)).items()}
            if step == "Project":
                items = _items(_lists(rest)[-1])
                above = items if above is None else above
            elif step not in PASSING:
                return None
        return None

    @cached_property
    def groups(self) -> frozenset[str]:
        """What the rows are grouped by."""
        line = next(line for line in self.lines if line.startswith("Aggregate "))
        lists = _lists(line.partition(" ")[2])
        return frozenset(_items(lists[0])) if len(lists) > 1 else frozenset()


def unfounded(plan: Plan, counts: tuple[str, ...], measures: tuple[str, ...]) -> list[str]:
    """Why the numbers of a query are no counts and measures of patients, each in a sentence; nothing where they are."""
    strange = [
        each for each in plan.tables if each.removeprefix("gold.") not in contracts("gold") or not each.startswith("gold.")
    ]
    if strange:
        return [f"Expected tables of gold alone, found {strange[0]}: only what gold knows may leave."]
    if plan.tables and not any(_knows_people(each.removeprefix("gold.")) for each in plan.tables):
        return []
    if re.search(r" AS patient_id#", plan.text):
        return ["Expected patient_id to be that of gold, found another column under its name: rename it."]
    columns = plan.columns
    if columns is None:
        return ["Expected SELECT …, count(DISTINCT patient_id) … GROUP BY … as the outermost query, found another: write it so."]
    found = [
        f"Expected {name} to be count(DISTINCT patient_id), with a condition where needed, found another number: count patients."
        for name in counts
        if not PEOPLE.fullmatch(columns.get(name, ""))
    ]
    for name, made in columns.items():
        if name in measures:
            found += _one_person(name, made)
        elif name not in counts and not _groups(plan, made):
            found.append(
                f"Expected {name} to be grouped by, or a fraction, found another number: cast a median AS double, name counts of patients with --count."
            )
    return found


def _groups(plan: Plan, made: str) -> bool:
    """True for an expression that is grouped by, or made of such alone."""
    attributes = set(ATTRIBUTE.findall(made))
    return made in plan.groups or attributes <= plan.groups


def _one_person(name: str, made: str) -> list[str]:
    extreme = [float(each) for each in QUANTILE.findall(made)]
    if ONE_PERSON.search(made) or any(not LOW <= each <= HIGH for each in extreme):
        return [
            f"Expected {name} to tell of everybody in a row, found the value of one person in it: take a mean, a median or a share."
        ]
    return []


def _knows_people(table: str) -> bool:
    return any(column.sensitivity == "identifier" for column in contracts("gold")[table].columns)


def _lists(text: str) -> list[str]:
    """The lists in brackets of a step."""
    found, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        if sign == "[":
            depth += 1
            start = at + 1 if depth == 1 else start
        elif sign == "]":
            depth -= 1
            if depth == 0:
                found.append(text[start:at])
    return found or [""]


def _items(text: str) -> list[str]:
    """What stands between the commas of a list, brackets kept whole."""
    found, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()]


def _named(item: str) -> tuple[str, str]:
    """The attribute that an expression gives (`n#7L`), and the expression."""
    made, _, name = item.rpartition(" AS ")
    return (name, made) if made else (item, item)


def _through(above: list[str], made: dict[str, str]) -> dict[str, str]:
    """The columns of a step in terms of what the one below it is made of."""
    return {name: ATTRIBUTE.sub(lambda each: made.get(each[0], each[0]), told) for name, told in map(_named, above)}


def _bare(attribute: str) -> str:
    return attribute.rpartition("#")[0] or attribute
