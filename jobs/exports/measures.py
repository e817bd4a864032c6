"""Measures: a mean or a median of one column, whose patients with a value are counted beside it, or one count of patients by another."""

import re

from jobs.exports.steps import ATTRIBUTE, CUT_SHORT, Step, named
from jobs.query import NO_WORDS
from quality.contracts import contracts

# The columns by which the gate counts, beside what was asked, the patients and the rows with a value.
BEHIND = "gate_"
PEOPLE, ROWS = BEHIND + "people_of_", BEHIND + "rows_of_"
FUNCTIONS = (
    r"avg|mean|median|std|stddev|stddev_samp|stddev_pop|variance|var_samp|var_pop|percentile|percentile_approx|approx_percentile"
)
CALL = re.compile(rf"\b(?:{FUNCTIONS})\s*\(", re.IGNORECASE)
ITEM = re.compile(r"(?P<made>.*\))\s+(?:as\s+)?`?(?P<name>\w+)`?\s*", re.IGNORECASE | re.DOTALL)
PATIENT = re.compile(r"\bcount\s*\(\s*distinct\s[^)]*?((?:\w+\s*\.\s*)?(?:patient|subject)_id)\b", re.IGNORECASE)
MADE = re.compile(
    rf"(?:{FUNCTIONS})\((?P<of>(?:[^,()]|\((?:[^()]|\([^()]*\))*\))*)(?:, cast\((?P<at>[0-9.]+) as double\)(?:, (?:\d+|false))*)?\)"
)
ROUNDED = re.compile(r"(?:round\((?P<rounded>.*), \d\)|cast\((?P<cast>.*) as (?:double|float|decimal\(\d+,\d+\))\))")
# Nearer to the least and the most a quantile is the value of one.
LEAST_BEYOND = 0.049
# A value of a patient as it stands, the difference of two, and the least, the most or the mean of their own rows: a sum grows with rows that a
# join gives to one of them.
ONE = r"(?:cast\()?\w+#\d+L?(?: as \w+\))?"
AS_IT_STANDS = re.compile(
    rf"{ONE}|\({ONE} - {ONE}\)|(?:datediff|date_diff|months_between)\({ONE}, {ONE}(?:, true, Some\([\w/:+-]*\))?\)|(?:min|max|avg)\({ONE}\)"
)
OUTER = ("LeftOuter", "RightOuter", "FullOuter")
OF_COUNTS = re.compile(r"(?:[0-9.]+ \* )?§(\d+) / §(\d+)(?: \* [0-9.]+)?")
NO_CHANGE = re.compile(r"cast\(| as (?:double|bigint|int|decimal\(\d+,\d+\))|[()]")


def with_people(query: str) -> str:
    """The query with two more columns for each measure: how many patients have a value of it, and how many rows.

    A query in which we do not find the measures, or those who are counted, is left as it is: its measures are refused then.
    """
    bare = NO_WORDS.sub(lambda each: re.sub(r"[^\s]", "_", each[0]), query)
    begin, end = _selected(bare)
    patient = PATIENT.search(bare, begin, end)
    if patient is None:
        return query
    more = [
        f", count(DISTINCT {patient[1]}) FILTER (WHERE ({of}) IS NOT NULL) AS {PEOPLE}{name}, count({of}) AS {ROWS}{name}"
        for name, of in _measured(query, bare, begin, end)
    ]
    return query[:end] + "".join(more) + " " + query[end:]


def _selected(bare: str) -> tuple[int, int]:
    """Where the columns of the outermost SELECT stand."""
    begin, depth = 0, 0
    for word in re.finditer(r"[()]|\bselect\b|\bdistinct\s+from\b|\bfrom\b", bare, re.IGNORECASE):
        depth += (word[0] == "(") - (word[0] == ")")
        if depth == 0 and word[0].lower() == "select":
            begin = word.end()
        if depth == 0 and begin and word[0].lower() == "from":
            return begin, word.start()
    return 0, 0


def _measured(query: str, bare: str, begin: int, end: int) -> list[tuple[str, str]]:
    """The measures among the selected columns, and what each is taken of."""
    found, start, depth = [], begin, 0
    for at in range(begin, end):
        depth += (bare[at] == "(") - (bare[at] == ")")
        if at == end - 1 or (depth == 0 and bare[at] == ","):
            stop = at if bare[at] == "," else end
            item, call = ITEM.fullmatch(bare, start, stop), CALL.search(bare, start, stop)
            if item and call:
                found.append(
                    (
                        query[item.start("name") : item.end("name")].strip("`"),
                        query[call.end() : _argument_end(bare, call.end())].strip(),
                    )
                )
            start = at + 1
    return found


def _argument_end(bare: str, begin: int) -> int:
    depth = 0
    for at in range(begin, len(bare)):
        if depth == 0 and bare[at] in ",)":
            return at
        depth += (bare[at] == "(") - (bare[at] == ")")
    return begin


def unmeasured(name: str, made: str, columns: dict[str, str], counts: tuple[str, ...], below: list[Step]) -> list[str]:
    """Why a number is no measure of everybody in a row who has a value, in a sentence; nothing where it is one."""
    if parts_of(made, columns, counts):
        return []
    measure = MADE.fullmatch(_unrounded(made))
    if measure is None or quantile(made) < LEAST_BEYOND:
        return [
            f"Expected {name} to be avg, median, stddev or percentile(…, 0.25) of one column, or a count divided by another that --count names too, "
            "found another number, perhaps the value of one person: write it so, and scale it afterwards."
        ]
    of = measure["of"]
    if not _stands_as_it_is(of, below):
        return [
            f"Expected {name} to be of a column as it stands, or of the days between two, found one that was computed, or one of yes and no: "
            "count patients in place of a share, choose patients with WHERE, and name columns in place of * in WITH and subqueries."
        ]
    if any(step.name == "Join" and step.told.startswith(OUTER) for step in below):
        return [
            f"Expected INNER and LEFT SEMI joins alone beside {name}, found another, by which it may be of fewer patients than are counted: "
            "export it by itself, of those who have it."
        ]
    if not _people_counted(name, of, columns):
        return [
            f"Expected the patients with a value of {name} to be countable, found no column for it: write avg(column) AS {name} in the outermost SELECT, beside count(DISTINCT patient_id)."
        ]
    return []


def parts_of(made: str, columns: dict[str, str], counts: tuple[str, ...]) -> tuple[str, ...]:
    """The two counts of patients, by name, of which a share is made; nothing for another number."""
    bare = _unrounded(made)
    for at, name in sorted(enumerate(counts), key=lambda each: -len(columns.get(each[1], ""))):
        bare = bare.replace(columns[name], f"§{at}") if columns.get(name) else bare
    found = OF_COUNTS.fullmatch(NO_CHANGE.sub("", bare))
    return (counts[int(found[1])], counts[int(found[2])]) if found else ()


def quantile(made: str) -> float:
    """The part of the patients below a quantile, or above it where that is less; a half for a mean."""
    measure = MADE.fullmatch(_unrounded(made))
    at = float(measure["at"]) if measure and measure["at"] else 0.5
    return min(at, 1 - at)


def _unrounded(made: str) -> str:
    while (found := ROUNDED.fullmatch(made)) and _balanced(inner := found["rounded"] or found["cast"]):
        made = inner
    return made


def _balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _people_counted(name: str, of: str, columns: dict[str, str]) -> bool:
    people, rows = columns.get(PEOPLE + name, ""), columns.get(ROWS + name, "")
    told = re.fullmatch(r"count\(distinct (?:patient|subject)_id#\d+\) FILTER \(WHERE isnotnull\((.*)\)\)", people)
    if told is None or rows != f"count({told[1]})":
        return False
    return of in (told[1], f"cast({told[1]} as double)")


def _stands_as_it_is(of: str, below: list[Step]) -> bool:
    """True for a value that no condition of the query chose for some patients and not for others, and that is no yes or no."""
    selecting = [step for step in below if step.name in ("Project", "Aggregate", "Window")]
    if any(CUT_SHORT.search(step.told) for step in selecting) and not _of_gold(of, below):
        return False
    definitions = [named(item) for step in selecting for each in step.lists for item in each]
    seen: set[str] = set()
    waiting = [of]
    while waiting:
        made = waiting.pop()
        if not AS_IT_STANDS.fullmatch(made):
            return False
        for name in {_name(each) for each in ATTRIBUTE.findall(made)} - seen:
            seen.add(name)
            computed = [one for key, one in definitions if _name(key) == name and one != key]
            if name in columns_of_gold(yes_or_no=True) or not (computed or name in columns_of_gold()) or name in _unpacked(below):
                return False
            waiting += computed
    return True


def _of_gold(of: str, below: list[Step]) -> bool:
    """True where all of it are columns that a table of gold gives."""
    given = {each for step in below if step.name.endswith("Relation") for items in step.lists for each in items}
    return set(ATTRIBUTE.findall(of)) <= given


def _unpacked(below: list[Step]) -> set[str]:
    """What stood in lists."""
    return {_name(each) for step in below if step.name == "Generate" for each in step.lists[-1]}


def _name(attribute: str) -> str:
    return attribute.partition("#")[0].lower()


def columns_of_gold(*, yes_or_no: bool = False) -> frozenset[str]:
    """The columns of gold by name, all or those of yes and no alone."""
    tables = contracts("gold").values()
    return frozenset(each.name for table in tables for each in table.columns if not yes_or_no or each.type == "boolean")
