"""A process logs readable lines, or one JSON object a line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from core.process_log import set_up_log
from infra.cli.main import sluice
from infra.cli.output.errors import report_faults


@pytest.fixture(autouse=True)
def _root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_record_is_one_json_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("INFO", "json")
    log = logging.getLogger("some.part")
    log.info("took %d\nof %s", 5, "äöü", extra={"partition": 3, "thing": object})
    log.debug("not shown")

    (line,) = _lines(capsys)
    assert line["level"] == "INFO"
    assert line["logger"] == "some.part"
    assert line["message"] == "took 5\nof äöü"
    assert line["partition"] == 3
    assert line["time"].endswith("Z")


def test_invalid_utf_8_and_huge_numbers_are_logged_as_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_log("INFO", "json")
    logging.getLogger("x").warning("no %s", "\ud800", extra={"size": 2**70})

    (line,) = _lines(capsys)
    assert line["size"] == 2**70


def test_an_exception_stays_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log("INFO", "json")
    error = ValueError("broken")
    logging.getLogger("x").error("it failed", exc_info=error)

    (line,) = _lines(capsys)
    assert line["error"].endswith("ValueError: broken")


def test_text_lines_have_level_and_name_and_quiet_loggers_are_silent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_log("INFO", "text", quiet=("chatty",))
    logging.getLogger("chatty").info("hello")
    logging.getLogger("x").info("good day")

    output = capsys.readouterr().err
    assert "INFO x good day" in output
    assert "hello" not in output


@pytest.mark.parametrize("command", ["worker", "sink"])
def test_the_error_that_ends_a_process_is_json_too(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICE_LOG_FORMAT", "json")
    monkeypatch.setenv("SLUICE_SESSION_TIMEOUT_S", "soon")

    assert report_faults(sluice, [command]) == 1

    (line,) = _lines(capsys)
    assert line["level"] == "ERROR"
    assert line["message"] == "SLUICE_SESSION_TIMEOUT_S: expected a number"
