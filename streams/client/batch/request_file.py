"""Requests from a file: JSON lines, plain or gzip, each a request or a row with a prompt.

The whole file is checked before anything is sent, so an error on line 900 costs no calls.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import orjson

from schemas.encoding.nesting import overgrown
from schemas.errors import ConfigurationError
from schemas.identity import REQUEST_ID
from schemas.topics import MAX_REQUEST_BYTES, MIB

STDIN = Path("-")
MOST_BYTES = 512 * MIB
"""Maximum size of a file, unpacked: it is held in memory before anything is sent."""

LONGEST_LINE = 2 * MAX_REQUEST_BYTES
"""Maximum bytes of a line: as JSON a request may have a few more than a worker accepts."""

Identity = tuple[str, str]
"""Tenant and request id of a request in a file."""


MOST_NAMED = 20
"""Lines that an error names; it counts the others."""


class RequestFileError(ConfigurationError):
    """A file of requests is unreadable; the message names the lines."""


class _RequestLineError(Exception):
    """The fault of one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFileFormat:
    """Conversion of lines to requests.

    `prompt_field` and `id_field` name the fields of rows that are not requests, such as data sets.
    `extra` is set on every request without its own value. `id_prefix` starts generated ids.
    """

    prompt_field: str | None = None
    id_field: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    id_prefix: str = "line-"


def numbered_requests(path: Path, reading: RequestFileFormat) -> list[tuple[int, dict[str, Any]]]:
    """Read all requests of a file, in order, each with its line number (from 1) and a request id;
    `-` is standard input.

    Raises:
        RequestFileError: the file is unreadable, a line is no JSON object, lacks the named field,
            or has the request id of an earlier line.
    """
    requests: list[tuple[int, dict[str, Any]]] = []
    lines: dict[Identity, int] = {}
    wrong: list[str] = []
    for number, raw in _lines(path):
        try:
            request = _request(number, _row(raw), reading)
            _remember(identity_of(request), number, lines)
        except _RequestLineError as error:
            wrong.append(f"line {number}: {error}")
        else:
            requests.append((number, request))
    if wrong:
        raise RequestFileError(_in_words(path, wrong))
    if not requests:
        raise RequestFileError(f"{path} contains no requests")
    return requests


def _remember(identity: Identity, number: int, lines: dict[Identity, int]) -> None:
    before = lines.setdefault(identity, number)
    if before != number:
        raise _RequestLineError(
            f"same request id as line {before}; the second is rejected as a duplicate, change it"
        )


def _in_words(path: Path, wrong: Sequence[str]) -> str:
    if len(wrong) == 1:
        return f"{path}, {wrong[0]}"
    more = len(wrong) - MOST_NAMED
    named = (*wrong[:MOST_NAMED], *([f"{more} more lines"] if more > 0 else []))
    return "\n  ".join((f"{path}: {len(wrong)} lines are invalid", *named))


def identity_of(request: Mapping[str, Any]) -> Identity:
    """Return tenant and request id as text, of whatever types they have in the file."""
    return str(request.get("tenant")), str(request.get("request_id"))


def _request(number: int, row: dict[str, Any], reading: RequestFileFormat) -> dict[str, Any]:
    if reading.prompt_field is None:
        request = dict(row)
    else:
        prompt = row.get(reading.prompt_field)
        if not isinstance(prompt, str):
            raise _RequestLineError(f"field {reading.prompt_field!r} is not a text")
        request = {"prompt": prompt}
    if reading.id_field is not None:
        request["request_id"] = _id(row.get(reading.id_field))
    request = {**reading.extra, **request}
    request.setdefault("request_id", f"{reading.id_prefix}{number}")
    return request


def _id(value: Any) -> str:
    text = str(value)
    if not REQUEST_ID.fullmatch(text):
        raise _RequestLineError(
            "expected an id of 1 to 128 letters, digits and . _ : -; without --id-field ids are "
            "generated"
        )
    return text


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with _opened(path) as file:
            total = 0
            for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), 1):
                total += len(raw)
                if len(raw) > LONGEST_LINE:
                    raise RequestFileError(
                        f"{path}, line {number}: exceeds the limit of {LONGEST_LINE} bytes"
                    )
                if total > MOST_BYTES:
                    raise RequestFileError(
                        f"{path} exceeds {MOST_BYTES // MIB} MiB uncompressed; split it"
                    )
                line = raw.removeprefix(BOM_UTF8) if number == 1 else raw
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise RequestFileError(f"cannot read {path}: {why}") from error


def _row(raw: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _RequestLineError(f"not JSON: {error.msg}") from None
    if not isinstance(row, dict):
        raise _RequestLineError("expected a JSON object")
    too_much = overgrown(row)
    if too_much is not None:
        field, what = too_much
        raise _RequestLineError(f"{field}: {what}" if field else what)
    return row


def _opened(path: Path) -> IO[bytes]:
    if path == STDIN:
        return sys.stdin.buffer
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")
