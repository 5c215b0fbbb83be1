"""Provider keys in files: a folder with one file for each key, named as the key's variable.

Kubernetes mounts a Secret in this form. A changed file is read again, so a key is replaced without
a restart; the environment of a running process can't be changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

MOST_BYTES = 64 * 1024
"""Maximum size of a key file."""

_Stamp = tuple[int, int, int]


class SecretFiles:
    """The files of one folder. A look-up takes one `stat`."""

    def __init__(self, folder: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> None:
        self._folder = folder
        self._read = read
        self._kept: dict[str, tuple[_Stamp, str]] = {}

    def value(self, name: str) -> str | None:
        """Return the content of file `name` without surrounding white space; `None` without a file.

        Raises:
            OSError: the file exists and can't be read.
            ValueError: it is too large or is not text.
        """
        if not name or "/" in name or name.startswith("."):
            return None
        path = self._folder / name
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._kept.pop(name, None)
            return None
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        kept = self._kept.get(name)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        if status.st_size > MOST_BYTES:
            raise ValueError("the file is too large for a key")
        value = self._read(path).decode().strip()
        self._kept[name] = (stamp, value)
        return value

    def names(self) -> tuple[str, ...]:
        """Return the names of the files; none if the folder can't be listed."""
        try:
            found = [each.name for each in os.scandir(self._folder) if each.is_file()]
        except OSError:
            return ()
        return tuple(sorted(name for name in found if not name.startswith(".")))
