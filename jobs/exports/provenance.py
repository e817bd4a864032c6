"""What a query counts, by the plan that Spark made of it: a number that was not counted over patients is no count of people."""

import re
from dataclasses import dataclass
from functools import cached_property

from jobs.exports import frequencies
from jobs.exports.measures import BEHIND, columns_of_gold, unmeasured
from jobs.exports.output import LEAST
from jobs.exports.steps import (
    ATTRIBUTE,
    CUT_SHORT,
    Step,
    conjuncts,
    identifiers,
    items,
    known_patients,
    lists,
    named,
    of_several_patients,
    tree,
    way_to_groups,
)
from quality.contracts import contracts

RELATION = re.compile(r"(?:^|[\s(:+-])(?:\w*Relation)(?: (\S+?))?\s*\[", re.MULTILINE)
PEOPLE = re.compile(
    r"count\(distinct (CASE WHEN (?:(?! THEN | WHEN ).)* THEN )?(?:patient|subject)_id#\d+( (ELSE null )?END)?\)( FILTER ?\(WHERE .*\))?",
    re.IGNORECASE,
)
# What may be made of groups: nothing that counts their rows.
SCALARS = frozenset(
    [
        *("coalesce", "cast", "concat", "upper", "lower", "trim", "round", "floor", "ceil", "if", "isnull", "isnotnull"),
        *("year", "month", "quarter", "trunc", "date_trunc", "date_format", "not", "in", "and", "or", "shiftright"),
        # Before a bracket too.
        *("when", "then", "else", "case"),
    ]
)
# What a condition over the groups may ask: that nobody would be shown of the others.
MANY = re.compile(rf"\(?(?:§|cast\(§ as bigint\)) (?:>= cast\({LEAST} as bigint\)|> cast\({LEAST - 1} as bigint\))\)?")


@dataclass(frozen=True)
class Plan:
    """The analysed plan of a query, as EXPLAIN EXTENDED writes it."""

    text: str

    @classmethod
    def of(cls, explained: str) -> "Plan":
        """The analysed part of what EXPLAIN EXTENDED says."""
        text = explained.partition("== Analyzed Logical Plan ==\n")[2].partition("== Optimized Logical Plan ==")[0]
        # Spark writes a name as the query does.
        return cls(re.sub(rf"(?i)(?<![\w.])(?:{'|'.join(identifiers())})#", lambda each: each[0].lower(), text))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """What it reads: `gold.endpoint`; a file that bears no name of a table as `?`."""
        found = {match[1] or "?" for match in RELATION.finditer(self.text) if "LocalRelation" not in match[0]}
        return tuple(sorted(each.removeprefix("spark_catalog.") for each in found))

    @cached_property
    def top(self) -> Step:
        """The last step of the query, with all others under it."""
        return tree(self.text.partition("\n")[2].splitlines())

    @cached_property
    def way(self) -> list[Step]:
        """The steps from the last one down to the outermost GROUP BY."""
        return way_to_groups(self.top)

    @cached_property
    def below(self) -> list[Step]:
        """The steps under the outermost GROUP BY, and those of subqueries."""
        way = {id(each) for each in self.way}
        return [each for each in self.top.all() if id(each) not in way]

    @cached_property
    def grouped(self) -> dict[str, str]:
        """What each attribute over the groups is made of, seen through renaming."""
        made: dict[str, str] = {}
        for step in reversed(self.way):
            if step.name in ("Aggregate", "Project"):
                made |= {name: _through(made, one) for name, one in map(named, step.lists[-1])}
        return made

    @cached_property
    def columns(self) -> "dict[str, str] | None":
        """What each column of the result is made of; None where the rows are not grouped by the query."""
        if self.holds_counts:
            return frequencies.columns(self.top)
        if not self.way:
            return None
        last = next(step for step in self.way if step.name in ("Aggregate", "Project"))
        return {_bare(name): self.grouped[name] for name, _ in map(named, last.lists[-1])}

    @cached_property
    def groups(self) -> frozenset[str]:
        """What the rows are grouped by."""
        found = self.way[-1].lists if self.way else []
        return frozenset(found[0]) if len(found) > 1 else frozenset()

    @cached_property
    def grouped_by(self) -> tuple[str, ...]:
        """The columns of gold by which the rows are grouped, whatever the query makes of them and calls them."""
        if self.holds_counts:
            return frequencies.GROUPS
        made = [named(item) for step in self.below if step.name in ("Project", "Aggregate") for of in step.lists for item in of]
        renamed = dict(made) | dict(each for step in self.below if step.name == "Expand" for each in _expanded(step))
        found: set[str] = set()
        seen: set[str] = set()
        waiting = list(self.groups)
        while waiting:
            one = waiting.pop()
            while renamed.get(one, one) != one:
                one = renamed.pop(one)
            for name in {_bare(each) for each in ATTRIBUTE.findall(one)} - seen:
                seen.add(name)
                more = [of for key, of in made if _bare(key) == name and of != key]
                waiting += more
                found |= {name.lower()} if not more or name.lower() in columns_of_gold() else set()
        return tuple(sorted(each for each in found - {"spark_grouping_id"} if "#" not in each))

    @property
    def holds_counts(self) -> bool:
        """True where the rows of gold are counts of patients themselves."""
        return self.tables == (frequencies.TABLE,)

    @cached_property
    def totals(self) -> bool:
        """True where rows stand over others, as ROLLUP and CUBE write them."""
        return bool(self.way) and any(each.startswith("spark_grouping_id#") for each in self.groups)

    @property
    def totalled(self) -> Step | None:
        """The step that gives every row once more for each total."""
        return self.way[-1].below[-1] if self.totals else None

    @property
    def selecting(self) -> list[Step]:
        """The steps by which the query computes columns under the outermost GROUP BY; the one that ROLLUP needs is none."""
        passed = self.totalled.below if self.totalled else []
        return [step for step in self.below if all(step is not each for each in passed)]

    def is_count(self, made: str) -> bool:
        """True for an expression that counts patients."""
        return PEOPLE.fullmatch(made) is not None


def unfounded(plan: Plan, counts: tuple[str, ...], measures: tuple[str, ...]) -> list[str]:
    """Why the numbers of a query are no counts and measures of patients, each in a sentence; nothing where they are."""
    strange = [
        each for each in plan.tables if each.removeprefix("gold.") not in contracts("gold") or not each.startswith("gold.")
    ]
    if strange:
        return [f"Expected tables of gold alone, found {strange[0]}: only what gold knows may leave."]
    if plan.holds_counts:
        return frequencies.unfounded(plan.top, counts)
    if plan.tables and not any(_knows_people(each.removeprefix("gold.")) for each in plan.tables):
        return [f"Expected a table of patients, found {plan.tables[0]}: its numbers may be of few, whom nobody can count here."]
    if _forged(plan):
        return [
            "Expected patient_id and other pseudonyms to be those of gold, found another column under such a name: rename it."
        ]
    columns = plan.columns
    if columns is None:
        return ["Expected SELECT …, count(DISTINCT patient_id) … GROUP BY … as the outermost query, found another: write it so."]
    if any(CUT_SHORT.search(step.told) for step in plan.way):
        return [
            "Expected at most 20 columns, two more for each measure, found more: Spark's plan does not tell the others, take several exports."
        ]
    found = of_several_patients(plan.top, plan.below, plan.totalled) + _over_groups(plan)
    found += [
        f"Expected {name} to be count(DISTINCT patient_id), with a condition where needed, found another number: count patients."
        for name in counts
        if name in columns and not plan.is_count(columns[name])
    ]
    if absent := [name for name in counts if name not in columns]:
        return [*found, f"Expected a column {absent[0]} that counts people, found none: name the count with --count."]
    for name, made in columns.items():
        if name in measures and _groups(plan, made):
            found.append(
                f"Expected {name}, which groups, to be a whole number, a text or a date, found a fraction: write CAST(… AS int) AS {name}."
            )
        elif name in measures:
            found += unmeasured(name, made, columns, counts, plan.selecting)
        elif name not in counts and not name.startswith(BEHIND) and not _groups(plan, made):
            found.append(
                f"Expected {name} to be grouped by, or a fraction, found another number: cast a median AS double, name counts of patients with --count. "
                "How many tumours, samples or lines there are does not leave: count who has them."
            )
    return found


def _forged(plan: Plan) -> bool:
    """True where a pseudonym's name is given to something that no table of gold holds."""
    known = known_patients(plan.top)
    return any(each[0] not in known for each in re.finditer(rf"(?<![\w.])(?:{'|'.join(identifiers())})#\d+L?", plan.text))


def _over_groups(plan: Plan) -> list[str]:
    """Why what is done to the rows of the groups tells of what is hidden in them."""
    above = plan.way[:-1]
    if plan.totals and any(step.name not in ("Project", "Sort", "SubqueryAlias", "Distinct") for step in above):
        return [
            "Expected all rows of a table with totals, found HAVING, WHERE or LIMIT over them: leave it out, --suppress hides small cells."
        ]
    if not all(_shows_many(plan, each) for step in above if step.name == "Filter" for each in conjuncts(step.told)):
        return [
            f"Expected HAVING count(DISTINCT patient_id) >= {LEAST} alone, found another condition over counts or measures: leave rows out afterwards."
        ]
    if not all(_is_shown(plan, step) for step in above if step.name == "Sort"):
        return ["Expected ORDER BY columns that are shown, found others: sort by groups or by a count of patients."]
    return []


def _shows_many(plan: Plan, condition: str) -> bool:
    """True for a condition over groups, and for one that leaves out only rows that would be refused."""
    made = [plan.grouped.get(each, each) for each in ATTRIBUTE.findall(condition)]
    if all(_groups(plan, each) for each in made):
        return True
    return len(made) == 1 and plan.is_count(made[0]) and bool(MANY.fullmatch(ATTRIBUTE.sub("§", condition)))


def _is_shown(plan: Plan, step: Step) -> bool:
    made = [plan.grouped.get(each, each) for item in step.lists[0] for each in ATTRIBUTE.findall(item)]
    return all(each in (plan.columns or {}).values() or _groups(plan, each) for each in made)


def _groups(plan: Plan, made: str) -> bool:
    """True for an expression that is grouped by, or made of such alone."""
    attributes = set(ATTRIBUTE.findall(made))
    return made in plan.groups or (attributes <= plan.groups and _scalar(made))


def _through(made: dict[str, str], expression: str) -> str:
    """An expression in terms of what its attributes are made of."""
    return ATTRIBUTE.sub(lambda each: made.get(each[0], each[0]), expression)


def _scalar(made: str) -> bool:
    return all(each.lower() in SCALARS for each in re.findall(r"(\w+)\s*\(", made))


def _expanded(step: Step) -> list[tuple[str, str]]:
    """The grouping columns that ROLLUP makes, and what of."""
    rows, given = lists(step.told)
    return [(name, one) for row in lists(rows) for name, one in zip(items(given), items(row), strict=False) if "#" in one]


def _knows_people(table: str) -> bool:
    return any(column.sensitivity == "identifier" for column in contracts("gold")[table].columns)


def _bare(attribute: str) -> str:
    return attribute.rpartition("#")[0] or attribute
