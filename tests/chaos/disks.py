"""A small disk for one process, which can be filled and freed again (Linux, as root)."""

from __future__ import annotations

import errno
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BALLAST = "ballast"


class NoSmallDiskError(Exception):
    """This machine can't mount one; the cell is skipped with that reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallDisk:
    """A tmpfs mounted over a folder."""

    folder: Path

    @classmethod
    def over(cls, folder: Path, megabytes: int) -> SmallDisk:
        """Mount one.

        Raises:
            NoSmallDiskError: mounting is not allowed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NoSmallDiskError(done.stderr.strip() or "mount is refused")
        return cls(folder=folder)

    def fill(self) -> None:
        """Fill the rest, to the last block, against concurrent writers."""
        block = os.statvfs(self.folder).f_bsize
        with (self.folder / _BALLAST).open("ab") as ballast:
            taken, wanted = 0, max(os.statvfs(self.folder).f_bavail, 1)
            while wanted:
                try:
                    os.posix_fallocate(ballast.fileno(), taken * block, wanted * block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    wanted //= 2
                else:
                    taken += wanted

    def give_room(self) -> None:
        """Free what was filled."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Unmount it, with any content."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)
