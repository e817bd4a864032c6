"""What a person says of a cohort: a TOML file of criteria, one after the other, or a view in SQL.

title = "Metastatic breast cancer, HER2 positive"
purpose = "Overall survival, protocol 12"
from = "gold.tumor_summary"             # a row is a candidate
start = "dx_date"                       # from when it counts; of several rows of a patient the first
end = "first_recurrence_date"           # until when; death or last news where it is not said

[[criterion]]
say = "Breast cancer"
where = "tumor_group = 'breast'"

[[criterion]]
say = "Trastuzumab in some line"
in = "gold.line_of_therapy"             # or not_in; by = "tumor_id" where the same patient is not enough
where = "array_contains(drugs, 'trastuzumab') AND start_date >= candidate.dx_date"

A view is a file NAME.sql: a line `-- title`, a line `-- purpose`, and a query that gives patient_id, cohort_start_date and, where it likes,
cohort_end_date.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.query import NO_WORDS, spoken
from quality.contracts import contracts

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
SAID = ("title", "purpose", "from", "start", "end", "criterion")
OF_CRITERION = ("say", "where", "in", "not_in", "by")
KEYS = ("patient_id", "tumor_id")
# With these a definition would find other members tomorrow, in the same build.
RESTLESS = re.compile(
    r"\b(rand|randn|random|randstr|uniform|uuid|shuffle|now|current_date|current_timestamp|current_time|curdate|localtimestamp|current_user|"
    r"session_user|unix_timestamp|monotonically_increasing_id|spark_partition_id|input_file_name|any_value|first|last|tablesample|limit|identifier)\b",
    re.IGNORECASE,
)
# An id of somebody, or enough of one. The record keeps a definition for good, as it was written.
ID = re.compile(r"[0-9a-fA-F]{16,}")


@dataclass(frozen=True)
class Criterion:
    """A step: its words, and the condition that a candidate meets."""

    say: str
    condition: str


@dataclass(frozen=True)
class Definition:
    """A cohort as it was written down: candidates, criteria, and from when to when each counts."""

    name: str
    title: str
    purpose: str
    # The file as it was read.
    text: str
    candidates: str
    start: str
    end: str | None
    criteria: tuple[Criterion, ...]

    @classmethod
    def read(cls, path: Path) -> "Definition":
        """The definition in NAME.toml or NAME.sql; WrongUse for one that cannot be followed, that chance decides, or that names somebody."""
        if not NAME.fullmatch(path.stem) or path.suffix not in (".toml", ".sql"):
            raise WrongUse(
                f"Expected a file like her2_breast.toml or her2_breast.sql, which names the cohort, found {path.name}: rename it."
            )
        try:
            text = path.read_text(encoding="utf-8")
            found = _view(path.stem, text) if path.suffix == ".sql" else _criteria(path.stem, text, tomllib.loads(text))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise WrongUse(f"Expected a definition that can be read at {path}, found none: {error}") from None
        if ID.search(text):
            raise WrongUse(
                f"Expected a definition that names nobody, found what looks like an id in {path.name}: choose patients by what is known of them, for "
                "the record keeps definitions as they are written."
            )
        if chance := RESTLESS.search(spoken(found.members)):
            raise WrongUse(
                f"Expected a definition that finds the same members in the same build, found {chance[0]}: write it without."
            )
        return found

    def where(self, steps: int) -> str:
        """The condition of the first criteria, all of them together."""
        return "\nAND ".join(f"({each.condition}\n)" for each in self.criteria[:steps]) or "true"

    @property
    def counts(self) -> str:
        """The query for the patients left after each step, by its number: 0 is everybody."""
        told = (
            f"SELECT {step} AS step, count(DISTINCT candidate.patient_id) AS n FROM {self.candidates} AS candidate WHERE {self.where(step)}"
            for step in range(len(self.criteria) + 1)
        )
        return "\nUNION ALL\n".join(told)

    @property
    def members(self) -> str:
        """The query for its members: `subject_id`, `cohort_start_date`, `cohort_end_date`. Of several rows of a patient the first counts."""
        end = self.end or "NULL"
        return f"""SELECT found.subject_id, found.began AS cohort_start_date,
  greatest(found.began, coalesce(found.ended, news.death_date, news.last_contact_date)) AS cohort_end_date
FROM (
  SELECT subject_id, min(began) AS began, min(if(place = 1, ended, NULL)) AS ended FROM (
    SELECT candidate.patient_id AS subject_id, CAST({self.start} AS date) AS began, CAST({end} AS date) AS ended,
      row_number() OVER (PARTITION BY candidate.patient_id ORDER BY CAST({self.start} AS date), CAST({end} AS date)) AS place
    FROM {self.candidates} AS candidate
    WHERE {self.where(len(self.criteria))}
  ) GROUP BY subject_id
) AS found LEFT JOIN gold.patient_summary AS news ON news.patient_id = found.subject_id"""


def _view(name: str, text: str) -> Definition:
    comments = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    title, purpose = [*comments, "", ""][:2]
    _check_words(name, title, purpose)
    query = text.strip().rstrip(";")
    ends = re.search(r"\bcohort_end_date\b", NO_WORDS.sub(" ", query), re.IGNORECASE)
    met = (Criterion("In the view", "candidate.in_view"), _known("candidate.cohort_start_date"))
    viewed = f"SELECT *, true AS in_view FROM (\n{query}\n)"
    # Everybody, and what the view says of them: the first line of the attrition is all patients.
    candidates = f"(SELECT person.patient_id, view.* EXCEPT (patient_id) FROM gold.patient_summary AS person LEFT JOIN ({viewed}) AS view ON view.patient_id = person.patient_id)"
    return Definition(
        name,
        title,
        purpose,
        text,
        candidates,
        "candidate.cohort_start_date",
        "candidate.cohort_end_date" if ends else None,
        met,
    )


def _criteria(name: str, text: str, said: dict[str, Any]) -> Definition:
    if unknown := sorted(set(said) - set(SAID)):
        raise WrongUse(f"Expected {', '.join(SAID)} in the cohort {name}, found {', '.join(unknown)}: correct the spelling.")
    _check_words(name, said.get("title"), said.get("purpose"))
    candidates, start, end = _table(name, said.get("from")), said.get("start"), said.get("end")
    criteria = said.get("criterion")
    if not isinstance(start, str) or not isinstance(end, str | None) or not isinstance(criteria, list) or not criteria:
        raise WrongUse(f"Expected start, a column or expression, and some [[criterion]] in the cohort {name}, found one missing.")
    steps = (*(_criterion(name, each) for each in criteria), _known(start))
    return Definition(name, said["title"], said["purpose"], text, candidates, start, end, steps)


def _known(start: str) -> Criterion:
    return Criterion("The day on which they enter is known", f"{start} IS NOT NULL")


def _criterion(name: str, said: dict[str, Any]) -> Criterion:
    say, where = said.get("say"), said.get("where")
    if set(said) - set(OF_CRITERION) or not isinstance(say, str) or not isinstance(where, str) or {"in", "not_in"} <= set(said):
        raise WrongUse(
            f"Expected say, where, and perhaps one of in and not_in with by, in each criterion of {name}, found {', '.join(said)}."
        )
    other = said.get("in", said.get("not_in"))
    if other is None:
        return Criterion(say, where)
    by = said.get("by", KEYS[0])
    if by not in KEYS or by not in contracts("gold")[_table(name, other).removeprefix("gold.")].names:
        raise WrongUse(f"Expected by to be {' or '.join(KEYS)}, a column of {other}, in the cohort {name}, found {by!r}.")
    exists = f"EXISTS (SELECT 1 FROM {other} AS other WHERE other.{by} = candidate.{by} AND ({where}\n))"
    return Criterion(say, exists if "in" in said else f"NOT {exists}")


def _table(name: str, address: object) -> str:
    """A table of gold that knows patients, by its address."""
    known = [each.address for each in contracts("gold").values() if "patient_id" in each.names]
    if address not in known:
        raise WrongUse(f"Expected one of {', '.join(known)} in the cohort {name}, found {address!r}.")
    return str(address)


def _check_words(name: str, *words: object) -> None:
    if not all(isinstance(each, str) and each.strip() for each in words):
        raise WrongUse(f"Expected a title and a purpose in the cohort {name}, found one missing: say what it is and what for.")
