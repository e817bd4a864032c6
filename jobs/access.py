"""Who read what: the curated engine's log of its queries, and that of the commands by which operators look into a lake.

Both are a line of JSON a read, in a file a day, that only their owner reads: who, when, by what, which table at which version, which
columns. Never the text of a query, nor a value in it: a name of a table or a column is all that is taken from it.
"""

import json
import os
import pwd
import re
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.errors import WrongUse
from jobs.lake import ZONES, Lake
from jobs.ledger import now
from jobs.private import log_in
from jobs.settings import Settings, asked, value
from quality.address import is_remote
from quality.contracts import contracts

# A table by its name, or by its folder.
TABLE = re.compile(rf"\b({'|'.join(ZONES)})\s*[./]\s*(\w+)", re.IGNORECASE)
AS_OF = re.compile(r"\b(version|timestamp)\s+as\s+of\b|@v?\d", re.IGNORECASE)
# Files by their path: which they are is not for a regular expression to say.
FILES = re.compile(r"\b(?:delta|parquet|csv|json|xml|text|orc|avro|binaryfile)\s*\.", re.IGNORECASE)
NOBODY = 2**32 - 1
UNDERSTOOD = {"outcome": "understood"}


@dataclass(frozen=True)
class Read:
    """A table that a command reads, and the columns of it that it shows or names; `version` is None where the statement chooses one."""

    table: str
    version: int | None
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Access:
    """A line as `pscc access list` tells it."""

    at: str
    who: str | None
    through: str
    client: str
    session: str | None
    table: str | None
    version: int | None
    columns: tuple[str, ...]
    # Of an engine's query; None where nobody counted them.
    rows: int | None
    outcome: str
    # Whether `who` is what a client says of itself.
    claimed: bool

    def told(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self)


def place(settings: Settings) -> Path:
    """Where commands note what they read: in the lake, or where PSCC_ACCESS_LOG says; WrongUse for a lake that is no folder, and no word of it."""
    if told := value("PSCC_ACCESS_LOG"):
        return Path(told).resolve()
    if not is_remote(settings.lake):
        return Path(settings.lake, "ops", "access")
    raise WrongUse("Expected PSCC_ACCESS_LOG to name a folder for the access log of a lake in an object store, found it unset.")


def months() -> int:
    """How long the log is kept; WrongUse for fewer than six months, or more than twelve."""
    return int(asked("PSCC_ACCESS_MONTHS"))


def note(settings: Settings, through: str, reads: Iterable[Read]) -> None:
    """Note what a command is about to read. WrongUse where it cannot be noted: what nobody would know of is not read."""
    folder = place(settings)
    known = {"event": "read", "through": through, "client": socket.gethostname(), "session": None} | _who()
    lines = [known | asdict(each) for each in reads]
    if not lines:
        return
    try:
        append(folder, lines)
    except OSError as error:
        raise WrongUse(
            f"Expected to note this in the access log in {folder}, found: {error.strerror}. Nothing was read; "
            "work as the lake's owner, or ask the curated engine."
        ) from None


def append(folder: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write lines into the log of today, with the moment; OSError where that cannot be done."""
    at = now()
    written = [json.dumps({"at": at} | line, ensure_ascii=False) + "\n" for line in lines]
    with os.fdopen(log_in(folder, f"{at[:10]}.jsonl"), "wb") as log:
        log.write("".join(written).encode())


def _who() -> dict[str, str | None]:
    """The OS user, and who logged in before a change of user, where the kernel knows."""
    login = NOBODY
    with suppress(OSError, ValueError):
        login = int(Path("/proc/self/loginuid").read_text())
    return {"who": _name(os.getuid()), "login": None if login == NOBODY else _name(login)}


def _name(uid: int) -> str:
    """An account's name: not the environment's word, which its user can change."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def reads(lake: Lake, query: str, versions: dict[str, int] | None = None) -> list[Read]:
    """The tables that a statement names, with the columns of them that stand in it; "*" for all, "?" for files by their path."""
    from jobs.query import is_intricate, spoken

    said = spoken(query)
    names = {(zone.lower(), table.lower()) for zone, table in TABLE.findall(said)}
    there = sorted(
        (zone, table) for zone in {zone for zone, _ in names} for table in lake.tables(zone) if (zone, table.lower()) in names
    )
    # Where Spark may see another end of texts and comments, a table may be named in a way that no expression finds.
    files = [Read("?", None, ())] if FILES.search(said) or is_intricate(query) else []
    return files + [
        Read(f"{zone}.{table}", _version(lake, zone, table, said, versions), _columns(lake, zone, table, said))
        for zone, table in there
    ]


def _version(lake: Lake, zone: str, table: str, said: str, versions: dict[str, int] | None) -> int | None:
    if versions is not None and zone == "gold":
        return versions.get(table)
    return None if AS_OF.search(said) else lake.version(zone, table)


def _columns(lake: Lake, zone: str, table: str, said: str) -> tuple[str, ...]:
    if re.search(r"(?<!\()\*", re.sub(r"\d\s*\*|\*\s*\d", "", said)):
        return ("*",)
    words = {word.lower() for word in re.findall(r"\w+", said)}
    declared = contracts(zone).get(table) if zone in ("silver", "gold") else None
    known = [column.name for column in declared.columns] if declared else lake.table(zone, table).schema().to_arrow().names
    return tuple(name for name in known if name.lower() in words)


def folders(settings: Settings, services: Path) -> list[Path]:
    """Where accesses are noted: by a lake's commands, by the engine of the services in that folder, by their academy. WrongUse where one is closed."""
    commands = [] if is_remote(settings.lake) and not value("PSCC_ACCESS_LOG") else [place(settings)]
    state = services.resolve()
    return _open(*commands, state / "access", *of_academy(state / "academy"))


def of_academy(academy: Path) -> list[Path]:
    """Where the academy in a folder notes who came. WrongUse where that is closed."""
    return _open(academy.resolve() / "state" / "access")


def _open(*places: Path) -> list[Path]:
    """Those of these that there are."""
    found = [each for each in places if _is_there(each)]
    if closed := [each for each in found if not os.access(each, os.R_OK | os.X_OK)]:
        raise WrongUse(f"Expected to read the access log in {closed[0]}, found it closed: work as its owner, or as root.")
    return found


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except PermissionError:
        raise WrongUse(f"Expected to read the access log in {folder}, found it closed: work as its owner, or as root.") from None


def listed(
    folders: Iterable[Path], table: str | None = None, who: str | None = None, since: date | None = None
) -> Iterator[Access]:
    """What the logs in these folders hold, the oldest first: reads with what came of them, and what was refused before it read anything.

    What an engine only understood, so that its client could ask again for the rows, is left out.
    """
    for day in sorted({file.name for folder in folders for file in folder.glob("????-??-??.jsonl")}):
        if since is None or day[:10] >= since.isoformat():
            lines = [line for folder in folders if (folder / day).is_file() for line in _lines(folder / day)]
            found = _joined(_of_queries(sorted(lines, key=lambda line: line["at"])))
            yield from (each for each in found if table in (None, each.table) and who in (None, each.who))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as log:
        for text in log:
            try:
                yield dict(json.loads(text))
            except ValueError:
                # Cut short with the machine; what it was about is unknown, that it was is not.
                print(f"A line in {file} cannot be read.", file=sys.stderr)


def _of_queries(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, but of a query a line for each table: Spark understands some in steps, and tells of each with its own columns."""
    kept: list[dict[str, Any]] = []
    under_way: dict[tuple[Any, ...], dict[tuple[Any, ...], dict[str, Any]]] = {}
    for line in lines:
        if line["event"] == "read" and line.get("operation"):
            tables = under_way.setdefault(_operation(line), {})
            if first := tables.get((line.get("table"), line.get("version"))):
                first["columns"] = list(dict.fromkeys([*first["columns"], *line["columns"]]))
                first["runs"] = first.get("runs") or line.get("runs")
                continue
            tables[line.get("table"), line.get("version")] = line
        elif line["event"] == "ended":
            # What comes under this number now is another query.
            under_way.pop(_operation(line), None)
        kept.append(line)
    return kept


def _joined(lines: list[dict[str, Any]]) -> Iterator[Access]:
    ended: dict[tuple[Any, ...], dict[str, Any]] = {}
    for each in lines:
        # A client names its operations itself, so one name may end several times: to be understood only hides no answer.
        if each["event"] == "ended" and each["operation"] and ended.get(_operation(each), UNDERSTOOD)["outcome"] == "understood":
            ended[_operation(each)] = each
    of_read = {_operation(each) for each in lines if each["event"] == "read" and each.get("operation")}
    for line in lines:
        if line["event"] not in ("read", "ended"):
            # Of an academy: a log-in, a server, a look at the work of others.
            yield _access({"table": None, "columns": ()} | line)
            continue
        end = ended.get(_operation(line), {}) if line["event"] == "read" else line
        # A command inside of what was only understood has run all the same.
        if end.get("outcome") == "understood" and not line.get("runs"):
            continue
        if line["event"] == "read":
            outcome = end.get("outcome") or ("not known" if line.get("operation") else "read")
            yield _access(
                line | {"client": end.get("client") or line.get("client", ""), "outcome": outcome, "rows": end.get("rows")}
            )
        elif line["outcome"] == "refused" and _operation(line) not in of_read:
            yield _access(line | {"table": None, "version": None, "columns": ()})


def _operation(line: dict[str, Any]) -> tuple[Any, ...]:
    return line.get("who"), line.get("session"), line.get("operation")


def _access(line: dict[str, Any]) -> Access:
    who = f"{line['who']} ({line['login']})" if line.get("login") not in (None, line["who"]) else line["who"]
    named: dict[str, Any] = {
        name: line.get(name) for name in ("at", "through", "client", "session", "table", "version", "rows", "outcome")
    }
    return Access(who=who, columns=tuple(line["columns"]), claimed=bool(line.get("claimed")), **named)


def forget(folder: Path, kept_months: int, today: date | None = None) -> int:
    """Delete the days of a log that are older than so many months; how many."""
    day = today or datetime.now(UTC).date()
    # Thirty-one days a month: not a day less than was promised.
    first = (day - timedelta(days=31 * kept_months)).isoformat()
    old = [file for file in folder.glob("????-??-??.jsonl") if file.name[:10] < first]
    for file in old:
        file.unlink()
    return len(old)
