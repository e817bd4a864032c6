"""The release as people read it: its tables, its dictionary, its card, and what its gate measured."""

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from deltalake import DeltaTable
from markdown_it import MarkdownIt

from quality.contract import Layer
from quality.contract import Table as Contract
from quality.contracts import contracts

SIGNS = {"at least": "≥", "at most": "≤"}
# Attacks tell their bounds as numbers alone. Of these more is better, of all others less.
MORE_IS_BETTER = ("positive control", "true values in the words of the release", "attacks examined")
Verdict = Literal["met", "admitted", "failed", "reported"]
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
    """One measure of the release gate beside its bound.

    The gate admits a risk above its bound where it is not for sure, or no secret: `why` says so. What is only reported decides nothing.
    """

    name: str
    value: Any
    bound_sign: str
    bound: Any
    verdict: Verdict
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
        return [figure for figure in self.gate if figure.verdict != "reported"]

    def count(self, verdict: Verdict) -> int:
        """How many figures have that verdict."""
        return sum(figure.verdict == verdict for figure in self.gate)

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
    """Every figure of the gate's report, with how it was measured."""
    return [_figure(each) for each in gate.get("figures", ())]


def _figure(told: dict[str, Any]) -> Figure:
    words, _, number = str(told["bound"]).rpartition(" ")
    sign, bound = words or ("at least" if told["name"].startswith(MORE_IS_BETTER) else "at most"), _number(number)
    verdict = _verdict(told, told["value"] >= bound if sign == "at least" else told["value"] <= bound)
    # What was counted says how to keep a bound in words, and nothing besides.
    why = "" if words and verdict == "met" else told["advice"]
    return Figure(told["name"], told["value"], SIGNS[sign], bound, verdict, why)


def _verdict(told: dict[str, Any], within: bool) -> Verdict:
    if not told.get("decides", True):
        return "reported"
    if not told["kept"]:
        return "failed"
    return "met" if within else "admitted"


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)
