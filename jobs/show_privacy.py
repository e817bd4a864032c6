"""What who looks after privacy sees in the terminal: anonymous tables, teaching releases, requests of people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from jobs.show import console, figure, grid

if TYPE_CHECKING:
    from jobs.privacy.table import Cost, Proof
    from jobs.releases import Release
    from jobs.rights.register import Request


def anonymous(cost: "Cost", proof: "Proof") -> None:
    """What a table lost on the way to being anonymous, and what was counted in what was written."""
    table = grid("Anonymous table", "what", "how much", right=("how much",))
    for what, much in (
        ("rows", f"{proof.rows:,}"),
        ("rows suppressed", f"{cost.suppressed:,}"),
        ("classes", f"{proof.classes:,}"),
        ("rows of a class: least, mean, most", f"{proof.smallest:,}, {proof.rows / proof.classes:,.1f}, {proof.largest:,}"),
        *(((f"different {name} in a class, least", f"{count:,}") for name, count in proof.varieties.items())),
        ("information lost (GCP: 0 nothing, 1 all)", f"{cost.loss:.4f}"),
        *((f"level of {name}", str(level)) for name, level in cost.levels.items()),
        ("CPU-seconds", f"{cost.seconds:.1f}"),
    ):
        table.add_row(Text(what), much)
    console.print(table)


# Teaching releases


def release(found: "Release", figures: list[dict[str, Any]]) -> None:
    """A release and what it was held to."""
    console.print(Text.assemble((found.name, "bold"), f"  {found.state}  {found.patients:,} patients, k {found.k}, l {found.l}"))
    if not figures:
        return
    table = grid(None, "figure", "value", "bound", "kept", right=("value",))
    for each in figures:
        kept = (
            Text("yes", style="green") if each["kept"] else Text("no" if each["decides"] else "no, told beside", style="yellow")
        )
        table.add_row(Text(each["name"]), f"{each['value']:g}", Text(str(each["bound"])), kept)
    console.print(table)


def releases(found: "list[Release]") -> None:
    """Every release on a line."""
    if not found:
        console.print("No release yet: `pscc release make`.")
        return
    table = grid(None, "release", "state", "since", "by", "patients", "k", "l", right=("patients", "k", "l"))
    for each in found:
        numbers = (f"{each.patients:,}", str(each.k), str(each.l))
        table.add_row(Text(each.name), each.state, f"{each.at:%Y-%m-%d %H:%M}", Text(each.by), *numbers)
    console.print(table)


# Requests of people


def rights_requests(found: "list[Request]") -> None:
    """Every request."""
    table = grid(None, "request", "what", "hospital", "scope", "persons", "due", "state", right=("persons",))
    for each in found:
        late = " late" if not each.is_closed and each.is_late() else ""
        cells = (each.id, each.kind, each.center, each.scope, figure(each.people), each.due_on, each.state + late)
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table if found else "No request has come in.")


def rights_request(found: "Request") -> None:
    """A request, and what an erasure found zone by zone."""
    told = found.told()
    console.print(
        f"{found.id}: {found.kind} ({found.scope}) at {found.center}, {found.people} persons, {found.state}, due {found.due_on}"
    )
    outcome = told["outcome"] or {}
    if "before" in outcome:
        console.print(_searched(outcome["before"], outcome.get("after", {})))
    for name, value in outcome.items():
        if name not in ("before", "after") and value not in ({}, []):
            console.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
    from jobs.rights.register import absent

    if said := absent(outcome):
        console.print(said)
    if outcome.get("opposition_of_a_hospital_stands"):
        console.print("An opposition in a hospital's own list stands: it ends there, not here.")
    if found.certificate:
        console.print(f"Certificate: {found.certificate}", soft_wrap=True)


def _searched(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> Table:
    names = ("zone", "files", "MB", "traces before", "traces after")
    table = grid("Every file below the lake", *names, right=names[1:])
    for zone in sorted({*before, *after}):
        was, now = before.get(zone, {}), after.get(zone)
        size = f"{was.get('bytes', 0) / 1e6:,.1f}"
        left = f"{now['hits']:,}" if now else "?"
        table.add_row(Text(zone), Text(figure(was.get("files", 0))), Text(size), Text(f"{was.get('hits', 0):,}"), Text(left))
    return table
