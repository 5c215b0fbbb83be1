"""Invalid arguments are explained in plain words, and no argument is taken for a command."""

from __future__ import annotations

import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import command_of, report_faults


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["feedback", "r1", "--score", "high"], "'high' is not a number"),
        (["feedback", "r1", "--score", "nan"], "'nan' is not a number"),
        (["send", "-", "--rate", "inf"], "inf is not in the range"),
        (["ask", "a\udcff"], "is not UTF-8"),
        (["ask", "a", "--deadline-ms", "99999999999999999999"], "is not in the range"),
        (["send", "-", "--in-flight", "1.5"], "'1.5' is not a whole number"),
    ],
)
def test_a_number_is_called_a_number(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_faults(sluice, arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_is_the_first_argument_that_is_no_option() -> None:
    assert command_of(["--debug", "worker"]) == "worker"
    assert command_of(["ask", "worker"]) == "ask"
    assert command_of(["--version"]) is None
