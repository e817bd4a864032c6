"""What tells an address of an object store from a folder; apart from `places`, so that it costs no import."""


def is_remote(place: str) -> bool:
    """True for an address (`s3a://bucket/…`), False for a folder."""
    return "://" in place
