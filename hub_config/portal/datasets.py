"""The release as people read it: its tables, its dictionary, its card, and what its gate measured."""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from deltalake import DeltaTable
from markdown_it import MarkdownIt

from quality.contract import Layer
from quality.contract import Table as Contract
from quality.contracts import contracts

SIGNS = {"at least": "≥", "at most": "≤"}
# What may be fetched as it lies in the release.
FILES = ("card.md", "card.json", "gate.json")


@dataclass(frozen=True)
class Column:
    """A column as the Delta table describes it."""

    name: str
    type: str
    nullable: bool
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table of the release."""

    name: str
    meaning: str
    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Figure:
    """One measure of the release gate beside its bound; `met` is None where it is only reported."""

    name: str
    value: Any
    bound_sign: str
    bound: Any
    met: bool | None
    why: str = ""


@dataclass(frozen=True)
class Release:
    """One release. It never changes, so it is read once."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        return tuple(_table(log.parent) for log in sorted(self.folder.glob("*/_delta_log")))

    @cached_property
    def card(self) -> dict[str, Any]:
        return self._json("card.json")

    @cached_property
    def gate(self) -> tuple[Figure, ...]:
        return tuple(_figures(self._json("gate.json")))

    @cached_property
    def card_html(self) -> str:
        """The card as HTML, one heading level lower; HTML inside it is shown, not obeyed."""
        path = self.folder / "card.md"
        return _html(path.read_text("utf-8")) if path.exists() else ""

    @property
    def bounded(self) -> list[Figure]:
        """The figures that had to be met."""
        return [figure for figure in self.gate if figure.met is not None]

    @property
    def met(self) -> int:
        return sum(bool(figure.met) for figure in self.gate)

    def said(self, name: str) -> Any:
        """What the card says under that name; None where it is silent."""
        return self.card.get(name)

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(name for name in FILES if (self.folder / name).exists())

    def table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return json.loads(path.read_text("utf-8")) if path.exists() else {}


def _table(folder: Path) -> Table:
    delta, contract = DeltaTable(str(folder)), _contract(folder.name)
    meant = {column.name: column.meaning for column in contract.columns} if contract else {}
    columns = tuple(
        Column(field.name, _type(field.type), field.nullable, str(field.metadata.get("comment") or meant.get(field.name, "")))
        for field in delta.schema().fields
    )
    return Table(folder.name, delta.metadata().description or (contract.grain if contract else ""), delta.count(), columns)


def _contract(table: str) -> Contract | None:
    """The contract of a teaching table, for what the table itself does not say."""
    with suppress(ModuleNotFoundError):
        return contracts(cast(Layer, "teaching")).get(table)
    return None


def _type(kind: Any) -> str:
    """The type in a word: `string`, `integer`, `array<string>`."""
    written = json.loads(kind.to_json())
    return written if isinstance(written, str) else f"{written['type']}<{written.get('elementType', '…')}>"


def _html(markdown: str) -> str:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type.startswith("heading_"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return str(parser.renderer.render(tokens, parser.options, {}))


def _figures(gate: dict[str, Any]) -> list[Figure]:
    """Every figure of the gate's report. What helps is shown where a bound is not kept."""
    return [
        Figure(
            name=each["name"],
            value=each["value"],
            bound_sign=SIGNS.get(str(each["bound"]).rpartition(" ")[0], ""),
            bound=_number(each["bound"]),
            met=each["kept"] if each.get("decides", True) else None,
            why="" if each["kept"] else each["advice"],
        )
        for each in gate.get("figures", ())
    ]


def _number(bound: Any) -> Any:
    """The number of a bound that is told in words: `at most 0.02` is 0.02."""
    last = str(bound).rpartition(" ")[2]
    try:
        return int(last) if last.isdigit() else float(last)
    except ValueError:
        return bound
