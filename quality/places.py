"""Where tables and pages lie: in a folder, or below an address of an object store (`s3a://bucket/…`).

delta-rs, polars and Spark's S3A find store and credentials in the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_ALLOW_HTTP); pyarrow has to be told the first two.
"""

import hashlib
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs
from deltalake import DeltaTable

from quality.address import is_remote, region

# pyarrow would inflate what is read, and deflate what is written, where a name ends in .gz: signed files would not be the same any more.
AS_IT_IS: Any = {"compression": None}


def filesystem(place: str) -> tuple[fs.FileSystem, str]:
    """The file system of a place, and the place in it."""
    if is_remote(place):
        return _object_store(), place.partition("://")[2]
    return fs.LocalFileSystem(), place


@cache
def _object_store() -> fs.FileSystem:
    # Small objects with one put, not as uploads of one part.
    return fs.S3FileSystem(endpoint_override=os.environ.get("AWS_ENDPOINT_URL"), region=region(), allow_delayed_open=True)


def files(table: DeltaTable) -> list[str]:
    """The files of a version of a table; delta-rs names them as in an address, with %20 for a space."""
    return [unquote(each) for each in table.file_uris()]


def folder(table: DeltaTable) -> str:
    """Where a table lies."""
    return unquote(table.table_uri).removeprefix("file://").rstrip("/")


def dataset(table: DeltaTable) -> ds.FileSystemDataset | None:
    """The rows of a version of a table, None where it has no file.

    Not to_pyarrow_dataset() or to_pyarrow_table(): a process that ends soon after those sometimes aborts (deltalake 1.6.6).
    """
    found = files(table)
    if not found:
        return None
    system = filesystem(found[0])[0]
    return ds.dataset([filesystem(each)[1] for each in found], schema=pa.schema(table.schema()), filesystem=system)


def tables(zone: str) -> list[str]:
    """The names of the Delta tables right below a place, in order."""
    system, place = filesystem(zone)
    found = [each.base_name for each in system.get_file_info(fs.FileSelector(place, allow_not_found=True))]
    logs = system.get_file_info([f"{place}/{name}/_delta_log" for name in found])
    return sorted(name for name, log in zip(found, logs, strict=True) if log.type == fs.FileType.Directory)


def write(file: str, text: str) -> None:
    """Write a text, whole or not at all: somebody may read it at any moment."""
    system, place = filesystem(file)
    above, _, name = place.rpartition("/")
    if not is_remote(file):
        system.create_dir(above)
    # A put of an object is atomic; a file of a folder is made beside its place and moved there.
    fresh = place if is_remote(file) else f"{above}/.{name}.{os.getpid()}"
    with system.open_output_stream(fresh, **AS_IT_IS) as stream:
        stream.write(text.encode())
    if fresh != place:
        system.move(fresh, place)


def upload(folder: Path, address: str) -> None:
    """Copy the files of a folder to below an address; links are not followed."""
    system, place = filesystem(address)
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            there = f"{place}/{file.relative_to(folder).as_posix()}"
            with file.open("rb") as read, system.open_output_stream(there, **AS_IT_IS) as written:
                shutil.copyfileobj(read, written)


def download(address: str, folder: Path, *, recursive: bool = True) -> None:
    """Copy everything below an address, or what lies right below it, into a fresh folder that only its owner may read."""
    system, place = filesystem(address)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for found in system.get_file_info(fs.FileSelector(place, recursive=recursive, allow_not_found=True)):
        if found.is_file:
            key = found.path.removeprefix(f"{place}/")
            with _opened(folder, key) as written:
                if not _is_strange(key):
                    with system.open_input_stream(found.path, **AS_IT_IS) as read:
                        shutil.copyfileobj(read, written)


def _opened(folder: Path, key: str) -> BinaryIO:
    """The file for an object. A key that no path can be made of, or that leads out of the folder, gets a name that nobody declared."""
    strange = folder / f"object-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if _is_strange(key):
        return strange.open("wb")
    try:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        return (folder / key).open("xb")
    except (OSError, ValueError):  # Too long, with a NUL, or a folder and a file at once.
        return strange.open("wb")


def _is_strange(key: str) -> bool:
    """True for a key that is no path below a folder; such an object cannot be asked for, and need not be: nobody declared it."""
    return any(part in ("", ".", "..") for part in key.split("/"))
