"""Fenced blocks of the documentation, and commands in them and in running text.

A block is not run if the line before it is `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"`((?:SLUICE_\w+=\S+ )*sluice [^`]+)`")
_PROMPT = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?sluice (?P<rest>.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its page, its first line there, its language, and why it is not run if so."""

    page: str
    line: int
    kind: str
    text: str
    reason: str | None = None

    @property
    def place(self) -> str:
        """For the name of a test."""
        return f"{self.page}:{self.line}"


def blocks(*kinds: str) -> list[Block]:
    """The blocks of these languages, of all pages."""
    return [block for page in PAGES for block in _blocks(page) if block.kind in kinds]


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        yield Block(
            page=page.name,
            line=text.count("\n", 0, found.start("text")) + 1,
            kind=found["kind"],
            text=found["text"],
            reason=found["reason"],
        )


def commands(block: Block) -> list[str]:
    """The `sluice` commands of a block, without the program's name; indented lines continue one."""
    found: list[str] = []
    for line in block.text.splitlines():
        started = _PROMPT.match(line)
        if started is not None:
            found.append(_bare(started["rest"]))
        elif found and line.startswith("     ") and line.strip().startswith(("[", "-")):
            found[-1] += " " + _bare(line)
    return found


def _bare(text: str) -> str:
    return re.sub(r"\s{2,}#.*$|\s+#\s.*$", "", text).strip()


def inline_commands() -> list[tuple[str, str]]:
    """Page and command of every `sluice ...` in running text."""
    found = []
    for page in PAGES:
        text = _FENCE.sub("", page.read_text(encoding="utf-8"))
        for each in _INLINE.finditer(text):
            started = _PROMPT.match(" ".join(each[1].split()))
            if started is not None:
                found.append((page.name, started["rest"].strip()))
    return found
