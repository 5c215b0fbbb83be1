"""Runs commands on a pseudo-terminal, as a person at a terminal does."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import orjson

_EACH = """
import os, sys
import orjson
from infra.cli.main import main

behind, commands = sys.argv[1].encode(), orjson.loads(sys.argv[2])
for words in commands:
    try:
        main(words)
    except SystemExit:
        pass
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, behind)
"""
"""Commands of ours one after the other, as `sluice` runs each: most of its time is imports."""
_TIMEOUT_S = 60.0

_COLOURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[0-9]*[AK]|\x1b\[2K")
"""What our own commands write: colours, and a line of progress that is written anew."""

_OBEYED = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def sluice_on_a_terminal(
    commands: Sequence[Sequence[str]], env: Mapping[str, str], cwd: Path
) -> list[str]:
    """The output of each of some commands on its terminal, as `on_a_terminal`."""
    behind = f"<{uuid.uuid4().hex}>"
    encoded_commands = orjson.dumps(commands).decode()
    written = on_a_terminal([sys.executable, "-c", _EACH, behind, encoded_commands], env, cwd)
    *each, rest = written.split(behind)
    assert (len(each), rest) == (len(commands), ""), written
    return each


def on_a_terminal(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> str:
    """All that a command writes to its terminal, standard error included.

    Raises:
        TimeoutExpired: it did not end within a minute.
    """
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", **env},
            cwd=cwd,
            close_fds=True,
        )
    finally:
        os.close(theirs)
    written = bytearray()
    # A terminal whose other end is closed answers with an error (EIO).
    with suppress(OSError):
        while piece := os.read(ours, 65_536):
            written += piece
    os.close(ours)
    process.wait(_TIMEOUT_S)
    return written.decode("utf-8", "surrogateescape")


def obeyed_by_a_terminal(written: str) -> list[str]:
    """What a terminal obeys beside the colours and progress lines that commands write."""
    plain = _COLOURS.sub(b"", written.encode("utf-8", "surrogateescape"))
    return _OBEYED.findall(plain.decode("utf-8", "surrogateescape"))
