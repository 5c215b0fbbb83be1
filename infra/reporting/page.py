"""A complete page, and writing it to its folder with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import orjson

from infra.reporting.markup import Markup
from schemas.errors import SluiceError

PAGE, FIGURES = "index.html", "figures.json"


class ReportError(SluiceError):
    """A page could not be written."""


def page(title: str, about: str, sections: Iterable[Markup], foot: str) -> str:
    """Return the HTML of a page; title, `about` (subject of the measurement) and `foot` are plain
    texts.
    """
    template = Template(resources.files("infra.reporting").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        title=escape(title), about=escape(about), body="\n".join(sections), foot=escape(foot)
    )


def write_report(folder: Path, html: str, figures: Mapping[str, Any]) -> Path:
    """Write `index.html` and `figures.json` into a folder, creating it if needed; return the page's
    path.

    Raises:
        ReportError: the folder or a file could not be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FIGURES).write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
        (folder / PAGE).write_text(html, encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"{folder}: cannot be written ({error.strerror}); give another folder with --report"
        ) from None
    return folder / PAGE
