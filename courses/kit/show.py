"""Tables as a reader sees them: HTML that a screen reader can walk through, plain text elsewhere."""

import re
from dataclasses import dataclass
from html import escape
from typing import Any

# JupyterLab's own colours, so that the dark theme is dark here too.
CELL = "padding:.25em .75em;border-bottom:1px solid var(--jp-border-color2,#d9dee5);vertical-align:top;"
MUTED = "color:var(--jp-ui-font-color2,#595f69);font-weight:normal;font-size:.85em"


@dataclass(frozen=True)
class Shown:
    """A table to look at: its caption, its columns with their types, its rows."""

    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]

    def _repr_html_(self) -> str:
        head = "".join(map(self._head, self.columns))
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in self.rows)
        # A box that scrolls has to be reached by the keyboard too.
        return (
            f'<div tabindex="0" role="region" aria-label="{escape(self.caption)}" style="overflow:auto;max-height:28em">'
            f'<table style="border-collapse:collapse;text-align:left"><caption style="text-align:left;padding:.25em 0">{escape(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    @staticmethod
    def _head(column: tuple[str, str]) -> str:
        name, kind = column
        told = f'<br><span style="{MUTED}">{escape(kind)}</span>' if kind else ""
        return f'<th scope="col" style="{CELL}text-align:left">{escape(name)}{told}</th>'

    def __repr__(self) -> str:
        lines = [[name for name, _ in self.columns], *([_plain(value) for value in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(value.ljust(width) for value, width in zip(line, widths, strict=True)).rstrip() for line in lines]
        return "\n".join([self.caption, *text])


def _cell(value: Any) -> str:
    if value is None:
        return f'<td style="{CELL}text-align:left;{MUTED}">NULL</td>'
    side = "right" if isinstance(value, int | float) and not isinstance(value, bool) else "left"
    return f'<td style="{CELL}text-align:{side}">{escape(_plain(value))}</td>'


def _plain(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Said:
    """A sentence or two with a heading: what came of a check. A sign and a word tell it, colour only underlines."""

    sign: str
    heading: str
    message: str
    hint: str | None
    foot: str | None
    colour: str
    language: str

    def _repr_html_(self) -> str:
        parts = [f"<p style='margin:0'><strong>{self.sign} {escape(self.heading)}.</strong> {_marked(self.message)}</p>"]
        if self.hint:
            parts.append(f"<p style='margin:.5em 0 0'>{_marked(self.hint)}</p>")
        if self.foot:
            parts.append(f"<p style='margin:.5em 0 0;{MUTED}'>{escape(self.foot)}</p>")
        style = f"border-left:.4em solid {self.colour};padding:.5em 1em;margin:.25em 0"
        return f'<div role="status" lang="{self.language}" style="{style}">{"".join(parts)}</div>'

    def __repr__(self) -> str:
        return "\n".join(filter(None, (f"{self.sign} {self.heading}. {self.message}", self.hint, self.foot)))


def _marked(text: str) -> str:
    """Text for a page; what stands between backticks is set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def put(shown: Any) -> None:
    """Show it below the cell, or print it where there is no notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None:
        print(shown)
        return
    from IPython.display import display

    display(shown)
