"""What tells an address of an object store from a folder, and where the store is; apart from `places`, so that it costs no import."""

import os


def is_remote(place: str) -> bool:
    """True for an address (`s3a://bucket/…`), False for a folder."""
    return "://" in place


def region() -> str | None:
    """The store's region, by either of the names that its libraries know."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
