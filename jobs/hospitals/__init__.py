"""The hospitals: the folder is the register, a module that declares HOSPITAL is one."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from jobs.hospitals.feed import Hospital


@cache
def hospitals() -> dict[str, Hospital]:
    """Every declared hospital by its center code."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    declared = [module.HOSPITAL for module in modules if hasattr(module, "HOSPITAL")]
    return {hospital.center: hospital for hospital in sorted(declared, key=lambda each: each.center)}


@cache
def transforms(center: str) -> dict[str, Callable[..., Any]]:
    """The functions that fill silver tables from a hospital's feeds, by the name of the table."""
    from quality.contracts import contracts

    module = import_module(f"{__name__}.{center}")
    return {name: getattr(module, name) for name in contracts("silver") if callable(getattr(module, name, None))}
