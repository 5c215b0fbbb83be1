"""A small disk of its own for a part, which can be filled and given room again (Linux, as root)."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_BALLAST = "ballast"


class NoSmallDiskError(Exception):
    """This machine does not let us mount one; the cell is left out, and says so."""


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
        """Take what is left, block by block, to the last."""
        with (self.folder / _BALLAST).open("ab") as ballast:
            while left := os.statvfs(self.folder).f_bavail:
                try:
                    os.posix_fallocate(
                        ballast.fileno(), ballast.tell(), left * os.statvfs(self.folder).f_bsize
                    )
                    ballast.seek(0, os.SEEK_END)
                except OSError:
                    return

    def give_room(self) -> None:
        """Give back what was taken."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        """Let go of it, whatever still lies there."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)
