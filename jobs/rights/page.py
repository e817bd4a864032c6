"""The register of requests as a page: one file that opens anywhere and loads nothing from elsewhere."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from jobs.page import STYLE
from jobs.rights.register import WITHDRAWN, Request, absent

WORDS = {"oppose": "Opposition", "lift": "Lift", "erase": "Erasure"}
STATES = {
    "received": "waits",
    "begun": "begun, not done",
    "erasing": "begun, not proven",
    "proving": "taken out, not proven",
    "proven": "proven, not certified",
    "joined": "carried out with another request",
    "withdrawn": "withdrawn",
    "done": "done",
}
# Width of each column in rem, the same in every table of the page; what became of a request gets the rest.
COLUMNS = {
    "request": 12.8,
    "what": 7.5,
    "hospital": 5,
    "persons": 5,
    "received": 7.4,
    "due": 7.4,
    "what became of it": 0,
    "taken by": 7,
    "reason": 10.5,
}
WIDER = "main{max-width:82rem}table{table-layout:fixed;min-width:76rem}td{overflow-wrap:anywhere}a{color:inherit}"
FOOT = (
    "The register names no patient: whom a request is about is known to the vault alone, until it is carried out. "
    "A request has to be answered within one month."
)


def page(requests: Sequence[Request], today: date | None = None) -> str:
    """The register as HTML, what is late or waits first."""
    late = [each for each in requests if not each.is_closed and each.is_late(today)]
    waiting = [each for each in requests if not each.is_closed and each not in late]
    done = [each for each in reversed(requests) if each.is_closed]
    state = "rejected" if late else "held" if waiting else "accepted"
    said = f"{len(late)} late, {len(waiting)} waiting, {len(done)} done"
    parts = [
        f'<header style="--verdict:var(--{state})"><h1>Requests of people</h1><div class="verdict">{escape(said)}</div>',
        f'<p class="next">{_next(late, waiting, bool(done))}</p></header>',
        _table("Late", late, today),
        _table("Waiting", waiting, today),
        _table("Done", done, today),
    ]
    body = "".join(parts) + f"<footer>{escape(FOOT)}</footer>"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>Requests of people: {escape(said)}</title><style>{STYLE}{WIDER}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _next(late: Sequence[Request], waiting: Sequence[Request], is_any_done: bool) -> str:
    if late or waiting:
        return f"Next: <code>pscc rights run {escape((late or waiting)[0].id)}</code>, or wait for the DAG rights_requests, which runs every night."
    return "Nothing to do." if is_any_done else "No request has come in."


def _table(title: str, requests: Sequence[Request], today: date | None) -> str:
    if not requests:
        return ""
    head = "".join(f"<th{_kind(name)}{_width(name)}>{escape(name)}</th>" for name in COLUMNS)
    rows = (_row(each, today) for each in requests)
    lines = "".join(f"<tr>{''.join(f'<td{_kind(name)}>{row[name]}</td>' for name in COLUMNS)}</tr>" for row in rows)
    return f'<h2>{title}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _kind(name: str) -> str:
    return ' class="n"' if name == "persons" else ""


def _width(name: str) -> str:
    return f' style="width:{COLUMNS[name]}rem"' if COLUMNS[name] else ""


def _row(each: Request, today: date | None) -> dict[str, str]:
    """The cells of a request, escaped."""
    cells = {
        "request": each.id,
        "what": WORDS[each.kind] + (f" ({each.scope})" if each.scope != "all" else ""),
        "hospital": each.center,
        "persons": f"{each.people:,}",
        "received": each.received_on,
        "due": each.due_on + (" (late)" if each.is_late(today) else ""),
        "taken by": each.by,
        "reason": each.reason,
    }
    at = f" on {each.done_at[:10]}" if each.done_at else ""
    became = "; ".join(filter(None, [STATES[each.state] + at, _outcome(each)]))
    return {name: escape(value) for name, value in cells.items()} | {"what became of it": became}


def _outcome(each: Request) -> str:
    if not each.is_closed or not each.outcome:
        return ""
    told = json.loads(each.outcome)
    if each.state == WITHDRAWN:
        return escape(f"by {told['withdrawn_by']}: {told['withdrawn_for']}")
    if each.certificate:
        link = f"certificates/{Path(each.certificate).name}"
        joined = f"with {told['carried_out_with']}, " if "carried_out_with" in told else ""
        before, after = _hits(told["before"]), _hits(told["after"])
        live = [name for name, state in told.get("releases", {}).items() if state == "approved"]
        again = f"; check again: {', '.join(live)}" if live else ""
        nobody = f". {said}" if (said := absent(told)) else ""
        return f'{escape(joined)}<a href="{escape(link)}">certificate</a>: {before:,} traces before, {after:,} after{escape(again + nobody)}'
    stands = "; an opposition that a hospital states itself still stands" if told.get("opposition_of_a_hospital_stands") else ""
    return escape(f"{told['people']:,} ids concerned, {told['rows_of_silver']:,} rows taken out of silver{stands}")


def _hits(zones: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(int(each["hits"]) for each in zones.values())
