"""Every contract, found by its file: `quality/contracts/<layer>/<table>.py` declares TABLE."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from quality.contract import Layer, Table


@cache
def contracts(layer: Layer) -> dict[str, Table]:
    """The tables of a layer by name, in the order in which they can be built: what a table reads comes before it."""
    package = import_module(f"{__name__}.{layer}")
    found = {
        m.name: import_module(f"{package.__name__}.{m.name}").TABLE
        for m in iter_modules(package.__path__)
        if not m.name.startswith("_")
    }
    return {name: found[name] for name in _in_build_order(found)}


def _in_build_order(tables: dict[str, Table]) -> list[str]:
    done: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        for read in sorted(tables[name].reads):
            layer, _, other = read.partition(".")
            if layer == tables[name].layer and other in tables:
                visit(other)
        done.append(name)

    for name in sorted(tables):
        visit(name)
    return done
