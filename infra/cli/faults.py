"""How a command's errors look: one red line and what to do; a traceback only with `--debug`."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence

import click

from schemas.errors import SluiceError

DONE, FAILED, INTERRUPTED = 0, 1, 130


class FoundProblemsError(SluiceError):
    """A check did its work and found what it looked for; its findings are printed already."""


def report_faults(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command; its exit status. What it raises is printed to stderr.

    An error that is not ours is a defect, and says so; it shows its traceback in any case.
    """
    debug = "--debug" in arguments or bool(os.environ.get("SLUICE_DEBUG"))
    try:
        status = command.main(args=list(arguments), prog_name="sluice", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except Exception as error:  # noqa: BLE001 - the last place where anything can be told
        _tell(error, debug=debug)
        return FAILED
    return status if isinstance(status, int) else DONE


def _tell(error: Exception, *, debug: bool) -> None:
    problem = _ours(error)
    if debug or problem is None:
        traceback.print_exception(error)
    text = problem or f"a defect in Sluice: {type(error).__name__}; please report it"
    click.secho(f"sluice: {text}", fg="red", err=True)


def _ours(error: Exception) -> str | None:
    """What an error says to an operator; `None` when it is not meant for one."""
    if isinstance(error, SluiceError):
        return str(error)
    if type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic"):
        return _settings_problem(error)
    return None


def _settings_problem(error: Exception) -> str:
    problems = [
        f"SLUICE_{str(item['loc'][0]).upper()}: {item['msg']}"
        for item in getattr(error, "errors")()  # noqa: B009 - pydantic is not imported here
        if item["loc"]
    ]
    return "; ".join(problems) or "a setting is wrong"
