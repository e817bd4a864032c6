"""A class as CSV, in and out: what an instructor may ask for is made sure here, before the roster is changed."""

import csv
import io

from hub_config.roster import COLUMNS, NAME, Account

MOST = 500


class NotAClass(Exception):
    """The file cannot be taken; `key` and `filled` name the sentence of the pages that says why."""

    def __init__(self, key: str, **filled: object) -> None:
        super().__init__(key)
        self.key = key
        self.filled = filled


def admitted(sent: bytes, instructor: Account, accounts: dict[str, Account]) -> str:
    """The CSV that the roster takes: trainees only, in classes of this instructor only.

    Somebody known outside of them is refused, so that no list takes over an account. Other classes of a trainee stay, and so does
    whatever a row is silent about.
    """
    lines = []
    for number, row in enumerate(_rows(sent), start=2):
        name = (row.get("user") or "").strip()
        if not NAME.fullmatch(name):
            raise NotAClass("import.bad_name", line=number, name=name[:40])
        known = accounts.get(name)
        if known and (known.role != "trainee" or not set(known.classes) & set(instructor.classes)):
            raise NotAClass("import.elsewhere", line=number, name=name)
        asked = tuple((row.get("classes") or "").split()) or (() if known else instructor.classes[:1])
        if strange := sorted(set(asked) - set(instructor.classes)):
            raise NotAClass("import.not_yours", line=number, name=strange[0][:40])
        classes = dict.fromkeys([*(known.classes if known else ()), *asked])
        language = (row.get("language") or (known.language if known else "fr")).strip()
        if language not in ("fr", "en"):
            raise NotAClass("import.language", line=number, found=language[:40])
        courses = " ".join((row.get("courses") or "").split())
        if not all(NAME.fullmatch(course) for course in courses.split()):
            raise NotAClass("import.courses", line=number)
        lines.append((name, "trainee", " ".join(classes), courses, language))
    if not lines:
        raise NotAClass("import.nobody")
    return _written(lines)


def _rows(sent: bytes) -> list[dict[str, str]]:
    try:
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAClass("import.not_utf8") from None
    head = text.partition("\n")[0]
    # Spreadsheets in French write semicolons.
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [name.strip().lower() for name in reader.fieldnames or []]
    if "user" not in names or set(names) - set(COLUMNS):
        raise NotAClass("import.no_header", columns=", ".join(COLUMNS), found=", ".join(names)[:80] or "–")
    reader.fieldnames = names
    rows = [row for row in reader if any(row.values())]
    if len(rows) > MOST:
        raise NotAClass("import.too_many", n=MOST)
    return rows


def _written(lines: list[tuple[str, str, str, str, str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    return out.getvalue()
