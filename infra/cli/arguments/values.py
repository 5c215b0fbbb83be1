"""Number, text and path arguments, validated before work begins: no work is lost to a bad one."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click


class Number(click.FloatRange):
    """A finite number within bounds; click's range check accepts NaN."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Validate the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class Text(click.ParamType):
    """A text in UTF-8; other bytes arrive as surrogates."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Validate the text."""
        text = str(value)
        if not is_text(text):
            self.fail("is not UTF-8", param, ctx)
        return text


def is_text(argument: str) -> bool:
    """Return whether an argument is UTF-8."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


class OutFile(click.ParamType):
    """An output file: its folder exists, and the file is writable."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Validate the path."""
        path = Path(value)
        folder = path.parent
        if not folder.is_dir():
            self.fail(f"{path}: the folder {folder} does not exist; create it first", param, ctx)
        if path.is_dir():
            self.fail(f"{path} is a folder; name a file", param, ctx)
        if not os.access(path if path.exists() else folder, os.W_OK):
            self.fail(f"{path} is not writable: permission denied", param, ctx)
        return path


class OutFolder(click.ParamType):
    """An output folder; it is created if missing."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Validate the path."""
        path = Path(value)
        nearest = next(
            each for each in (path.absolute(), *path.absolute().parents) if each.exists()
        )
        if not nearest.is_dir():
            self.fail(f"{path}: {nearest} is a file; name a folder", param, ctx)
        if not os.access(nearest, os.W_OK | os.X_OK):
            self.fail(f"{path} cannot be created: permission denied in {nearest}", param, ctx)
        return path
