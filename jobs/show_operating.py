"""What whoever keeps the lakehouse running sees in the terminal: quarantine, the story of a delivery."""

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from jobs.ledger.records import OUTCOME
from jobs.show import console, figure, grid, sign

if TYPE_CHECKING:
    from jobs.access import Access
    from jobs.keys import Key
    from jobs.ledger.alerts import Alert
    from jobs.lineage.trace import Trace
    from jobs.quarantine import Group
    from jobs.settings.values import Found
    from jobs.story import Story

ROWS = 200
VERDICTS = {"passed": "green", "warned": "yellow", "waived": "yellow", "refused": "red", "held": "yellow", "not reached": "dim"}


# Keys


def keys(found: "list[Key]") -> None:
    """Every key by what tells it from others."""
    table = grid(None, "key", "id", "since", "state", "what hangs on it")
    for each in found:
        table.add_row(*map(Text, (each.what, each.id, each.since, each.state, each.hangs)))
    console.print(table)


# Quarantine


def quarantined(found: "list[Group]") -> None:
    """Rows in quarantine by hospital, feed and reason."""
    if not found:
        console.print("No row is set aside, and none waits.")
        return
    table = grid(None, "center", "feed", "status", "reason", "rows", "deliveries", "since", right=("rows", "deliveries"))
    for each in found:
        counts = (figure(each.rows), figure(each.deliveries))
        table.add_row(*map(Text, (each.center, each.feed, each.status.replace("_", " "), each.reason)), *counts, Text(each.since))
    console.print(table)
    console.print("\n[dim]pscc quarantine show ID|REASON says where they stand, docs/reasons.md what to do.[/dim]")


def places(what: str, found: list[dict[str, Any]]) -> None:
    """Where rows in quarantine stand."""
    if not found:
        console.print(f"No row of {what} is set aside, and none waits.")
        return
    table = grid(None, "delivery", "file", "row", "status", "reason", "columns", right=("row",))
    for each in found[:ROWS]:
        place = (Text(each["delivery_id"]), Text(each["file"]), figure(each["row"]))
        table.add_row(*place, each["status"].replace("_", " "), Text(each["reason"]), Text(" ".join(each["columns"] or [])))
    console.print(table)
    rest = f", the first {ROWS} shown; --json lists all" if len(found) > ROWS else ""
    console.print(f"[dim]{len(found):,} rows{rest}[/dim]")


def replayed(center: str, found: dict[str, tuple[int, int]]) -> None:
    """What another try of waiting rows came to."""
    if not found:
        console.print(f"No row of {center} waits.")
        return
    table = grid(f"Rows of {center} that wait", "reason", "before", "now", right=("before", "now"))
    for reason, (before, after) in found.items():
        table.add_row(reason, f"{before:,}", f"{after:,}")
    console.print(table)


# The story of a delivery


def story(found: "Story") -> None:
    """Everything about a delivery on one page, in the order in which it happened."""
    console.print(
        Text.assemble(
            (found.delivery_id, "bold"), "  ", sign(OUTCOME.get(found.state, found.state)), "  ", " ".join(found.reason_codes)
        )
    )
    for part in (_announced(found), _steps(found), _gates(found), _files(found), _rows(found), _tables(found)):
        if part is not None:
            console.print()
            console.print(part)
    _published(found)
    for each in found.decisions:
        console.print(Text(f"\n{each['verdict']} by {each['by']} at {each['at']}: {each['why']}"))
    runs = ", ".join(found.runs) or f"none is known; a run of delivery_ingest bears the key {found.announcements[-1]['key']}"
    console.print(Text(f"\nAirflow runs: {runs}"))
    console.print(Text(f"Return report: {found.report}"))


def _announced(found: "Story") -> Table:
    table = grid("Announced", "key", "found", "judged", "verdict", "folder")
    for each in found.announcements:
        times = (each["found_at"], each["settled_at"] or "")
        table.add_row(*map(Text, (each["key"], *times, each["outcome"] or "not yet", each["folder"])))
    return table


def _steps(found: "Story") -> Table | None:
    if not found.steps:
        return None
    table = grid("Steps", "at", "from", "to", "why", "run or worker")
    for each in found.steps:
        table.add_row(*map(Text, (each.at, each.from_state, each.to_state, " ".join(each.reason_codes), each.run or each.worker)))
    return table


def _gates(found: "Story") -> Table:
    table = grid("Gates", "gate", "verdict", "codes")
    for each in found.gates:
        table.add_row(
            f"{each.number:>2} {each.name}", Text(each.verdict, style=VERDICTS[each.verdict]), Text(" ".join(each.codes))
        )
    return table


def _files(found: "Story") -> Table | None:
    if not found.files:
        return None
    counts = ("read", "set aside", "waiting now", "opposed")
    table = grid("Files", "file", "feed", *counts, right=counts)
    for each in found.files:
        numbers = (each["rows_read"], sum((each["set_aside"] or {}).values()), each["waiting"], each["opposed"])
        table.add_row(Text(each["path"]), each["domain"], *map(figure, numbers))
    return table


def _rows(found: "Story") -> Text | None:
    silver = found.rows.get("silver")
    if not silver or found.state != "loaded":
        return None
    aside = {name: sum((found.rows[name] or {}).values()) for name in ("set_aside", "waiting")}
    counted = {
        "read": found.rows["read"],
        **silver,
        **aside,
        "opposed": found.rows["dropped_opposed"],
        "gone": found.rows["gone"],
    }
    return Text(
        "Rows when it was published: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counted.items())
    )


def _tables(found: "Story") -> Table | None:
    if not found.tables:
        return None
    table = grid("Tables that it reached", "table", "version", "rows", "at", right=("version",))
    for each in found.tables:
        rows = ", ".join(f"{count:,} {kind}" for kind, count in each.rows.items())
        table.add_row(Text(each.table), "no longer logged" if each.version is None else str(each.version), rows, each.at or "")
    return table


def _published(found: "Story") -> None:
    if found.passed is None:
        return
    together = ", ".join(found.passed["together_with"])
    console.print(
        Text(f"\nPublished by pass {found.passed['number']} at {found.passed['finished_at']}")
        .append(f", together with {together}" if together else ", alone")
        .append(f"; {found.passed['tables_checked']} tables checked, {len(found.passed['tables_refused'])} refused.")
    )
    for each in found.passed["rules_broken"]:
        said = f"  {each['severity']}: {each['table']}.{each['column']} {each['expectation']}, {figure(each['unexpected_count'])} rows"
        console.print(Text(said))


# Alerts


def alerts(found: "list[Alert]") -> None:
    """The open alerts, each with what to type."""
    if not found:
        console.print("No alert is open.")
        return
    for each in found:
        sent = f"sent {each.told_at[:16]}" if each.told_at else "not sent"
        console.print(
            Text.assemble((f"{each.id:>4}  {each.sentence}", "bold"), f"  {each.kind}, since {each.opened_at[:16]}, {sent}")
        )
        console.print(Text(f"      {each.todo}", style="dim"))
    console.print("\n[dim]docs/runbooks.md says more of each kind; pscc alerts close NUMBER --by NAME --why TEXT.[/dim]")


# Lineage


def traced(found: "Trace") -> None:
    """The way of a table back to deliveries."""
    table = grid("Made from", "table", "version", "written at", "job", "from", right=("version",))
    for each in found.links:
        read = [
            f"{name}@{version}" if version and "." in name and "/" not in name else name
            for name, version in each.made_from.items()
        ]
        shown = read if not any("/" in name for name in read) else [f"{len(read)} files"]
        table.add_row(Text(each.table), f"{each.version:,}", Text(each.at[:19]), Text(each.job), Text(" ".join(shown)))
    console.print(table)
    ends = grid("Deliveries", "delivery", "state", "files", right=("files",))
    for end in found.deliveries:
        ends.add_row(Text(end.delivery_id), Text(end.state), f"{len(end.files):,}")
    console.print(ends)
    console.print("\n[dim]--json names every file; pscc delivery show ID tells the story of a delivery.[/dim]")


# Settings


def settings(found: "list[Found]") -> None:
    """Every setting with its value, where that comes from, and what it means."""
    table = grid(None, "setting", "value", "from", "meaning")
    for each in found:
        style = "" if each.source in ("environment", "file") else "dim"
        table.add_row(Text(each.setting.name), Text(each.shown, style), each.source, Text(each.setting.meaning))
    console.print(table)
    console.print("\n[dim]What each may be: docs/settings.md.[/dim]")


# The access log


def accesses(found: "list[Access]") -> None:
    """Who read what, the newest last."""
    if not found:
        console.print("Nothing was read, and nobody came, as far as it is noted here.")
        return
    table = grid(None, "at", "who", "by", "table", "version", "columns", "rows", "outcome", right=("version", "rows"))
    for each in found[-ROWS:]:
        version = "·" if each.version is None else str(each.version)
        who = f"{each.who or 'unknown'}{' (claimed)' if each.claimed else ''}"
        words = (each.at[:19].replace("T", " "), who, each.through, each.table or "·")
        table.add_row(
            *map(Text, words), version, Text(" ".join(each.columns)), "·" if each.rows is None else f"{each.rows:,}", each.outcome
        )
    console.print(table)
    rest = f", the newest {ROWS} shown; --json lists all" if len(found) > ROWS else ""
    console.print(f"[dim]{len(found):,} lines{rest}[/dim]")
