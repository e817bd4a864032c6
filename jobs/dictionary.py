"""The pages made from declarations, below `docs/`: tables and their ODCS export, what each hospital sends, what can be set.

`python -m jobs.dictionary` writes them anew; a test fails when a committed page is not what would be written.
"""

import sys
from pathlib import Path

from jobs.hospitals import hospitals, transforms
from jobs.hospitals.feed import Column, Feed, Hospital
from jobs.settings.page import settings_page
from quality import dictionary
from quality.dictionary import MADE, grid
from quality.value_sets import VALUE_SETS

DOCS = Path(__file__).parent.parent / "docs"
HOSPITALS = Path(__file__).parent / "hospitals"
GENERATED = ("tables", "odcs", "hospitals")
SETTINGS = "settings.md"
ROLES = {
    "birth": "only the month is kept",
    "sex": "with the birth, must agree between linked patients",
    "scope": "what the patient objects to",
    "opposed": "whether the patient objects",
}
MODES = {
    "increment": "what is new or changed since the delivery before",
    "snapshot": "everything, each time",
    "cdc": "a log of inserts, updates and deletions",
}
REPLACES = {
    "key": "the row of the same key",
    "all": "the whole feed",
    "year": "the year the file is named after",
    "parent": "all rows of each parent in the file",
    "nothing": "nothing: rows only add up",
}
TYPES = {
    "hash64": "pseudonym, 64 hex digits",
    "token": "link token, never stored",
    "id": "id",
    "code": "code",
    "int": "integer",
    "int64": "integer",
    "dec": "number",
    "double": "number",
    "bool": "yes or no",
    "date~": "date, day or month may be missing",
    "datetime": "civil time",
    "timestamp": "civil time",
    "instant": "time in UTC",
    "string": "text",
}
FORMATS = {
    "fixed": "Fixed width (RSS)",
    "maf": "Mutation Annotation Format, tab-separated",
    "lines": "One value a line",
    "parquet": "Parquet",
}
DELIMITERS = {";": "semicolon", ",": "comma", "\t": "tab", "|": "bar"}
CONDITIONS = {"filled": "{} is filled", "empty": "{} is empty", "is": "{} = {}", "is_not": "{} is not {}"}


def pages() -> dict[str, str]:
    """The text of every generated page, by its path below `docs/`."""
    hospital_pages = {f"hospitals/{center}.md": hospital_page(each) for center, each in hospitals().items()}
    return dictionary.pages() | hospital_pages | {SETTINGS: settings_page()}


def hospital_page(hospital: Hospital) -> str:
    """What a hospital sends, column by column, and what becomes of its codes."""
    feeds = [
        (
            f"[{feed.domain}](#{feed.domain})",
            f"`{feed.file}`",
            "yes" if feed.domain in hospital.required else "",
            REPLACES[feed.replaces],
        )
        for feed in hospital.feeds
    ]
    parts = [
        f"# {hospital.name}",
        MADE.format(source=_source(hospital)),
        _facts(hospital),
        "## Feeds",
        grid(("feed", "file", "in every full delivery", "replaces"), feeds),
        *(_feed(feed) for feed in hospital.feeds),
        "## What its codes become",
        "A code that stands nowhere below leaves the silver value empty; the code is kept beside it.",
        *(_codes(column, codes) for column, codes in hospital.codes.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _source(hospital: Hospital) -> str:
    """Where a hospital is declared: a module, or the feeds and codes of a package."""
    return f"jobs/hospitals/{hospital.center}{'/' if (HOSPITALS / hospital.center).is_dir() else '.py'}"


def _facts(hospital: Hospital) -> str:
    filled = ", ".join(f"[{name}](../tables/silver.{name}.md)" for name in transforms(hospital.center))
    facts = {
        "Code": f"`{hospital.center}`, FINESS {hospital.finess}, {hospital.center_type}",
        "Format in manifests": f"`{hospital.model}`, version 1.0",
        "Sends": MODES[hospital.mode],
        "Archive": f"`{hospital.archive}`" if hospital.archive else "",
        "Stand for no value": ", ".join(f"`{code}` ({reason.replace('_', ' ')})" for code, reason in hospital.nulls.items()),
        "Dates that are none": _quoted(hospital.null_dates),
        "Writes": _dialect(hospital),
        "Typing errors that are repaired": ", ".join(
            f"`{expression}` becomes `{replacement}`" for expression, replacement in hospital.repairs
        ),
        "Only the month counts": _quoted(hospital.month_dates),
        "Deceased on an unknown day": f"`{hospital.unknown_death}`" if hospital.unknown_death else "",
        "A version is dated by": f"`{hospital.version_column}`" if hospital.version_column else "the delivery",
        "A row is deleted when": f"`{hospital.deleted_when[0]}` is `{hospital.deleted_when[1]}`" if hospital.deleted_when else "",
        "Fills": filled,
    }
    return "\n".join(f"- **{name}:** {said}" for name, said in facts.items() if said)


def _dialect(hospital: Hospital) -> str:
    """How values stand in its text files; nothing for a hospital that sends none."""
    if all(feed.format == "parquet" for feed in hospital.feeds):
        return ""
    date = hospital.date_format.replace("%d", "dd").replace("%m", "mm").replace("%Y", "yyyy")
    comma = "comma" if hospital.decimal_comma else "point"
    return f"dates `{date}`, decimal {comma}, yes {_quoted(hospital.true_values)}, no {_quoted(hospital.false_values)}"


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _feed(feed: Feed) -> str:
    form = f"CSV, {feed.encoding}, {DELIMITERS[feed.delimiter]}" if feed.format == "csv" else FORMATS[feed.format]
    versions = f", schema versions {', '.join(feed.versions)}" if len(feed.versions) > 1 else ""
    late = {name: f"since version {version}" for name, version in feed.only_from.items()}
    rows = [_column(each, late.get(each.name, "")) for each in feed.columns]
    head = ("column", "type", "required", "refers to", "values", "note")
    valid = f" Only validated rows count: `{feed.validated}`." if feed.validated else ""
    return f"### {feed.domain}\n\n{form}{versions}; key {_quoted(feed.key)}.{valid}\n\n{grid(head, rows)}"


def _column(column: Column, late: str) -> tuple[str, ...]:
    parent = f"{column.parent}{'' if column.strict else ', may be missing'}" if column.parent else ""
    notes = (
        "key" if column.key else "",
        ROLES.get(column.role or "", ""),
        f"not after `{column.not_after}`" if column.not_after else "",
        late,
    )
    return (
        f"`{column.name}`",
        TYPES.get(column.type, column.type),
        _required(column),
        parent,
        _values(column),
        ", ".join(filter(None, notes)),
    )


def _required(column: Column) -> str:
    condition = column.required_when
    if condition is None:
        return "yes" if column.required else ""
    return f"when {CONDITIONS[condition.test].format(f'`{condition.column}`', condition.value)}"


def _values(column: Column) -> str:
    if column.codes:
        return ", ".join(f"`{code}`" for code in column.codes)
    if column.pattern:
        return f"`{column.pattern}`"
    if column.low is None:
        return ""
    return f"{column.low} to {column.high}" if column.high is not None else f"{column.low} or more"


def _codes(column: str, codes: dict[str, str]) -> str:
    meanings = VALUE_SETS.get(column, {})
    rows = [(f"`{code}`", f"`{value}`", meanings[value].meaning if value in meanings else "") for code, value in codes.items()]
    return f"### {column}\n\n{grid(('code', 'becomes', 'meaning'), rows)}"


def write(docs: Path = DOCS) -> list[str]:
    """Write every page, and take away those of tables and hospitals that are no more; the paths that changed."""
    wanted = pages()
    changed = [
        name for name, text in wanted.items() if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text
    ]
    for name in changed:
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(wanted[name], encoding="utf-8")
    gone = [name for name in committed(docs) if name not in wanted]
    for name in gone:
        (docs / name).unlink()
    return [*changed, *gone]


def committed(docs: Path = DOCS) -> list[str]:
    """The paths of all pages in the folders that hold generated pages only, and of that of the settings."""
    found = [page for folder in GENERATED for page in (docs / folder).glob("*") if page.is_file()]
    return sorted(str(page.relative_to(docs)) for page in [*found, *docs.glob(SETTINGS)])


if __name__ == "__main__":
    for name in write():
        sys.stdout.write(f"docs/{name}\n")
