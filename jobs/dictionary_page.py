"""The dictionary as one page: every table, column and code of the contracts, searchable, from a file, without a network."""

from html import escape
from pathlib import Path

from jobs.errors import WrongUse
from jobs.page import inline
from quality.contract import Column, Layer, Table
from quality.contracts import contracts
from quality.dictionary import PURPOSE, SENSITIVITY, VERSION, allowed
from quality.value_sets import VALUE_SETS, Value

# What most people look for comes first.
ORDER: tuple[Layer, ...] = ("gold", "silver", "teaching")
HERE = Path(__file__).parent
HINT = "Column, meaning, code … ( / )"


def write(folder: Path) -> Path:
    """Write `index.html` into a folder, which is made; WrongUse where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(page(), encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"Expected to write a page into {folder}, found: {error.strerror}. Name another folder.") from None
    return folder / "index.html"


def page() -> str:
    """The page as HTML."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("dictionary.css", "dictionary.js"))
    boxes = "".join(f'<label><input type="checkbox" name="layer" value="{layer}" checked> {layer}</label>' for layer in ORDER)
    ask = (
        f'<div class="ask" role="search" hidden><input type="search" id="search" aria-label="Search the dictionary" placeholder="{HINT}" '
        f'autocomplete="off" spellcheck="false"><fieldset aria-label="Layers">{boxes}</fieldset></div><p id="found" role="status"></p>'
    )
    body = "".join(_layer(layer) for layer in ORDER)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Dictionary of the PSCC Lakehouse</title><style>
{style}</style></head><body>
<a class="skip" href="#tables">To the tables</a>
<header><div class="wrap"><h1>Dictionary of the PSCC Lakehouse <span class="soft">{VERSION}</span></h1>{ask}</div></header>
<main class="wrap" id="tables">{body}</main>
<script>
{script}</script></body></html>
"""


def _layer(layer: Layer) -> str:
    told = "".join(map(_table, contracts(layer).values()))
    return f'<section class="layer" aria-labelledby="{layer}"><h2 id="{layer}">{layer}</h2><p>{escape(PURPOSE[layer])}</p>{told}</section>'


def _table(table: Table) -> str:
    rows = "".join(_column(table, each) for each in table.columns)
    key = ", ".join(f"<code>{name}</code>" for name in table.key)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("column", "meaning", "type", "empty?", "tells about a person"))
    text = escape(f"{table.address} {table.grain}".lower(), quote=True)
    return (
        f'<details id="{table.address}" data-layer="{table.layer}" data-text="{text}">'
        f"<summary><code>{table.address}</code><span>{inline(table.grain)}</span></summary>"
        f'<div class="inside"><p>Key: {key}.{_made_from(table)}</p>'
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></div></details>'
    )


def _made_from(table: Table) -> str:
    reads = ", ".join(f'<a href="#{each}"><code>{each}</code></a>' for each in table.reads)
    return f" Made from {reads}." if reads else ""


def _column(table: Table, column: Column) -> str:
    unit = f" Unit: {column.unit}." if column.unit else ""
    few = {
        "type": f"<code>{escape(column.type)}</code>",
        "empty": "may be" if column.nullable else "never",
        "tells": SENSITIVITY[column.sensitivity],
    }
    cells = "".join(f'<td class="few" data-label="{label}">{text}</td>' for label, text in few.items())
    meaning = f"{inline(column.meaning + unit)}{_refers(table, column)}{_values(table, column)}"
    place = f"{table.address}.{column.name}"
    return f'<tr id="{place}"><th scope="row"><code>{column.name}</code></th><td class="meaning">{meaning}</td>{cells}</tr>'


def _refers(table: Table, column: Column) -> str:
    """Links to what a column is the key of."""
    found = [each for each in table.references if each.column == column.name]
    return "".join(f' → <a href="#{(place := _place(table, each.table))}"><code>{place}</code></a>' for each in found)


def _place(table: Table, name: str) -> str:
    if "." in name:
        return name
    return f"{table.layer}.{name}" if name in contracts(table.layer) else f"silver.{name}"


def _values(table: Table, column: Column) -> str:
    """The codes of a column, each with its meaning where a list says it; else what is allowed."""
    listed = VALUE_SETS.get(f"{table.name}.{column.name}", {}) if table.layer == "silver" else {}
    if listed:
        return _list([(code, _said(value)) for code, value in listed.items()])
    if column.one_of:
        return _list([(str(value), "") for value in column.one_of])
    said = allowed(column)
    return f' <span class="soft">{inline(said)}</span>' if said else ""


def _said(value: Value) -> str:
    return f"{value.meaning} ({value.system} {value.code})" if value.code else value.meaning


def _list(values: list[tuple[str, str]]) -> str:
    told = "".join(f"<li><code>{escape(code)}</code> {escape(meaning)}</li>" for code, meaning in values)
    return f'<ul class="values">{told}</ul>'
