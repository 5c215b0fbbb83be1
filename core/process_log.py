"""Process logs on stderr: text lines for people, or one JSON object per line for collectors."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from core.repeated_log_lines import RepeatedLines
from core.untrusted_text import one_line

LogFormat = Literal["text", "json"]

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_PLAIN = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})


class JsonLines(logging.Formatter):
    """A record as one line of JSON: `time` (ISO 8601, UTC), `level`, `logger`, `message`, `error`
    with an exception, and the fields of `extra`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        line |= {name: value for name, value in vars(record).items() if name not in _PLAIN}
        try:
            return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except orjson.JSONEncodeError:
            # Text that is not UTF-8, such as environment variables, or a huge number.
            return json.dumps(line, default=str)


class SafeLines(logging.Formatter):
    """A record as one text line without line breaks and terminal control sequences. Tracebacks keep
    their lines.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See `logging.Formatter.formatMessage`."""
        record.message = one_line(record.message)
        return super().formatMessage(record)


def set_up_log(
    level: str, form: LogFormat, *, quiet: Iterable[str] = (), quiet_level: int = logging.WARNING
) -> None:
    """Log to stderr from `level`; log the `quiet` loggers from `quiet_level`, without repeats."""
    quiet = frozenset(quiet)
    handler = logging.StreamHandler()
    handler.addFilter(RepeatedLines(quiet))
    handler.setFormatter(JsonLines() if form == "json" else SafeLines(_TEXT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in quiet:
        logging.getLogger(name).setLevel(quiet_level)
