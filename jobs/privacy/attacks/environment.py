"""The environment of the attacks: anonymeter asks for an older numpy than ours, so it has one of its own, made once.

`make attacks` makes it beforehand: services that root starts may read this checkout, and write nothing into it.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from jobs.errors import WrongUse

HOUSE = Path(__file__).parents[3]
LOCK = HOUSE / "requirements" / "attacks.txt"
PLACE = HOUSE / ".venv-attacks"


def python(place: Path = PLACE, lock: Path = LOCK) -> Path:
    """The Python of the environment, which is made when it is not there or not of this lock. WrongUse where it cannot be made."""
    command, ready = place / "bin" / "python", place / ".ready"
    wanted = _digest(lock)
    if _is(ready, wanted):
        return command
    try:
        with place.with_name(f"{place.name}.lock").open("w") as turn:
            # Two examinations at once: the second waits and finds it made.
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not _is(ready, wanted):
                _make(place, lock)
                ready.write_text(wanted, encoding="ascii")
    except PermissionError:
        raise WrongUse(
            f"Expected the environment of the attacks in {place}, found none, and this user may not make it: run `make attacks` as the owner of "
            f"{place.parent}."
        ) from None
    except OSError as error:
        raise WrongUse(
            f"Expected to make the environment of the attacks in {place}, found {type(error).__name__}: check rights and disk."
        ) from None
    return command


def _digest(lock: Path) -> str:
    try:
        return hashlib.sha256(lock.read_bytes()).hexdigest()
    except OSError:
        raise WrongUse(f"Expected the lock of the attacks at {lock}, found none: run from a checkout of the project.") from None


def _is(ready: Path, wanted: str) -> bool:
    return ready.is_file() and ready.read_text(encoding="ascii") == wanted


def _make(place: Path, lock: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise WrongUse("Expected uv to make the environment of the attacks, found none: run `make setup`.")
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], place)
    install = ["--require-hashes", "--python", str(place / "bin" / "python"), "--requirement", str(lock)]
    _run([uv, "pip", "install", "--quiet", *install], place)


def _run(command: list[str], place: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongUse(
            f"Expected `uv {command[1]}` to make the environment of the attacks in {place}, found it failing: it needs Python 3.11 or 3.12, "
            "1 GB of disk, and a package registry within reach. Run again then."
        )


if __name__ == "__main__":
    python()
