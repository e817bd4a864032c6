"""The data dictionary: every contract as a page for people (Markdown) and every layer as one for programs (ODCS 3.1)."""

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, get_args

from quality import suites
from quality.contract import Column, Layer, Rule, Table
from quality.contracts import contracts
from quality.suites import SQL_PREDICATE, in_words
from quality.value_sets import VALUE_SETS

# The version of the tables as their readers see them: a column that goes or changes its meaning makes it grow in front.
VERSION = "1.0.0"
LAYERS: tuple[Layer, ...] = get_args(Layer)
MADE = "Made from `{source}` by `python -m jobs.dictionary`; edit that file, not this page."
SENSITIVITY = {
    "identifier": "pseudonym",
    "quasi": "indirectly identifying",
    "sensitive": "health",
    "none": "nothing",
    None: "not said: never leaves its zone",
}
PURPOSE = {
    "silver": "Oncology facts of several hospitals in one form, one row a fact, with provenance and history.",
    "gold": "Products for analysis, made from silver, without knowing the hospitals.",
    "teaching": "Anonymous tables for teaching, made from gold and silver, a folder a release.",
}
LONGEST_PREDICATE = 140
LOGICAL_TYPES = {"long": "integer", "double": "number", "array<string>": "array"}


def pages() -> dict[str, str]:
    """The text of every generated page, by its path below `docs/`."""
    tables = [table for layer in LAYERS for table in contracts(layer).values()]
    made = {f"tables/{table.address}.md": table_page(table) for table in tables}
    made["tables/README.md"] = index_page(tables)
    return made | {f"odcs/{layer}.odcs.yaml": odcs(layer) for layer in LAYERS if contracts(layer)}


def index_page(tables: Iterable[Table]) -> str:
    """The list of all tables."""
    rows = [(f"[{table.address}]({table.address}.md)", table.grain, _names(table.key)) for table in tables]
    return _text("# Tables", MADE.format(source="quality/contracts/"), grid(("table", "a row is", "key"), rows))


def table_page(table: Table) -> str:
    """What a table holds, what each column means, and what is held against it."""
    facts = [f"- **A row:** {table.grain}", f"- **Key:** {_names(table.key)}"]
    if table.reads:
        facts.append(f"- **Made from:** {_names(table.reads)}")
    if table.hidden_by:
        facts.append(f"- **Left out:** {_left_out(table)}")
    parts = [
        f"# {table.address}",
        MADE.format(source=f"quality/contracts/{table.layer}/{table.name}.py"),
        "\n".join(facts),
        "## Columns",
        grid(("column", "type", "empty?", "meaning", "allowed", "tells about a person"), map(_column_row, table.columns)),
    ]
    values = [_values(table, column) for column in table.columns if f"{table.name}.{column.name}" in VALUE_SETS]
    if values:
        parts += ["## Values", *values]
    if table.rules:
        rows = [(_expected(rule), rule.severity, f"`{rule.flag}`" if rule.flag else "", rule.why) for rule in table.rules]
        parts += ["## Rules", grid(("expected", "a breach is", "flag", "why"), rows)]
    if table.references:
        parts += ["## Refers to", "\n".join(f"- `{r.column}` → `{r.table}.{r.key}`" for r in table.references)]
    return _text(*parts)


def _expected(rule: Rule) -> str:
    """The rule in words; a predicate as it stands where it can be read at a glance."""
    short = rule.expectation == SQL_PREDICATE and len(rule.breach or "") <= LONGEST_PREDICATE
    return f"never `{rule.breach}`" if short else in_words(rule)


def _column_row(column: Column) -> tuple[str, ...]:
    meaning = " ".join(part for part in (column.meaning, f"Unit: {column.unit}." if column.unit else "") if part)
    filled = "may be" if column.nullable else "never"
    return f"`{column.name}`", column.type, filled, meaning, allowed(column), SENSITIVITY[column.sensitivity]


def allowed(column: Column) -> str:
    """What a value of a column may be, in a few words."""
    if column.one_of:
        return ", ".join(f"`{value}`" for value in column.one_of[:8]) + (" …" if len(column.one_of) > 8 else "")
    if column.matches:
        return f"`{column.matches}`"
    if column.between:
        return suites.in_range(*column.between)
    return column.code_system or ""


def _values(table: Table, column: Column) -> str:
    values = VALUE_SETS[f"{table.name}.{column.name}"]
    rows = [(f"`{value}`", said.meaning, f"{said.system} {said.code}" if said.code else "") for value, said in values.items()]
    return f"### {column.name}\n\n" + grid(("value", "meaning", "standard code"), rows)


def _left_out(table: Table) -> str:
    """Who is not in a table; what a product cannot say of people who are left out of some of the tables that it is made from."""
    everywhere = f"people who oppose {', '.join(_scope(scope) for scope in table.hidden_by)}"
    if table.layer != "gold":
        return everywhere
    narrower = [scope for scope in ("genetics", "samples") if without(table, scope)]
    parts = [f"of people who oppose {_scope(scope)}, what {_names(without(table, scope))} would say" for scope in narrower]
    there = "People who oppose the use by companies are there (`gold.patient_summary.industry_use_opposed`)"
    return f"{'; '.join((everywhere, *parts))}. {there}"


def without(table: Table, scope: str) -> list[str]:
    """The silver tables that a product reads, itself or through another, from which an opposition of this scope takes rows."""
    found: set[str] = set()
    for read in table.reads:
        layer, _, name = read.partition(".")
        other = contracts(layer)[name]
        found.update(without(other, scope) if other.layer == "gold" else [read] if scope in other.hidden_by else [])
    return sorted(found)


def _scope(scope: str) -> str:
    words = {
        "all": "any use",
        "genetics": "the use of their genetics",
        "samples": "the use of their samples",
        "industry": "the use by companies",
    }
    return words[scope]


def odcs(layer: Layer) -> str:
    """A layer as an Open Data Contract Standard document, version 3.1.0."""
    document = {
        "version": VERSION,
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"pscc-{layer}",
        "name": f"{layer} layer of the oncology lakehouse",
        "status": "active",
        "domain": "oncology",
        "description": {"purpose": PURPOSE.get(layer, "")},
        "schema": [_odcs_table(table) for table in contracts(layer).values()],
    }
    return f"# {MADE.format(source=f'quality/contracts/{layer}/').replace('`', '')}\n{yaml(document)}"


def _odcs_table(table: Table) -> dict[str, Any]:
    return {
        "id": table.name,
        "name": table.name,
        "logicalType": "object",
        "physicalType": "table",
        "physicalName": f"{table.layer}/{table.name}",
        "dataGranularityDescription": table.grain,
        "properties": [_odcs_column(table, column) for column in table.columns],
        "quality": [_odcs_rule(rule) for rule in table.rules],
    }


def _odcs_column(table: Table, column: Column) -> dict[str, Any]:
    position = table.key.index(column.name) + 1 if column.name in table.key else None
    references = [each for each in table.references if each.column == column.name]
    return {
        "id": column.name,
        "name": column.name,
        "logicalType": LOGICAL_TYPES.get(column.type, column.type),
        "items": {"logicalType": "string"} if column.type.startswith("array") else None,
        "logicalTypeOptions": _odcs_options(column),
        "physicalType": column.type,
        "description": column.meaning,
        "required": not column.nullable,
        "primaryKey": True if position else None,
        "primaryKeyPosition": position,
        "unique": True if table.key == (column.name,) else None,
        "classification": column.sensitivity,
        "relationships": [{"to": _odcs_target(table.layer, each.table, each.key)} for each in references],
        "quality": [_odcs_value_set(column)] if column.one_of else None,
        "customProperties": _odcs_more(unit=column.unit, codeSystem=column.code_system),
    }


def _odcs_options(column: Column) -> dict[str, Any]:
    low, high = column.between or (None, None)
    return {"pattern": column.matches, "minimum": _plain(low), "maximum": _plain(high)}


def _odcs_target(layer: Layer, table: str, key: str) -> str:
    """The referred column: by name in the same document, by address in that of another layer."""
    other, _, name = table.rpartition(".")
    if (other or layer) == layer and name in contracts(layer):
        return f"{name}.{key}"
    return f"{other or 'silver'}.odcs.yaml#/schema/{name}/properties/{key}"


def _odcs_value_set(column: Column) -> dict[str, Any]:
    return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": list(column.one_of)}, "mustBe": 0}


def _odcs_rule(rule: Rule) -> dict[str, Any]:
    by_flag = rule.expectation == SQL_PREDICATE
    expectation = re.sub(r"(?<!^)(?=[A-Z])", "_", rule.expectation).lower()
    asked = {"type": expectation, "kwargs": {name: _plain(value) for name, value in rule.arguments}}
    return {
        "name": rule.flag or in_words(rule),
        "description": rule.why,
        "severity": "error" if rule.severity == "critical" else "warning",
        "type": "custom",
        "engine": "spark-sql" if by_flag else "great-expectations",
        "implementation": rule.breach if by_flag else asked,
    }


def _odcs_more(**properties: str | None) -> list[dict[str, str]]:
    return [{"property": name, "value": value} for name, value in properties.items() if value]


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def yaml(value: dict[str, Any]) -> str:
    """A document of dicts, lists and scalars as YAML; what is empty is left out, and strings are quoted as in JSON."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        filled = {key: _filled(each) for key, each in value.items()}
        return [line for key, each in filled.items() if each not in (None, {}, []) for line in _entry(f"{key}:", each, "  ")]
    return [line for each in value for line in _item(_filled(each))]


def _entry(key: str, value: Any, pad: str) -> list[str]:
    nested = isinstance(value, (dict, list))
    return [key, *(pad + line for line in _lines(value))] if nested else [f"{key} {json.dumps(value, ensure_ascii=False)}"]


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value) if isinstance(value, (dict, list)) else [json.dumps(value, ensure_ascii=False)]
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _filled(value: Any) -> Any:
    return {key: each for key, each in value.items() if each not in (None, {}, [])} if isinstance(value, dict) else value


def grid(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    names = tuple(head)
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in (names, ("---",) * len(names), *rows)
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _text(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"
