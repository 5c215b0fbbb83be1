"""Paths that a command is given, checked before its work begins: none is done for a file that can't
be written in the end.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class OutFile(click.ParamType):
    """A file that a command writes: its folder is there, and the file may be written."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, checked."""
        path = Path(value)
        folder = path.parent
        if not folder.is_dir():
            self.fail(f"{path}: the folder {folder} is not there; make it first", param, ctx)
        if path.is_dir():
            self.fail(f"{path} is a folder; name a file", param, ctx)
        if not os.access(path if path.exists() else folder, os.W_OK):
            self.fail(f"{path} can't be written: permission denied", param, ctx)
        return path


class OutFolder(click.ParamType):
    """A folder that a command fills; it is made where it is missing."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, checked."""
        path = Path(value)
        nearest = next(
            each for each in (path.absolute(), *path.absolute().parents) if each.exists()
        )
        if not nearest.is_dir():
            self.fail(f"{path}: {nearest} is a file; name a folder", param, ctx)
        if not os.access(nearest, os.W_OK | os.X_OK):
            self.fail(f"{path} can't be made: permission denied in {nearest}", param, ctx)
        return path
