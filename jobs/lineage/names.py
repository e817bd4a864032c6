"""What OpenLineage calls a file or a table: by where it lies, so that every tool that reads or writes it says the same."""

from pathlib import Path

from quality.address import is_remote


def name_of(place: str) -> tuple[str, str]:
    """Namespace and name: `file` and the whole path of a folder, `s3://bucket` and the key in an object store."""
    if not is_remote(place):
        return "file", str(Path(place).absolute())
    bucket, _, key = place.partition("://")[2].partition("/")
    return f"s3://{bucket}", key
