"""Number and text arguments of commands."""

from __future__ import annotations

import math
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
