"""The kinds of settings: how a value of each looks, and what is wrong with one that does not. Nothing is opened but key files."""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quality.address import is_remote

# The files that a container is given lie here; who may read them is settled by who has the container.
GIVEN = Path("/run/secrets")
# As SQLAlchemy reads an address: driver, user and password, host and port, database, options.
ADDRESS = re.compile(r"([\w+]+)://(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?]+\]|[^/:?]*)(?::\d+)?(?:/[^?]*)?(?:\?.*)?")


@dataclass(frozen=True)
class Fault:
    """What was found instead, in words, and what to do. Without `found` it is the value itself, unless that is a secret."""

    todo: str = "correct it"
    found: str = ""


OTHER = Fault()


@dataclass(frozen=True)
class Kind:
    """`words` go on after "Expected NAME to be"; `fault` says what is wrong with a value, None where nothing is."""

    words: str
    fault: Callable[[str], Fault | None]


def matching(words: str, pattern: str) -> Kind:
    """Values of one form, whatever their case."""
    form = re.compile(pattern, re.IGNORECASE)
    return Kind(words, lambda value: None if form.fullmatch(value) else OTHER)


def number(what: str, low: int, high: int) -> Kind:
    """Whole numbers of something, within bounds that are both included."""

    def fault(value: str) -> Fault | None:
        return None if re.fullmatch(r"[0-9]{1,9}", value) and low <= int(value) <= high else OTHER

    return Kind(f"{what} from {low:,} to {high:,}", fault)


def choice(*values: str) -> Kind:
    """One of a few words."""
    return Kind(f"one of {', '.join(values)}", lambda value: None if value in values else OTHER)


def _folder_fault(value: str) -> Fault | None:
    """One that is not there yet is made by whoever writes to it, or waited for."""
    # Behind a closed door too: Path would raise there.
    is_there = os.access(value, os.F_OK)
    return Fault("name a folder", f"a file at {value}") if is_there and not Path(value).is_dir() else None


def _place_fault(value: str) -> Fault | None:
    if not is_remote(value):
        return _folder_fault(value)
    return None if re.fullmatch(r"s3a://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9._=-]+)*/?", value) else OTHER


def _file_fault(value: str) -> Fault | None:
    is_there = os.access(value, os.R_OK) and Path(value).is_file()
    return None if is_there else Fault("correct the path, or the rights to the file", f"no readable file at {value}")


def _private_fault(value: str) -> Fault | None:
    # What is no path may be the secret itself, set by mistake: it is not shown.
    if _file_fault(value):
        return Fault("correct the path, or the rights to the file", "no readable file there")
    file = Path(value).stat()
    mode = stat.S_IMODE(file.st_mode)
    # Root's may be read by the group of the service that it is for.
    is_closed = not mode & (0o037 if file.st_uid == 0 else 0o077)
    if is_closed or Path(value).resolve().is_relative_to(GIVEN):
        return None
    return Fault(f"close it with `chmod 600 {value}`", f"{value} open to others (mode {mode:04o})")


def _key_fault(value: str) -> Fault | None:
    if fault := _private_fault(value):
        return fault
    # Never more than could be a key: the path may name anything.
    with Path(value).open("rb") as file:
        found = file.read(80).strip()
    return (
        None if re.fullmatch(rb"[0-9a-f]{64}", found) else Fault("make a key with `pscc key FILE`", f"something else in {value}")
    )


def _database_fault(value: str) -> Fault | None:
    address = ADDRESS.fullmatch(value)
    if not address:
        return Fault(found="something that is no address")
    if address[1].partition("+")[0] != "postgresql":
        return Fault("only PostgreSQL can be shared", "another kind of database")
    return None


ANYTHING = Kind("anything", lambda _: None)
TEXT = Kind("text", lambda _: None)
FOLDER = Kind("a folder", _folder_fault)
PLACE = Kind("a folder or an address like s3a://bucket/folder", _place_fault)
FILE = Kind("a file", _file_fault)
PRIVATE_FILE = Kind("a file that nobody else may read (mode 0600)", _private_fault)
KEY_FILE = Kind("a file of 64 lower-case hex digits that nobody else may read (mode 0600)", _key_fault)
MEMORY = matching("like 2g or 1500m", r"[1-9]\d*[kmgt]")
WEB = matching("an address like https://host/…", r"https?://[^\s/@]+(/\S*)?")
MAILS = matching("like a@site.example or a@site.example,b@site.example", r"[^\s@,]+@[^\s@,]+(\s*,\s*[^\s@,]+@[^\s@,]+)*")
MAIL = matching("like lakehouse@site.example", r"[^\s@,]+@[^\s@,]+")
HOST = matching("like mail.example:587", r"[^\s,/]+:\d{1,5}")
HOSTS = matching("like kafka:9092 or one:9092,two:9092", r"[^\s,/]+:\d{1,5}(,[^\s,/]+:\d{1,5})*")
DATABASE = Kind("postgresql://user:password@host:port/database", _database_fault)
SPARK = matching("like local[2], spark://host:7077, k8s://… or yarn", r"local(\[.+\])?|yarn|(spark|k8s)://.+")
SPARK_SERVER = matching("like sc://host:15002", r"sc://[^/:;\s]+(:\d+)?([/;].*)?")
DAYS_BY_HOSPITAL = matching("like gr=35,aphp=8", r"\s*\w+=0*[1-9]\d*(\s*,\s*\w+=0*[1-9]\d*)*\s*,?\s*")
