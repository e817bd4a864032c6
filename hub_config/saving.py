"""How a trainee's server saves work: beside the old file, and in its place only when it is whole.

Jupyter's own way keeps the old file aside while it writes over it. Where the disk is full at the last bytes it leaves half a file, and saving
again, which a browser does by itself, puts that in place of what was kept aside.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class WholeFiles(AsyncLargeFileManager):
    """Files of a home, each always as it was last saved in whole."""

    @contextmanager
    def atomic_writing(self, os_path: str, text: bool = True, encoding: str = "utf-8", **_: Any) -> Iterator[IO[Any]]:
        """A file to write to, which takes the place of `os_path` when the block ends well."""
        with self.perm_to_403(os_path):
            # A link of the trainee's own stays one, and what it leads to is written.
            place = Path(os_path).resolve()
            if place.exists() and not os.access(place, os.W_OK):
                raise PermissionError(errno.EACCES, "closed to writers", os_path)
            half = place.with_name(f".{place.name}.part")
            try:
                with half.open("w", encoding=encoding, newline="\n") if text else half.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                if place.exists():
                    half.chmod(place.stat().st_mode)
                half.replace(place)
            finally:
                half.unlink(missing_ok=True)
