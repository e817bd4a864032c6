"""Data Docs: a page a table and an index, from `ops.quality_result`, `ops.drift` and the completeness of silver.

Great Expectations renders such pages too, but they fetch styles and scripts from a dozen public hosts, which a hospital's
network does not reach and should not ask. These hold everything they show, and they are made from counts alone.
"""

from collections.abc import Iterable, Sequence
from html import escape

import polars as pl

from quality import comparison, drift, places, verdicts
from quality.verdicts import WHOLE_TABLE

# How many passes a table's page looks back on.
PASSES = 12
STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--faint:#667085;--line:#d8dee8;--paper:#fff;--ground:#f4f6f9;--good:#14804a;--bad:#c02626;--odd:#a15c00}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--faint:#98a2b3;--line:#333c4a;--paper:#1b222c;--ground:#12171e;--good:#4ac587;--bad:#f07171;--odd:#e3a24a}}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:72rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{max-width:48rem}a{color:inherit}.faint{color:var(--faint)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;background:var(--paper);border:1px solid var(--line)}
th,td{padding:.35rem .7rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;color:var(--faint)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.good{color:var(--good)}.bad{color:var(--bad);font-weight:600}.odd{color:var(--odd);font-weight:600}
svg{vertical-align:middle}
""".strip()
Row = dict[str, object]


def build_docs(lake_root: str) -> str:
    """Write the site below `<lake>/docs/quality`; the path of its index."""
    told = verdicts.recorded(lake_root)
    pages = {
        f"{table}.html": _table_page(str(table), told.filter(pl.col("table") == table)) for table in told["table"].unique().sort()
    }
    pages["drift.html"] = _drift_page(drift.recorded(lake_root))
    pages["hospitals.html"] = _hospitals_page(comparison.completeness(lake_root))
    pages["index.html"] = _index(told)
    folder = f"{lake_root}/docs/quality"
    for name, page in pages.items():
        places.write(f"{folder}/{name}", page)
    return f"{folder}/index.html"


def _index(told: pl.DataFrame) -> str:
    latest = _latest(told)
    rows = [
        "<tr>"
        + _link(str(row["table"]))
        + _verdict(bool(row["passed"]))
        + _numbers(row["pass_number"], row["rows"])
        + _numbers(checks.height, _broken(checks, "critical"), _broken(checks, "warning"))
        + f"<td class=faint>{escape(str(row['engine']))}</td></tr>"
        for row, checks in latest
    ]
    passed = sum(bool(row["passed"]) for row, _ in latest)
    head = ("table", "verdict", "pass#", "new rows#", "checks#", "broken, critical#", "broken, warning#", "engine")
    lead = f"{passed} of {len(latest)} tables passed the gate when rows were last staged for them. Counts only: no page shows a value of a row."
    return _page("Data quality", lead, _table(head, rows), up=False)


def _table_page(table: str, told: pl.DataFrame) -> str:
    row, checks = _latest(told)[0]
    history = _history(told)
    rows = [
        f"<tr><td>{escape(str(each['sentence']))}</td><td class=faint>{escape(str(each['expectation']))}</td>"
        + _outcome(each)
        + _numbers(each["unexpected_count"], _percent(each["unexpected_count"], row["rows"]))
        + f"<td>{_bars(history.get((str(each['expectation']), str(each['column']), str(each['sentence'])), []))}</td></tr>"
        for each in checks.iter_rows(named=True)
    ]
    verdict = "may be published" if row["passed"] else "was not published without a person's word"
    lead = f"Pass {row['pass_number']}: {row['rows']} new rows, judged by {row['engine']}; what was staged {verdict}."
    head = ("expected", "expectation", "outcome", "rows#", "share#", f"last {PASSES} passes")
    return _page(table, lead, _table(head, rows))


def _drift_page(told: pl.DataFrame) -> str:
    warned = told.filter(pl.col("warning")).sort("measured_at", descending=True).head(500)
    rows = [
        f"<tr><td>{escape(row['center'])}</td><td>{escape(row['delivery_id'])}</td><td>{escape(row['domain'])}</td>"
        f"<td>{escape(row['column'])}</td><td>{escape(row['measure'].replace('_', ' '))}</td>"
        + _numbers(_figure(row["previous"]), _figure(row["current"]))
        + "</tr>"
        for row in warned.iter_rows(named=True)
    ]
    lead = "Where a delivery differs from the one before it by more than chance explains. A warning to look, not a refusal."
    return _page("Drift", lead, _table(("hospital", "delivery", "feed", "column", "measure", "before#", "now#"), rows))


def _hospitals_page(shares: pl.DataFrame) -> str:
    centers = sorted(shares["center"].unique())
    gaps = {(row["table"], row["column"], row["center"]) for row in comparison.gaps(shares).iter_rows(named=True)}
    parts = []
    for (table,), rows in sorted(shares.group_by("table"), key=lambda each: str(each[0][0])):
        by_center = {(row["column"], row["center"]): row["share"] for row in rows.iter_rows(named=True)}
        lines = [
            f"<tr><td>{escape(name)}</td>"
            + "".join(_share(by_center.get((name, center)), (table, name, center) in gaps) for center in centers)
            + "</tr>"
            for name in sorted(rows["column"].unique())
        ]
        parts.append(f"<h2>{escape(str(table))}</h2>" + _table(("column", *(f"{center}#" for center in centers)), lines))
    lead = "Share of current rows with a value, by hospital. Marked: a column that one hospital leaves empty and another fills."
    return _page("Between hospitals", lead, "".join(parts))


def _latest(told: pl.DataFrame) -> list[tuple[Row, pl.DataFrame]]:
    """For every table its newest verdict on staged rows (else its newest), with the checks behind it."""
    found = []
    for _, rows in sorted(told.group_by("table"), key=lambda each: str(each[0][0])):
        whole = rows.filter(pl.col("expectation") == WHOLE_TABLE).sort(pl.col("rows") > 0, "recorded_at", descending=True)
        row = whole.row(0, named=True)
        same = (pl.col("pass_number") == row["pass_number"]) & (pl.col("recorded_at") == row["recorded_at"])
        found.append((row, rows.filter(same & (pl.col("expectation") != WHOLE_TABLE))))
    return found


def _history(told: pl.DataFrame) -> dict[tuple[str, str, str], list[float]]:
    """By check: the share of rows that broke it, pass after pass."""
    seen = told.filter((pl.col("rows") > 0) & (pl.col("expectation") != WHOLE_TABLE)).sort("recorded_at")
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in seen.iter_rows(named=True):
        share = 0.0 if row["passed"] else (row["unexpected_count"] or row["rows"]) / row["rows"]
        found.setdefault((row["expectation"], row["column"], row["sentence"]), []).append(share)
    return {check: shares[-PASSES:] for check, shares in found.items()}


def _broken(checks: pl.DataFrame, severity: str) -> int:
    return checks.filter(~pl.col("passed") & (pl.col("severity") == severity)).height


def _outcome(row: Row) -> str:
    if row["passed"]:
        return "<td class=good>kept</td>"
    return "<td class=bad>broken</td>" if row["severity"] == "critical" else "<td class=odd>warning</td>"


def _verdict(passed: bool) -> str:
    return "<td class=good>passed</td>" if passed else "<td class=bad>failed</td>"


def _bars(shares: Sequence[float]) -> str:
    """A tiny chart: a bar a pass, as high as the share of rows at fault."""
    if not any(shares):
        return ""
    bars = (
        f'<rect x="{8 * place}" y="{20 - max(1, 20 * share):.1f}" width="6" height="20"/>' for place, share in enumerate(shares)
    )
    drawn = "".join(bar for bar, share in zip(bars, shares, strict=True) if share)
    label = f"share of rows at fault, newest last: {', '.join(f'{share:.1%}' for share in shares)}"
    return f'<svg role="img" aria-label="{label}" width="{8 * PASSES}" height="20" class="odd" fill="currentColor">{drawn}</svg>'


def _share(share: float | None, gap: bool) -> str:
    said = "" if share is None else f"{share:.0%}"
    return f'<td class="n{" odd" if gap else ""}">{said}</td>'


def _percent(count: object, rows: object) -> str:
    return f"{count / rows:.1%}" if isinstance(count, int) and isinstance(rows, int) and count and rows else ""


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) and value > 1 else f"{value:.3g}"


def _numbers(*values: object) -> str:
    return "".join(f"<td class=n>{'' if value is None else escape(str(value))}</td>" for value in values)


def _link(table: str) -> str:
    return f'<td><a href="{escape(table)}.html">{escape(table)}</a></td>'


def _table(head: Iterable[str], rows: Sequence[str]) -> str:
    """A table; a heading that ends with # is over numbers."""
    if not rows:
        return "<p>Nothing yet.</p>"
    titles = "".join(
        f"<th class=n>{escape(each[:-1])}</th>" if each.endswith("#") else f"<th>{escape(each)}</th>" for each in head
    )
    return f"<div class=wide><table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _page(title: str, lead: str, body: str, up: bool = True) -> str:
    others = '<a href="index.html">All tables</a> · ' if up else ""
    links = f'<p>{others}<a href="drift.html">Drift</a> · <a href="hospitals.html">Between hospitals</a></p>'
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{links}<p>{escape(lead)}</p>{body}</main></body></html>\n"
    )
