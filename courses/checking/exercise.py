"""What an author declares about an exercise: what is expected, how close, which hints, which mistakes are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from courses.checking.release import Release

Kind = Literal["number", "text", "table", "set", "code", "figure"]
Language = Literal["en", "fr"]
# A sentence in both languages: {"en": …, "fr": …}.
Said = dict[str, str]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
KINDS: tuple[Kind, ...] = ("number", "text", "table", "set", "code", "figure")


@dataclass(frozen=True)
class Wrong:
    """A mistake that many make, and what to say to who made it."""

    matches: Callable[["Release", int, Any], bool]
    say: Said


@dataclass(frozen=True)
class Exercise:
    """An exercise. `expected` gives the right value for the trainee whose variant is `seed`; `tolerance` is an absolute difference."""

    expected: Callable[["Release", int], Any]
    kind: Kind
    tolerance: float = 1e-6
    hints: tuple[Said, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Case:
    """For `kind="code"`: the arguments that the trainee's function is called with, and what it must give back.

    Both travel as JSON; a polars frame arrives as a polars frame. `shown` puts the arguments into the feedback.
    """

    arguments: tuple[Any, ...]
    output: Any
    shown: bool = False


@dataclass(frozen=True)
class Series:
    """For `kind="figure"`: what must be drawn. A step is compared as the staircase that is seen, with corners of its own or drawn by hand."""

    mark: Literal["line", "step", "points", "bars"]
    x: tuple[Any, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Figure:
    """For `kind="figure"`: the series that must be among those drawn, and whether both axes need a label."""

    series: tuple[Series, ...]
    labelled: bool = True
