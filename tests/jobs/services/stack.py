"""The services of one machine for a test: up and well on a lake of their own, down and gone in the end."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from jobs.services.place import Place, prepared
from jobs.services.updown import down, up
from jobs.services.users import CLINICAL_UID
from jobs.settings import Settings
from jobs.simulate import Answer

KEY = "ab" * 32


@contextmanager
def services_for(hospitals: Answer, folder: Path, *, without: tuple[str, ...] = ()) -> Iterator[Place]:
    """Services that take deliveries of these hospitals, all that they have below `folder`."""
    (folder / "platform.key").write_text(KEY)
    (folder / "platform.key").chmod(0o600)
    hand_over(folder, hospitals.root)
    asked = {"keys": str(hospitals.keys), "platform_key_file": str(folder / "platform.key"), "without": without}
    made = prepared(folder / "services", asked)
    try:
        up(made, lambda _: None)
        yield made
    finally:
        down(made)
        shutil.rmtree(folder, ignore_errors=True)


def hand_over(*places: Path) -> None:
    """Services that root starts are not root: what they read is theirs, and who knows the way may pass."""
    if os.geteuid() != 0:
        return
    for place in places:
        for each in (place, *place.rglob("*")):
            os.chown(each, CLINICAL_UID, CLINICAL_UID)
        for way in place.parents:
            way.chmod(way.stat().st_mode | 0o011)


def settings_of(place: Place) -> Settings:
    """What commands need to read the lake of these services."""
    return replace(Settings(lake=place.lake), platform_key_file=Path(place.platform_key_file))


def by_program(place: Place, name: str) -> list[psutil.Process]:
    """The guard of a program and everything below it."""
    head = psutil.Process(int((place.run / "supervisord.pid").read_text()))
    guard = next(each for each in head.children() if name in each.cmdline())
    return [guard, *guard.children(recursive=True)]


def program_itself(place: Place, name: str) -> psutil.Process:
    """The process that a person would kill: neither the guard nor what confines it."""
    _, *below = by_program(place, name)
    return next(each for each in below if each.name() != "bwrap")
