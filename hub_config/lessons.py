"""Lessons on their way into a home: what is missing is put there, work that is there is never touched.

The hub does this as root in folders that trainees rule, so every step refuses to follow a link.
"""

import os
from contextlib import suppress
from pathlib import Path

INSIDE = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def make_home(home: Path, uid: int | None) -> None:
    """A home that only its owner may enter; `uid` None where everybody is the hub's user."""
    with suppress(FileExistsError):
        home.mkdir(mode=0o700)
        if uid is not None:
            os.chown(home, uid, uid)


def put_lessons(built: Path, home: Path, courses: tuple[str, ...], uid: int | None) -> list[str]:
    """Copy the trainee's notebooks of these courses (all, where none is named) that are missing; their names.

    A lesson that was deleted or renamed comes back fresh with the next start: that is how one begins again.
    """
    placed = []
    at_home = os.open(home, INSIDE)
    try:
        for lessons in sorted(built.glob("*/trainee")):
            course = lessons.parent.name
            if not courses or course in courses:
                placed += [f"{course}/{name}" for name in _put_course(lessons, at_home, course, uid)]
    finally:
        os.close(at_home)
    return placed


def _put_course(lessons: Path, at_home: int, course: str, uid: int | None) -> list[str]:
    with suppress(FileExistsError):
        os.mkdir(course, 0o700, dir_fd=at_home)
        _give(course, at_home, uid)
    try:
        folder = os.open(course, INSIDE, dir_fd=at_home)
    except OSError:
        return []
    try:
        return [lesson.name for lesson in sorted(lessons.glob("*.ipynb")) if _put(lesson, folder, uid)]
    finally:
        os.close(folder)


def _put(lesson: Path, folder: int, uid: int | None) -> bool:
    try:
        there = os.open(lesson.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    except FileExistsError:
        return False
    try:
        with os.fdopen(there, "wb") as file:
            file.write(lesson.read_bytes())
    except OSError:
        # Half a lesson would stay for good: what is there is never touched again.
        os.unlink(lesson.name, dir_fd=folder)
        raise
    _give(lesson.name, folder, uid)
    return True


def _give(name: str, folder: int, uid: int | None) -> None:
    if uid is not None:
        os.chown(name, uid, uid, dir_fd=folder, follow_symlinks=False)


def size_of(home: Path) -> int:
    """Bytes on disk below a home; links are not followed."""
    total, folders = 0, [str(home)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    return total
