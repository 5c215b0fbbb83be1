"""The help of the commands changes by intention only."""

from __future__ import annotations

from tests.golden.help_texts import FILE, help_texts


def test_the_help_of_every_command_is_the_recorded_one() -> None:
    assert help_texts() == FILE.read_text(), (
        "if the change is wanted: python -m tests.golden.help_texts"
    )
