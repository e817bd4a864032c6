"""The steps of a plan: until the outermost GROUP BY, every row of every step has to be about one patient alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from quality.contracts import contracts

ATTRIBUTE = re.compile(r"[^\s()\[\],+*/<>=-]*#\d+L?")
PREFIX = re.compile(r"[\s:+-]*")
SOURCES = ("Relation", "CTERelationRef")
# What such a step gives of a row is of that row, or of rows of the same patient.
ROW_BY_ROW = (
    *("Project", "Filter", "SubqueryAlias", "View", "Distinct", "Sort"),
    *("WithCTE", "CTERelationDef", *SOURCES),
)
# What may stand over the rows of the groups.
ABOVE = ("Project", "Sort", "Filter", "GlobalLimit", "LocalLimit", "SubqueryAlias", "Distinct", "Offset")
CUT_SHORT = re.compile(r"\.\.\. \d+ more fields")
WRITE_INSTEAD = (
    "join by patient_id or tumor_id, group and number rows within a patient, and leave LIMIT, UNION, VALUES and samples out."
)


@dataclass(frozen=True)
class Step:
    """A step of a plan, and those whose rows it takes: plans of subqueries first, its own last."""

    name: str
    told: str
    below: list["Step"] = field(default_factory=list)

    def all(self) -> Iterator["Step"]:
        """The step and everything under it."""
        yield self
        for each in self.below:
            yield from each.all()

    @property
    def lists(self) -> list[list[str]]:
        """What stands between the commas of each of its lists in brackets."""
        return [items(each) for each in lists(self.told)]


def tree(lines: list[str]) -> Step:
    """The last step of a plan, with all others under it; the lines bear their depth before them."""
    top = Step("", "")
    open_steps = [(-1, top)]
    for line in lines:
        depth = len(PREFIX.match(line)[0])  # type: ignore[index]
        name, told = re.match(r"(\w*)(.*)", line[depth:]).groups()  # type: ignore[union-attr]
        while open_steps[-1][0] >= depth:
            open_steps.pop()
        step = Step(name, told.strip())
        open_steps[-1][1].below.append(step)
        open_steps.append((depth, step))
    return top.below[0] if top.below else top


def way_to_groups(top: Step) -> list[Step]:
    """The steps from the last one down to the outermost GROUP BY; none where the rows are not grouped at last."""
    way, step = [], top.below[-1] if top.name == "WithCTE" and top.below else top
    while step.name in ABOVE and step.below:
        way.append(step)
        step = step.below[-1]
    return [*way, step] if step.name == "Aggregate" else []


def of_several_patients(top: Step, below: list[Step], totalled: Step | None) -> list[str]:
    """Why a row below the outermost GROUP BY may tell of another patient than the one it counts, in a sentence; nothing where it cannot.

    `totalled` is the step that gives every row once more for each total.
    """
    mixing = [each for each in below if each is not totalled and not _keeps_to_a_patient(each)]
    if mixing or not all(map(_asks_for_patients, top.all())):
        found = mixing[0].name if mixing else "a subquery"
        return [
            f"Expected rows that are each about one patient until the outermost GROUP BY, found {found} that mixes them: {WRITE_INSTEAD}"
        ]
    return []


def patients(step: Step) -> frozenset[str]:
    """The attributes under a step that hold a patient, or something that belongs to one, as gold knows it."""
    sources = (each for each in step.all() if each.name in SOURCES or each.name.endswith("Relation"))
    return frozenset(attribute for each in sources for of in each.lists for attribute in of if _is_identifier(attribute))


def _of_tables(step: Step) -> set[str]:
    """The attributes of the tables under a step, as they stand there."""
    return {attribute for each in step.all() if each.name.endswith("Relation") for attribute in each.lists[0]}


def known_patients(top: Step) -> frozenset[str]:
    """The attributes that hold a patient, or something that belongs to one, traced through WITH to a table of gold."""
    known = set(filter(_is_identifier, _of_tables(top)))
    steps = list(top.all())
    references = [step for step in steps if step.name == "CTERelationRef"]
    # One may ask for another.
    definitions = [step for step in steps if step.name == "CTERelationDef"]
    for definition in definitions * len(definitions):
        made = _selected(definition)
        for step in references:
            if step.told.partition(",")[0] == definition.told.partition(",")[0]:
                known |= {name for name, item in zip(step.lists[0], made, strict=False) if item in known and _is_identifier(name)}
    return frozenset(known)


def _selected(step: Step) -> list[str]:
    """The columns that the first SELECT under a step gives."""
    while step.below and step.name not in ("Project", "Aggregate"):
        step = step.below[-1]
    return step.lists[-1]


def _is_identifier(attribute: str) -> bool:
    return attribute.partition("#")[0] in identifiers()


@cache
def identifiers() -> frozenset[str]:
    """The columns of gold that hold a patient, or something that belongs to one."""
    tables = contracts("gold").values()
    return frozenset(column.name for table in tables for column in table.columns if column.sensitivity == "identifier")


def _keeps_to_a_patient(step: Step) -> bool:
    if step.name == "Join":
        return _joins_patients(step)
    if step.name == "Aggregate":
        return len(step.lists) > 1 and bool(patients(step) & set(step.lists[0]))
    if step.name == "Window":
        return len(step.lists) > 1 and bool(patients(step) & set(step.lists[1]))
    if step.name == "Generate":
        # Of a list that the query makes itself, here or in a subquery, rows for a total could come that looks like a group.
        exploded = re.match(r"explode(?:_outer)?\((\w+#\d+)\),", step.told)
        return exploded is not None and exploded[1] in _of_tables(step)
    return step.name in ROW_BY_ROW or (step.name.endswith("Relation") and step.name not in ("LocalRelation", "OneRowRelation"))


def _joins_patients(step: Step) -> bool:
    """True where nothing is joined that does not belong to the same patient."""
    left, right = map(patients, step.below[-2:])
    condition = step.told.partition(", ")[2]
    for each in conjuncts(condition):
        one, equal, other = each.strip("()").partition(" = ")
        if equal and ({one, other} & left) and ({one, other} & right) and one != other:
            return True
    return False


def conjuncts(condition: str) -> list[str]:
    """The conditions that must all hold."""
    inner = condition[1:-1] if condition.startswith("(") and _closes(condition) == len(condition) - 1 else condition
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(inner):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and inner.startswith(" AND ", at):
            parts.append(inner[start:at])
            start = at + len(" AND ")
    if not parts:
        return [condition]
    return [each for part in (*parts, inner[start:]) for each in conjuncts(part)]


def _closes(text: str) -> int:
    """Where the first bracket of a text is closed."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return at
    return len(text)


def _asks_for_patients(step: Step) -> bool:
    """False where a condition or a value hangs on a subquery that is not asked for the patient of the row."""
    if re.search(r"scalar-subquery#|exists#|\blateral\b|outer\(", step.told):
        return False
    own = rf"(?:{'|'.join(sorted(identifiers()))})#\d+"
    asked = rf"(?<![\w.]){own} IN \(list#|named_struct\((?:[^()]*, )?{own}(?:, [^()]*)?\) IN \(list#"
    return len(re.findall(r"\(list#", step.told)) == len(re.findall(asked, step.told))


def lists(text: str) -> list[str]:
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


def items(text: str) -> list[str]:
    """What stands between the commas of a list, brackets kept whole."""
    found, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()]


def named(item: str) -> tuple[str, str]:
    """The attribute that an expression gives (`n#7L`), and the expression."""
    made, _, name = item.rpartition(" AS ")
    return (name, made) if made else (item, item)
