"""Error output of commands: one red line with advice; a traceback only with `--debug`."""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Sequence

import click

from core.untrusted_text import whole_text
from schemas.errors import SluiceError

LOGGED = frozenset({"worker", "sink", "gateway"})
"""Commands that run as processes: their errors go to their log, in its format."""

_PLAIN = {
    "is not a valid number": "is not a number",
    "is not a valid integer range": "is not a whole number",
    "is not a valid integer": "is not a whole number",
}
"""Replacements for click's messages about arguments."""

DONE, FAILED, INTERRUPTED = 0, 1, 130


class FoundProblemsError(SluiceError):
    """A check succeeded and found problems, which are already printed."""


def report_faults(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command and return its exit status; print its errors to stderr.

    An error that is not a SluiceError is a defect, reported as such with its traceback.
    """
    debug = "--debug" in arguments or bool(os.environ.get("SLUICE_DEBUG"))
    is_logged = command_of(arguments) in LOGGED
    if not debug and not is_logged:
        # The library's message is printed as a Sluice error line.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        status = command.main(args=list(arguments), prog_name="sluice", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as wrong:
        # A message quotes the user's input.
        wrong.message = whole_text(_plainly(wrong.message))
        wrong.show()
        return wrong.exit_code
    except Exception as error:  # noqa: BLE001 - the last place where anything can be told
        if is_logged and os.environ.get("SLUICE_LOG_FORMAT") == "json":
            _log(error, debug=debug)
        else:
            _show(error, debug=debug)
        return FAILED
    return status if isinstance(status, int) else DONE


def command_of(arguments: Sequence[str]) -> str | None:
    """Return the command's name: the first argument that is not an option."""
    return next((each for each in arguments if not each.startswith("-")), None)


def _plainly(message: str) -> str:
    for theirs, ours in _PLAIN.items():
        message = message.replace(theirs, ours)
    return message


def _show(error: Exception, *, debug: bool) -> None:
    problem = _ours(error)
    if debug or problem is None:
        click.echo(whole_text("".join(traceback.format_exception(error))), err=True, nl=False)
    click.secho(whole_text(f"sluice: {problem or _defect(error)}"), fg="red", err=True)


def _log(error: Exception, *, debug: bool) -> None:
    """Write the same as a line of the process's log."""
    from core.process_log import set_up_log

    problem = _ours(error)
    set_up_log("INFO", "json")
    shown = error if debug or problem is None else None
    logging.getLogger("sluice").error("%s", problem or _defect(error), exc_info=shown)


def _defect(error: Exception) -> str:
    return f"a defect in Sluice: {type(error).__name__}; please report it"


def _ours(error: Exception) -> str | None:
    """Return the error's message for operators; `None` if it has none."""
    if isinstance(error, SluiceError):
        return str(error)
    if type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic"):
        return _settings_problem(error)
    if type(error).__module__.startswith(("aiokafka", "cimpl", "confluent_kafka")):
        from core.kafka.preflight import kafka_problem

        return kafka_problem(error, os.environ.get("SLUICE_KAFKA_BOOTSTRAP_SERVERS"))
    if isinstance(error, BrokenPipeError):
        return "the reader of the output has exited"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return None


def _settings_problem(error: Exception) -> str:
    from schemas.encoding.field_messages import field_message

    problems = [
        f"SLUICE_{str(item['loc'][0]).upper()}: {field_message(item)}"
        for item in getattr(error, "errors")()  # noqa: B009 - pydantic is not imported here
        if item["loc"]
    ]
    return "; ".join(problems) or "a setting is wrong"
