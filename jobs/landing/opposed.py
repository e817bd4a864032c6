"""Whose rows must not be stored: oppositions in force for everybody, through links and merges, and the rows that each scope concerns."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy.engine import Connection

from jobs.hospitals.feed import TAKEN_AWAY, Condition, Feed
from jobs.landing.links import People, Person
from jobs.landing.rights import REQUEST
from jobs.landing.vault import in_force, link, merge, opposition, put, remove, rows_of

# `industry` is a flag for later uses, it takes nothing away.
HIDING = ("all", "genetics", "samples")


@dataclass(frozen=True)
class Shift:
    """How the oppositions in force changed for a person."""

    person: Person
    scope: str
    began: bool


def enforce(tx: Connection, people: People) -> list[Shift]:
    """Bring the oppositions in force up to date with what hospitals stated, links and merges. Gives what changed."""
    wanted = _wanted(tx, people)
    known = {((row["center"], row["person_id"]), row["scope"]): row for row in rows_of(tx, in_force)}
    ended = [known[key] for key in known.keys() - wanted.keys()]
    begun = wanted.keys() - known.keys()
    remove(tx, in_force, [{name: row[name] for name in ("center", "person_id", "scope")} for row in ended])
    put(
        tx,
        in_force,
        [
            {"center": person[0], "person_id": person[1], "scope": scope, "since": wanted[person, scope]}
            for person, scope in begun
        ],
    )
    shifts = [Shift((row["center"], row["person_id"]), row["scope"], began=False) for row in ended]
    return shifts + [Shift(person, scope, began=True) for person, scope in begun]


def _wanted(tx: Connection, people: People) -> dict[tuple[Person, str], str]:
    """Every opposition that should hold, with the moment it was first stated."""
    wanted: dict[tuple[Person, str], str] = {}
    for row in rows_of(tx, opposition):
        for person in people.group((row["center"], row["person_id"])):
            key = (person, row["scope"])
            wanted[key] = min(wanted.get(key, row["since"]), row["since"])
    return wanted


def scopes(tx: Connection, center: str) -> dict[str, set[str]]:
    """The people of a hospital who are opposed, with what to."""
    found = defaultdict(set)
    for row in rows_of(tx, in_force, center=center):
        found[row["person_id"]].add(row["scope"])
    return dict(found)


def stated(tx: Connection) -> dict[Person, set[str]]:
    """The oppositions that hospitals stated themselves."""
    found: dict[Person, set[str]] = defaultdict(set)
    for row in rows_of(tx, opposition):
        if row["origin"] != REQUEST:
            found[row["center"], row["person_id"]].add(row["scope"])
    return found


@dataclass(frozen=True)
class Hidden:
    """The people of one hospital whose rows must go, by scope."""

    people: dict[str, frozenset[str]]

    @classmethod
    def of(cls, opposed: dict[str, set[str]]) -> "Hidden":
        return cls({scope: frozenset(person for person, held in opposed.items() if scope in held) for scope in HIDING})

    def __bool__(self) -> bool:
        return any(self.people.values())

    def anybody(self) -> frozenset[str]:
        return frozenset().union(*self.people.values())

    def scopes_for(self, feed: Feed) -> list[str]:
        """The scopes that take rows of this feed away."""
        if feed.domain == "rights":
            return []
        return [
            scope for scope in HIDING if self.people.get(scope) and (scope == "all" or scope in TAKEN_AWAY.get(feed.domain, ()))
        ]

    def drops(self, feed: Feed, owner: pl.Expr, omic: pl.Expr) -> pl.Expr:
        """True for the rows of a feed that may not be stored; `omic` says of a row whether it is one of genetics."""
        drop = pl.lit(False)
        for scope in self.scopes_for(feed):
            concerned = omic if scope != "all" and feed.domain == "analysis" else pl.lit(True)
            drop = drop | (owner.is_in(list(self.people[scope])) & concerned)
        return drop.fill_null(False)


def omic_when(feed: Feed) -> Condition | None:
    """How an analysis shows that it is an omic one: it must name its sample. None where every analysis must."""
    if feed.domain != "analysis":
        return None
    return next((column.required_when for column in feed.columns if column.parent == "sample" and column.strict), None)


def is_omic(feed: Feed) -> pl.Expr:
    """True for rows of an analysis feed that are omic; one whose type cannot be read is taken for one."""
    condition = omic_when(feed)
    if condition is None:
        return pl.lit(True)
    return (pl.col("_read").struct.field(condition.column) == condition.value).fill_null(True)


def omic_columns(feed: Feed) -> list[str]:
    """The columns that `is_omic` needs."""
    return ["_read"] if omic_when(feed) else []


def identity_rows(tx: Connection, people: People) -> list[dict[str, Any]]:
    """bronze/identity: everybody for whom anything differs from being one's own, unopposed self."""
    opposed: dict[Person, dict[str, str]] = defaultdict(dict)
    for row in rows_of(tx, in_force):
        opposed[row["center"], row["person_id"]][row["scope"]] = row["since"]
    moments = _moments(tx)
    everybody = sorted(set(people.everybody()) | opposed.keys())
    return [_identity(person, people, opposed.get(person, {}), moments) for person in everybody]


def _identity(person: Person, people: People, opposed: dict[str, str], moments: dict[Person, str]) -> dict[str, Any]:
    kept, group = people.root(person), people.group(person)
    roots = {people.root(each) for each in group}
    method = "merge" if kept != person else "token" if len(roots) > 1 else "none"
    since = [*opposed.values(), *(moments[each] for each in group if each in moments)]
    return {
        "center": person[0],
        "person_id": person[1],
        "kept_person_id": kept[1],
        "master_person_id": min(each for _, each in roots),
        "link_method": method,
        "confidence": 1.0,
        "opposed": sorted(opposed),
        "since": max(since, default=None),
    }


def _moments(tx: Connection) -> dict[Person, str]:
    """When somebody was last merged or linked."""
    found: dict[Person, str] = {}
    for row in rows_of(tx, merge):
        for side in ("old", "kept"):
            found[row["center"], row[side]] = max(found.get((row["center"], row[side]), ""), row["seen_at"])
    for row in rows_of(tx, link):
        for person in ((row["center"], row["person_id"]), (row["other_center"], row["other_person_id"])):
            found[person] = max(found.get(person, ""), row["since"])
    return found


def link_rows(tx: Connection) -> list[dict[str, Any]]:
    """bronze/link: every pair that a token links or a merge made one."""
    tokens = [row | {"method": "token", "valid_from": row["since"]} for row in rows_of(tx, link)]
    merges = [
        {
            "center": row["center"],
            "person_id": row["old"],
            "other_center": row["center"],
            "other_person_id": row["kept"],
            "method": "merge",
            "valid_from": row["merged_at"],
        }
        for row in rows_of(tx, merge)
    ]
    names = ("center", "person_id", "other_center", "other_person_id", "method", "valid_from")
    found = [{name: row[name] for name in names} | {"confidence": 1.0} for row in tokens + merges]
    return sorted(found, key=lambda row: tuple(str(row[name]) for name in names))
