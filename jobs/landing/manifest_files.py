"""Gate 1, the entries of `files`: safe paths, the right name for each domain, nothing that is a link."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.hospitals.feed import Feed, Hospital
from jobs.landing.model import DeclaredFile, Finding, Manifest
from jobs.landing.signature import MANIFEST

SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{0,119}")
NAME = r"[A-Za-z0-9][A-Za-z0-9._=-]*"
MOST_FILES, MOST_BYTES, MOST_ROWS = 500, 2 * 2**30, 20_000_000
OF_A_MEMBER = ("path", "domain", "rows", "bytes", "sha256", "schema_id")
OF_A_FILE = ("format", "encoding", "compression", "uncompressed_bytes")


def declared(entry: dict[str, Any]) -> DeclaredFile:
    """A manifest entry as it will be asked for."""
    # What else a member says of itself nobody checked: it is not looked at.
    members = tuple(DeclaredFile(**{name: member[name] for name in OF_A_MEMBER}) for member in entry.get("members") or [])
    return DeclaredFile(**{name: entry[name] for name in (*OF_A_MEMBER, *OF_A_FILE)}, members=members)


def is_unsafe(path: str) -> bool:
    """True for a path that could lead out of the folder."""
    return path.startswith("/") or "\\" in path or "\0" in path or bool(re.match(r"[A-Za-z]:", path)) or ".." in path.split("/")


def is_ignored(name: str) -> bool:
    """True for names the receiver does not look at: hidden, or still being written."""
    return name.startswith(".") or name.endswith(".part")


def check_files(manifest: Manifest, hospital: Hospital) -> list[Finding]:
    """What gate 1 finds in the entries of `files` and their members, and in the folder itself."""
    findings = [finding for file in manifest.files for finding in _check_file(manifest, hospital, file)]
    findings += [_unsafe(path, "Expected no symbolic link in the folder, found one.") for path in _links(manifest.folder)]
    for paths in ([f.path for f in manifest.files], *([m.path for m in f.members] for f in manifest.files)):
        if any(times > 1 for times in Counter(paths).values()):
            findings.append(_invalid("Expected every path listed once, found one twice."))
    if len(manifest.files) > MOST_FILES or sum(file.rows for file in manifest.files) > MOST_ROWS:
        findings.append(_invalid(f"Expected at most {MOST_FILES} files and {MOST_ROWS} rows in a delivery, found more."))
    return findings


def _check_file(manifest: Manifest, hospital: Hospital, file: DeclaredFile) -> Iterator[Finding]:
    path = printable(file.path)
    if is_unsafe(file.path):
        yield _unsafe(path, "Expected a relative path inside the folder, found another one.")
    elif not all(SEGMENT.fullmatch(part) for part in file.path.split("/")):
        yield Finding(
            1, "FILE_NAME_INVALID", "Expected plain letters, digits and . _ = - in every part of the name, found others.", path
        )
    else:
        yield from _check_entry(manifest, hospital, file, path)
    for member in file.members:
        yield from _check_member(manifest, hospital, member)


def _check_entry(manifest: Manifest, hospital: Hospital, file: DeclaredFile, path: str) -> Iterator[Finding]:
    is_archive = hospital.archive is not None and file.domain == hospital.archive_domain
    feed = None if is_archive else _feed(hospital, file.domain)
    if not is_archive and (feed is None or feed.member):
        yield _invalid("Expected a domain that the hospital sends as a file of its own, found another one.", path)
        return
    expected = "tar" if feed is None else feed.format
    if file.format != expected or file.encoding not in ("cp1252", "utf-8") or file.compression not in ("gzip", "snappy", None):
        yield _invalid(f"Expected `format` {expected}, a known `encoding` and a known `compression`, found another value.", path)
    if file.bytes > MOST_BYTES:
        yield _invalid("Expected at most 2 GiB in a file, found more.", path)
    if file.members and not is_archive:
        yield _invalid("Expected `members` of an archive only, found some of another file.", path)
    if not name_pattern(feed.file if feed else hospital.archive or "", manifest).fullmatch(file.path):
        yield Finding(1, "FILE_NAME_INVALID", "Expected the name that the contract gives this domain, found another one.", path)


def _check_member(manifest: Manifest, hospital: Hospital, member: DeclaredFile) -> Iterator[Finding]:
    path, feed = printable(member.path), _feed(hospital, member.domain)
    if is_unsafe(member.path):
        yield _unsafe(path, "Expected a member at the root of the archive, found another path.")
    elif feed is None or not feed.member:
        yield _invalid("Expected a domain that the hospital sends in its archive, found another one.", path)
    elif not name_pattern(feed.file, manifest).fullmatch(member.path):
        yield Finding(1, "FILE_NAME_INVALID", "Expected the name that the contract gives this domain, found another one.", path)


def _feed(hospital: Hospital, domain: str) -> Feed | None:
    return next((feed for feed in hospital.feeds if feed.domain == domain), None)


def name_pattern(template: str, manifest: Manifest) -> re.Pattern[str]:
    """What a file of this template is called in this delivery; `year` and `name` can be taken from it."""
    known = {
        "date": manifest.delivery_id[-12:-4],
        "number": manifest.delivery_id[-3:],
        "day": f"{manifest.created_at:%Y-%m-%d}",
        "yearmonth": f"{manifest.created_at:%Y%m}",
        "year": r"(?P<year>\d{4})",
        "month": r"(?:[1-9]|1[0-2])",
        "name": f"(?P<name>{NAME}?)",
    }
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(known[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def _links(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_ignored(name)]
        for name in [*folders, *names]:
            path = Path(place, name)
            if not is_ignored(name) and path.is_symlink():
                yield printable(str(path.relative_to(folder)))


def printable(path: str) -> str:
    """A path that can stand in a log line, however hostile."""
    return path.encode("ascii", "backslashreplace").decode().translate({at: f"\\x{at:02x}" for at in (*range(32), 127)})[:200]


def _unsafe(path: str, sentence: str) -> Finding:
    return Finding(1, "PATH_UNSAFE", sentence, path)


def _invalid(sentence: str, path: str = MANIFEST) -> Finding:
    return Finding(1, "MANIFEST_INVALID", sentence, path)
