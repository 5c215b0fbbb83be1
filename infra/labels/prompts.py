"""The prompt of a request, from the published record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from infra.labels.judged_answers import AskedRequest
from infra.labels.request_log import LoggedValue, LogPlace, PromptLog
from schemas.encoding.codec import Codec, Format, UnknownSchemaError, format_of
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.request import read_request, request_document
from streams.routing.features.request_features import question_of

Learn = Callable[[int], Awaitable[bool]]
"""Looks up an id in the schema registry; returns whether it is known."""


@dataclass(slots=True, kw_only=True)
class FoundPrompts:
    """Prompts by request; `gone` are no longer in the log, `unreadable` are not valid requests now,
    `missing_topics` do not exist.
    """

    texts: dict[AskedRequest, str] = field(default_factory=dict)
    gone: int = 0
    unreadable: int = 0
    missing_topics: tuple[str, ...] = ()


async def prompts_of(
    requests: Iterable[AskedRequest], log: PromptLog, codec: Codec, learn: Learn | None = None
) -> FoundPrompts:
    """Read these requests' prompts from the log.

    A record counts only if its broker timestamp is the request's own time: a recreated topic has
    other requests at the same offsets.
    """
    by_place: dict[LogPlace, list[AskedRequest]] = {}
    for request in requests:
        by_place.setdefault(request.place, []).append(request)
    found = FoundPrompts(gone=sum(map(len, by_place.values())))
    async for place, logged in log.read(by_place):
        meant = [each for each in by_place[place] if each.requested_at == logged.timestamp]
        if not meant:
            continue
        found.gone -= len(meant)
        try:
            found.texts |= dict.fromkeys(meant, await _question(logged, codec, learn))
        except (UndecodableError, InvalidRequestError):
            found.unreadable += len(meant)
    found.missing_topics = tuple(sorted(log.missing_topics))
    return found


async def _question(logged: LoggedValue, codec: Codec, learn: Learn | None) -> str:
    if logged.value is None:
        raise UndecodableError("the value is null")
    try:
        record = codec.decode(logged.value)
    except UnknownSchemaError as error:
        if learn is None or not await learn(error.schema_id):
            raise
        record = codec.decode(logged.value)
    framed = codec.format is Format.CONFLUENT
    is_json = format_of(logged.value, framed=framed) is Format.JSON
    request = read_request(record if is_json else request_document(record))
    return question_of(request.body["messages"])
