"""The hospitals: the folder is the register. Every module or package in it declares HOSPITAL and bears its center code.

`feed` aside, and names with an underscore before them.
"""

from collections.abc import Callable, Collection
from functools import cache
from importlib import import_module
from inspect import isfunction
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from jobs.hospitals.feed import Hospital

# Rules of other tables look at these.
INDISPENSABLE = ("person", "primary_cancer")
# Silver tables whose rows scoped oppositions take away: landing knows such rows by the name of their feed.
FED_BY = {"specimen": "sample", "molecular_analysis": "analysis", "variant": "variant"}


@cache
def hospitals() -> dict[str, Hospital]:
    """Every declared hospital by its center code; ValueError for a module that declares none, or another one than its name says."""
    names = sorted(found.name for found in iter_modules(__path__) if found.name != "feed" and found.name[0] != "_")
    return {name: _declared(name) for name in names}


def _declared(name: str) -> Hospital:
    hospital = getattr(_module(name), "HOSPITAL", None)
    if not isinstance(hospital, Hospital) or hospital.center != name:
        found = f"the center {hospital.center!r}" if isinstance(hospital, Hospital) else "none"
        raise ValueError(f"expected HOSPITAL = Hospital(center={name!r}, …) in jobs/hospitals/{name}, found {found}")
    return hospital


@cache
def transforms(center: str) -> dict[str, Callable[..., Any]]:
    """The functions that fill silver tables from a hospital's feeds, by the name of the table.

    ValueError for one that no table is called, and for a hospital without persons or tumours.
    """
    from quality.contracts import contracts

    module, tables = _module(center), contracts("silver")
    if strangers := _functions(module) - tables.keys():
        named = ", ".join(sorted(strangers))
        raise ValueError(f"expected functions of jobs/hospitals/{center} to be named after silver tables, found {named}")
    found = {name: getattr(module, name) for name in tables if callable(getattr(module, name, None))}
    if missing := [name for name in INDISPENSABLE if name not in found]:
        raise ValueError(
            f"expected functions {' and '.join(INDISPENSABLE)} in jobs/hospitals/{center}, found no {' and no '.join(missing)}"
        )
    for table in found:
        fed_as_named(center, table, {feed.domain for feed in module.HOSPITAL.feeds})
    return found


def fed_as_named(center: str, table: str, domains: Collection[str]) -> None:
    """ValueError where a table whose rows scoped oppositions take away is made from other feeds than the one landing looks at."""
    if table in FED_BY and FED_BY[table] not in domains:
        raise ValueError(
            f"expected {table} of jobs/hospitals/{center} to be made from the feed {FED_BY[table]}, found none of that name among those "
            "it is made from: by the name landing knows the rows that an opposition takes away"
        )


def _functions(module: ModuleType) -> set[str]:
    """The public functions that a hospital's module, or a module of its package, defines."""
    own = {name: each for name, each in vars(module).items() if isfunction(each) and not name.startswith("_")}
    return {name for name, each in own.items() if each.__module__.startswith(module.__name__)}


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
