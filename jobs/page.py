"""The page of a return report: one file that opens anywhere, prints well and loads nothing from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

VERDICTS = {
    "accepted": ("Accepted", "loaded"),
    "duplicate": ("Duplicate", "no effect"),
    "rejected": ("Rejected", "nothing was loaded"),
    "quarantined": ("Quarantined", "nothing was loaded, files are locked away"),
    "held": ("Held", "waiting, nothing was loaded"),
}
STYLE = """
:root{--ink:#1c2733;--faint:#66737f;--line:#e2e7eb;--paper:#fff;--ground:#f5f7f9;--accepted:#1d7a4f;--duplicate:#4a6580;--rejected:#b3261e;--quarantined:#8a1c7c;--held:#a15c00}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebef;--faint:#9aa7b2;--line:#313b45;--paper:#1a2128;--ground:#12171c;--accepted:#5cc894;--duplicate:#93b1cf;--rejected:#ff8a80;--quarantined:#e29bd8;--held:#f0b35a}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:60rem;margin:2rem auto;padding:0 1rem}
header{background:var(--paper);border:1px solid var(--line);border-left:.5rem solid var(--verdict);border-radius:.5rem;padding:1.25rem 1.5rem}
h1{font-size:1.5rem;margin:0;font-variant-numeric:tabular-nums}h2{font-size:1.05rem;margin:2rem 0 .5rem}
.verdict{color:var(--verdict);font-weight:600}.faint{color:var(--faint)}.next{margin:.75rem 0 0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0 0}
.figures div{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.figures b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.45rem .8rem;border-top:1px solid var(--line);vertical-align:top}
thead th{border-top:0;color:var(--faint);font-weight:500;font-size:.87em}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
footer{margin:2rem 0;color:var(--faint);font-size:.87em}@media print{body{background:#fff}main{margin:0;max-width:none}.scroll{overflow:visible}}
"""
WHERE = ("file", "row", "column")
NUMBERS = frozenset({"row", "gate", "rows read", "set aside", "opposed", "before", "now"})
DRIFT = ("feed", "column", "measure", "before", "now", "compared with")
MEASURES = {"rows": "rows", "set_aside_share": "rows set aside", "null_share": "empty cells", "distinct": "different values"}


def page(report: Mapping[str, Any]) -> str:
    """The report as HTML."""
    name = report["delivery_id"] or "A delivery without a readable id"
    verdict, meaning = VERDICTS[report["outcome"]]
    files, left = report["files"], report["not_listed"]
    findings, faults, warnings = [_placed(each) for each in report["findings"]], _faults(files), _warnings(report["seen"])
    codes = " ".join(f"<code>{escape(code)}</code>" for code in report["reason_codes"])
    parts = [
        f'<header style="--verdict:var(--{report["outcome"]})"><h1>{escape(name)}</h1>',
        f'<div><span class="verdict">{verdict}</span> <span class="faint">{meaning}, {escape(report["judged_at"])}</span> {codes}</div>',
        f'<p class="next">{inline(report["what_to_do"])}</p></header>',
        _figures(report),
        _table(cut("What was found", len(findings), left.get("findings", 0)), findings, ("gate", "code", *WHERE, "what")),
        _table("Files", [_file(each) for each in files], ("file", "rows read", "set aside", "reasons", "opposed")),
        _table(
            cut("Rows set aside", len(faults), sum(file.get("not_listed", 0) for file in files)),
            faults,
            (*WHERE, "reason", "what"),
        ),
        _table(cut("Warnings", len(warnings), sum(left.values()) - left.get("findings", 0)), warnings, ("code", *WHERE, "what")),
        _table("Other than before", [_drifted(each) for each in report["drift"]], DRIFT),
        _table("Please send these patients again", [_placed(each) for each in report["send_again"]], (*WHERE, "what")),
        _list("Held deliveries that this one let load", report["released"]),
        _table("Decisions", report["decisions"], ("verdict", "by", "why", "at")),
        _table("Earlier verdicts", [_earlier(each) for each in report["earlier"]], ("outcome", "codes", "at")),
    ]
    foot = "Rows are counted from 1, without the header. This report names places, never a value of a patient."
    body = "".join(parts) + f"<footer>{foot}</footer>"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    return f'<!doctype html><html lang="en"><head>{head}<title>{escape(name)}: {verdict}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n'


def _figures(report: Mapping[str, Any]) -> str:
    """Counts of rows, where the files were read to their end: of a refused delivery nothing is counted."""
    if not report["files"]:
        return ""
    silver = report["rows_silver"]
    figures = {"rows read": report["rows_read"]}
    if report["outcome"] == "accepted":
        figures |= {name: silver[name] for name in ("new", "changed", "unchanged", "deleted")}
        figures |= {"set aside": sum(report["rows_set_aside"].values()), "waiting": sum(report["rows_waiting"].values())}
        figures |= {"opposed, dropped": report["rows_dropped_opposed"], "gone with a parent": report["rows_gone"]}
    boxes = "".join(f"<div><b>{count:,}</b>{escape(name)}</div>" for name, count in figures.items())
    return f'<div class="figures">{boxes}</div>'


def cut(title: str, listed: int, not_listed: int) -> str:
    """The title of a list, saying so where the list was cut."""
    return f"{title}: the first {listed:,} of {listed + not_listed:,}" if not_listed else title


def _table(title: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> str:
    if not rows:
        return ""
    shown = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    kind = {name: ' class="n"' if name in NUMBERS else "" for name in shown}
    head = "".join(f"<th{kind[name]}>{escape(name)}</th>" for name in shown)
    lines = "".join(
        "<tr>" + "".join(f"<td{kind[name]}>{_cell(name, row.get(name))}</td>" for name in shown) + "</tr>" for row in rows
    )
    return (
        f'<h2>{escape(title)}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"<code>{escape(str(value))}</code>" if name in ("file", "column", "code", "reason") else inline(str(value))


def inline(text: str) -> str:
    """Escaped text, what stands between back-ticks as code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def _list(title: str, items: Sequence[str]) -> str:
    lines = "".join(f"<li><code>{escape(item)}</code></li>" for item in items)
    return f"<h2>{escape(title)}</h2><ul>{lines}</ul>" if items else ""


def _placed(finding: Mapping[str, Any]) -> dict[str, Any]:
    gate = finding.get("gate")
    # 5.5 is the second half of gate 5, the members of an archive.
    return {**finding, "gate": int(gate) if gate else None, "what": finding.get("sentence")}


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in file["set_aside"].items())
    return {
        "file": file["path"],
        "rows read": file["rows_read"],
        "set aside": sum(file["set_aside"].values()),
        "reasons": reasons,
        "opposed": file.get("opposed"),
    }


def _faults(files: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**fault, "reason": fault["code"], "what": fault.get("sentence")} for file in files for fault in file["faults"]]


def _warnings(seen: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [{**_placed(each), "code": code} for code, findings in seen.items() for each in (findings or [{}])]


def _drifted(drift: Mapping[str, Any]) -> dict[str, Any]:
    shown = "{:.1%}" if drift["measure"].endswith("_share") else "{:,.0f}"
    return {
        "feed": drift["domain"],
        "column": drift["column"],
        "measure": MEASURES[drift["measure"]],
        "before": shown.format(drift["previous"]),
        "now": shown.format(drift["current"]),
        # Not always the last one: a feed may have been left out there.
        "compared with": drift["previous_delivery_id"],
    }


def _earlier(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {"outcome": verdict["outcome"], "codes": ", ".join(verdict["reason_codes"]), "at": verdict["judged_at"]}
