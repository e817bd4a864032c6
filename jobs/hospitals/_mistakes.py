"""What is wrong with the declaration of a hospital: all that could go wrong later, or in silence, is said when it is declared."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import get_args

from jobs.hospitals.feed import CENTER, DOMAINS, IDENTIFYING, SHARED, Column, Condition, Feed, Hospital, NullReason, Role
from quality.value_sets import VALUE_SETS

# What a file's name can have in braces.
PLACEHOLDERS = frozenset({"date", "number", "day", "yearmonth", "year", "month", "name"})
BIRTH = re.compile("birth|(?<!con)naiss", re.IGNORECASE)
EVENTS = {"oppose", "lift", "inform"}
# Where landing looks for the columns that are marked so.
LOOKED_FOR = {"sex": ("patient", "patient_link"), "scope": ("rights",), "opposed": ("rights",)}


def mistakes(hospital: Hospital) -> Iterator[str]:
    """Every mistake of a declaration as "<what is expected>, found <what is there>"."""
    yield from _identity(hospital)
    yield from _feeds(hospital)
    for feed in hospital.feeds:
        for mistake in _feed(feed, hospital):
            yield f"in the feed {feed.domain} {mistake}"
    yield from _codes(hospital)
    yield from _names(hospital)
    yield from _patient(hospital)
    yield from _rights(hospital)
    yield from _dialect(hospital)


def _naming(names: Iterable[str], expected: str) -> Iterator[str]:
    """A mistake that names what was found, where anything was."""
    if named := ", ".join(sorted(set(names))):
        yield f"{expected} {named}"


def _identity(hospital: Hospital) -> Iterator[str]:
    if not re.fullmatch(CENTER, hospital.center):
        yield f"a center of 2 to 20 lower-case letters and digits, found {hospital.center}"
    if not re.fullmatch("[0-9]{9}", hospital.finess):
        yield f"a FINESS number of 9 digits, found {hospital.finess!r}"


def _feeds(hospital: Hospital) -> Iterator[str]:
    """What holds for the feeds together."""
    domains = Counter(feed.domain for feed in hospital.feeds)
    parents = {column.parent for feed in hospital.feeds for column in feed.columns if column.parent}
    yield from _naming({"rights", "patient"} - domains.keys(), "the feeds rights and patient, found none of")
    known = f"feeds that are called as DOMAINS of jobs/hospitals/feed.py says ({', '.join(sorted(DOMAINS))}), found"
    yield from _naming(domains.keys() - DOMAINS, known)
    yield from _naming((domain for domain, times in domains.items() if times > 1), "every feed once, found twice")
    yield from _naming(parents - domains.keys(), "references (>) to feeds of its own, found")
    if hospital.archive is None:
        members = (feed.domain for feed in hospital.feeds if feed.member)
        yield from _naming(members, "an archive for feeds that are members, found none for")
    yield from _naming(set(hospital.always) - domains.keys(), "feeds of its own in `always`, found")
    if hospital.mode == "snapshot":
        others = (feed.domain for feed in hospital.feeds if feed.replaces not in ("all", "nothing"))
        yield from _naming(others, 'replaces="all" in every feed of a snapshot (or "nothing": it only adds), found another in')


def _feed(feed: Feed, hospital: Hospital) -> Iterator[str]:
    """What holds for the columns of any feed."""
    names = Counter(column.name for column in feed.columns)
    yield from _naming((name for name, times in names.items() if times > 1), "every column once, found twice")
    yield from _naming(set(_spoken_of(feed)) - names.keys(), "only columns of the feed to be spoken of, found")
    yield from _naming(
        (name for name in names if name.strip().lower() in IDENTIFYING),
        "no column named like an identifying value (every delivery would be quarantined: let the hospital rename it), found",
    )
    if not feed.key:
        yield "a column marked K, the key of a row, found none"
    if feed.format == "maf" and feed.domain != "variant":
        yield "a MAF file to be the feed variant, found another name"
    if feed.replaces == "parent" and not feed.strict_parents:
        yield "a reference `>feed!` beside that to the patient, whose rows are replaced, found none"
    yield from _naming(
        set(re.findall(r"\{(\w*)\}", feed.file)) - PLACEHOLDERS, f"{_listed(PLACEHOLDERS)} in braces in `file`, found"
    )
    unmarked = (column.name for column in feed.columns if column.is_time and not column.birth and BIRTH.search(column.name))
    yield from _naming(unmarked, "`birth` behind a date of birth, of which only the month may be kept, found none behind")
    yield from _naming((c.name for c in feed.columns if c.birth and not c.is_time), "`birth` behind dates only, found it behind")
    astray = (column.name for column in feed.columns if feed.domain not in LOOKED_FOR.get(column.role or "", (feed.domain,)))
    yield from _naming(astray, "`sex` only in patient, `scope` and `opposed` only in rights, found one behind")
    yield from _owner(feed)
    yield from _values(feed, hospital)


def _spoken_of(feed: Feed) -> Iterator[str]:
    yield from feed.only_from
    yield from (column.not_after for column in feed.columns if column.not_after)
    yield from (condition.column for condition in _conditions(feed))
    if feed.validation:
        yield feed.validation.column


def _conditions(feed: Feed) -> Iterator[Condition]:
    yield from (column.required_when for column in feed.columns if column.required_when)
    if feed.validation and feed.validation.only:
        yield feed.validation.only


def _owner(feed: Feed) -> Iterator[str]:
    """Rows whose patient is not known stay when that patient opposes."""
    pseudonyms = [column for column in feed.columns if column.type == "hash64"]
    patients = [column.name for column in feed.columns if column.parent == "patient"]
    if feed.patient is None and (pseudonyms or not (feed.strict_parents or feed.domain in SHARED)):
        yield "`>patient!` behind the column (hash64) that names the patient, or a strict reference to rows that have one, found none"
    if len(patients) > 1:
        yield f"one reference to the patient, found {', '.join(patients)}"
    if feed.domain == "identity_merge" and (
        len(pseudonyms) != 2 or not any(c.type in ("date", "timestamp") for c in feed.columns)
    ):
        yield "two columns of type hash64, the old one and the one that is kept, and the date of the merge, found others"


def _values(feed: Feed, hospital: Hospital) -> Iterator[str]:
    """Values that are spoken of are codes of their column, expressions can be read."""
    spoken = [(condition.column, condition.value) for condition in _conditions(feed) if condition.value]
    if feed.validation:
        spoken.append((feed.validation.column, feed.validation.value))
    declared = {column.name: column for column in feed.columns}
    for name, value in spoken:
        if name in declared and not _may_be(declared[name], value):
            yield f"a value of {name} that stands in its list, found {value}"
    for column in feed.columns:
        if column.pattern and not _is_readable(column.pattern):
            yield f"a regular expression behind ~, found another text behind {column.name}"


def _may_be(column: Column, value: str | None) -> bool:
    return not column.codes or value in column.codes


def _is_readable(expression: str) -> bool:
    try:
        re.compile(expression)
    except re.error:
        return False
    return True


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


def _marked(feed: Feed, role: Role, what: str) -> Iterator[str]:
    """A mistake unless exactly one column says that it is the one landing looks for: one that only looks like it may be another."""
    names = [column.name for column in feed.having(role)]
    if len(names) != 1:
        yield f"`{role}` behind the type of the one column of {feed.domain} that says {what}, found it behind {' and '.join(names) or 'none'}"


def _patient(hospital: Hospital) -> Iterator[str]:
    """By sex and month of birth the people whom a token links are held against each other."""
    known = hospital.means("person.sex")
    for feed in (feed for feed in hospital.feeds if feed.domain in ("patient", "patient_link")):
        tokens = [column.name for column in feed.columns if column.type == "token"]
        if len(tokens) > 1:
            yield f"at most one token in {feed.domain}, found {' and '.join(tokens)}"
        if feed.domain == "patient":
            yield from _marked(feed, "birth", "when the patient was born")
            yield from _marked(feed, "sex", "the sex of the patient")
        strange = (column.name for column in feed.having("sex") if column.codes and not set(column.codes) & known.keys())
        yield from _naming(
            strange, f"codes['person.sex'] to say what the codes of the sex become, found only {' | '.join(known)} for"
        )


def _rights(hospital: Hospital) -> Iterator[str]:
    """An opposition is read from columns that cannot be mistaken for others."""
    for rights in (feed for feed in hospital.feeds if feed.domain == "rights"):
        known = hospital.means("rights_register.scope")
        yield from _marked(rights, "scope", "what a patient objects to")
        strange = (code for column in rights.having("scope") for code in set(column.codes) - known.keys())
        yield from _naming(strange, "codes['rights_register.scope'] to say what every scope means, found nothing about")
        yield from _rights_of_events(rights, hospital) if hospital.newest_event_wins else _rights_of_list(rights)


def _rights_of_list(rights: Feed) -> Iterator[str]:
    yield from _marked(rights, "opposed", "whether the patient objects")
    yield from _naming(
        (c.name for c in rights.having("opposed") if c.type != "bool"), "`opposed` behind a `bool`, found it behind"
    )
    yield from _naming(
        (c.name for c in rights.having("scope") if not c.key), "the scope to be a key column (K) of rights, found no K behind"
    )
    if not any(column.key and column.type in ("date", "int") for column in rights.columns):
        yield "a date of the opposition among the key columns (K) of rights, found none"


def _rights_of_events(rights: Feed, hospital: Hospital) -> Iterator[str]:
    events = [column for column in rights.columns if "oppose" in column.codes]
    if len(events) != 1 or not set(events[0].codes) <= EVENTS:
        yield "one column of rights whose codes are oppose | lift | inform, found none, several, or other codes"
    instants = [column for column in rights.columns if column.type == "instant" and column.name != hospital.version_column]
    if len(instants) != 1:
        yield "one `instant` of rights that says when it happened, besides the version column, found none or several"


def _names(hospital: Hospital) -> Iterator[str]:
    """Columns that the hospital speaks of are columns of its feeds."""
    columns = [column for feed in hospital.feeds for column in feed.columns]
    names = {column.name for column in columns}
    deleted = hospital.deleted_when
    spoken_of = {*hospital.month_dates, *([hospital.version_column] if hospital.version_column else []), *(deleted or ())[:1]}
    yield from _naming(spoken_of - names, "version_column, deleted_when and month_dates to name columns of its feeds, found")
    if deleted and deleted[0] in names:
        meant = [column for column in columns if column.name == deleted[0]]
        known = hospital.true_values if meant[0].type == "bool" else [code for column in meant for code in column.codes]
        if known and deleted[1] not in known:
            yield f"a value of {deleted[0]} in deleted_when, found {deleted[1]}"


def _codes(hospital: Hospital) -> Iterator[str]:
    """Codes become values of silver, and what stands for no value has one of our reasons."""
    yield from _naming(hospital.codes.keys() - VALUE_SETS.keys(), "coded columns of silver as `table.column` in codes, found")
    for column, codes in hospital.codes.items():
        if column in VALUE_SETS:
            allowed = VALUE_SETS[column]
            yield from _naming(set(codes.values()) - allowed.keys(), f"codes of {column} to become {' | '.join(allowed)}, found")
    reasons = get_args(NullReason)
    yield from _naming(set(hospital.nulls.values()) - set(reasons), f"the reasons {' | '.join(reasons)} in nulls, found")


def _dialect(hospital: Hospital) -> Iterator[str]:
    """How its text files write values can be read back."""
    if sorted(re.findall("%.", hospital.date_format)) != ["%Y", "%d", "%m"]:
        yield f"a date_format of %d, %m and %Y, found {hospital.date_format!r}"
    both = set(hospital.true_values) & set(hospital.false_values)
    yield from _naming(both, "true_values and false_values to differ, found in both")
    wrong = (text for text in hospital.null_dates if not any(_is_day(text, form) for form in (hospital.date_format, "%Y-%m-%d")))
    yield from _naming(wrong, "null_dates in its date_format, found")
    if hospital.unknown_death and not _is_day(hospital.unknown_death, "%Y-%m-%d"):
        yield f"unknown_death as yyyy-mm-dd, found {hospital.unknown_death!r}"
    yield from _naming((text for text, _ in hospital.repairs if not _is_readable(text)), "regular expressions in repairs, found")


def _is_day(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True
