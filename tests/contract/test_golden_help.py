"""The help of the commands changes by intention only."""

from __future__ import annotations

import subprocess
import sys

from tests.golden.help_texts import FILE


def test_the_help_of_every_command_is_the_recorded_one() -> None:
    # In a separate process: Click keeps the help option of a command's first context.
    command = [sys.executable, "-m", "tests.golden.help_texts", "--print"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert printed == FILE.read_text(), "if the change is wanted: python -m tests.golden.help_texts"
