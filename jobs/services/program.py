"""What runs: one declaration a program."""

from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.services.place import Place


@dataclass(frozen=True)
class Program:
    """A program under the supervisor: what it runs, what must answer before it starts, and how to ask whether it is well."""

    name: str
    command: Callable[[Place], list[str]]
    environment: Callable[[Place], dict[str, str]]
    # None where it is well; else what is wrong, in a few words.
    probe: Callable[[Place], str | None]
    needs: tuple[str, ...] = ()
    # What only root can: mounts of its own, another user.
    confine: Callable[[Place], list[str]] = field(default=lambda place: [])
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    # How long it may be silent before it is started again: a busy machine is no dead program.
    patience_seconds: int = 120
    # What a machine may do without, all but the core.
    part: str = "core"
    # Who it is where root starts it.
    user: int = 0
    # What files it makes are closed to: everybody else, or as root's all but those that a folder names.
    umask: str = "077"
    # Whether its folder holds rows on their way alone, which nobody needs once it has ended.
    spills: bool = False
