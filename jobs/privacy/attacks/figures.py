"""What the gate of a release says: figures, each with its bound."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One thing that was measured: `kept` says whether it is within its bound, `advice` how it was measured and what helps where it is not.

    A release whose figures are not kept is not published, but for those that do not decide (`decides`): they are told beside.
    """

    name: str
    value: float
    bound: float
    kept: bool
    advice: str
    decides: bool = True

    @classmethod
    def at_most(cls, name: str, value: float, bound: float, advice: str, *, decides: bool = True) -> "Figure":
        """A figure that must not be larger than its bound; one that is no number is not kept."""
        return cls(name, round(value, 5), bound, value <= bound, advice, decides)

    @classmethod
    def at_least(cls, name: str, value: float, bound: float, advice: str, *, decides: bool = True) -> "Figure":
        """A figure that must not be smaller than its bound."""
        return cls(name, round(value, 5), bound, value >= bound, advice, decides)


@dataclass(frozen=True)
class Bounds:
    """What a release must keep, and how hard it is attacked.

    With `attacks` of 2,000 an attack that never succeeds has the upper end .0019 of its 95 % interval. Below 190 attacks nothing could
    show .02, below 960 nothing .002. `tries` is how many questions an attacker may try for each that singles somebody out.
    """

    singling_out: float = 0.02
    linkability: float = 0.002
    inference: float = 0.05
    positive: float = 0.9
    levels: float = 0.5
    survival_gap: float = 0.02
    auc_loss: float = 0.02
    stratum: int = 100
    attacks: int = 2_000
    tries: int = 10
    seed: int = 20_260


DEFAULT = Bounds()


def refused(figures: Iterable[Figure]) -> list[Figure]:
    """The figures that stop a release."""
    return [each for each in figures if each.decides and not each.kept]
