"""A disk that a test can fill: a small file system of its own, in memory."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Disk:
    """A file system with a ballast that takes what room is wanted."""

    place: Path

    @contextmanager
    def full(self, leaving: int = 0) -> Iterator[None]:
        """No room but so many bytes, for as long as the block lasts."""
        room = os.statvfs(self.place)
        ballast = self.place / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leaving)
        try:
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Disk]:
    """A disk at a new folder; the test is skipped where nobody may put one there."""
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("Only who may mount a file system, as root may, can fill one of their own.")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
