"""Prompts come from the tables, else from the log; missing ones are counted by cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping

import orjson
import pytest

from core.schema_registry import KnownSchemas, MemoryRegistry
from infra.labels.gathering import Gathered, gather
from infra.labels.judged_answers import JudgedAnswer, judged_answers
from infra.labels.prompts import FoundPrompts, prompts_of
from infra.labels.request_log import InMemoryPromptLog, LoggedValue, LogPlace
from schemas.encoding.codec import Codec, Format
from schemas.errors import UndecodableError
from tests.sql.rig.asking import time_of
from tests.unit.labels.world import TOPIC, answer, logged, request

CODEC = Codec("Request")


class _Listening(InMemoryPromptLog):
    """Records the positions that were requested."""

    def __init__(self, records: Mapping[LogPlace, LoggedValue]) -> None:
        super().__init__(records)
        self.places: list[LogPlace] = []

    async def read(
        self, places: Collection[LogPlace]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        self.places += places
        async for each in super().read(places):
            yield each


def _gathered(answers: list[JudgedAnswer], log: InMemoryPromptLog) -> Gathered:
    return asyncio.run(gather(answers, log, CODEC, by="tier"))


def _one(value: bytes | None, *, timestamp: int | None = None) -> FoundPrompts:
    """The result with this value at the position of request 1."""
    labelled = request(1)
    at = labelled.requested_at if timestamp is None else timestamp
    log = InMemoryPromptLog({labelled.place: LoggedValue(value=value, timestamp=at)})
    return asyncio.run(prompts_of([labelled], log, CODEC))


def test_the_log_is_read_only_for_prompts_that_are_not_stored() -> None:
    stored, there, gone = request(1), request(2), request(3)
    log = _Listening(dict([logged(there, "From the log?"), logged(stored, "Not this one?")]))
    answers = [answer(stored, prompt="Stored?"), answer(there), answer(gone), answer(there, "x")]

    found = _gathered(answers, log)
    assert sorted(log.places) == [there.place, gone.place]
    assert [row.prompt for row in found.rows] == ["Stored?", "From the log?"]
    assert (found.requests, found.stored, found.from_log, found.gone) == (3, 1, 1, 1)
    assert found.as_document()["answers_by_signal"] == {"judge": 4}
    assert "1 are no longer in the log" in found.in_words()


def test_rows_that_score_both_are_counted() -> None:
    answers = [
        answer(request(1), "simple", prompt="a"),
        answer(request(1), "complex", prompt="a"),
        answer(request(2), "complex", prompt="b"),
    ]

    assert _gathered(answers, InMemoryPromptLog({})).both("simple", "complex") == 1


def test_the_question_is_the_last_user_turn() -> None:
    messages = [
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": [{"type": "text", "text": "Second?"}]},
    ]
    found = _one(orjson.dumps({"messages": messages}))

    assert found.texts == {request(1): "Second?"}


def test_avro_is_read_as_json_is() -> None:
    record = {"prompt": "In Avro?", "request_id": "r1"}

    assert _one(CODEC.encode(record, Format.SINGLE_OBJECT)).texts == {request(1): "In Avro?"}


def test_a_new_schema_id_is_fetched_from_the_registry() -> None:
    async def case() -> FoundPrompts:
        registry = MemoryRegistry()
        writer = KnownSchemas(registry)
        await writer.register(["Request"])
        value = Codec("Request", writer).encode({"prompt": "Framed?"})
        labelled, reader = request(1), KnownSchemas(registry)
        log = InMemoryPromptLog(
            {labelled.place: LoggedValue(value=value, timestamp=labelled.requested_at)}
        )
        return await prompts_of([labelled], log, Codec("Request", reader), reader.learn)

    assert asyncio.run(case()).texts == {request(1): "Framed?"}


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b"[]", b'{"prompt": 1}', b"{}"])
def test_an_invalid_request_is_counted_as_unreadable(value: bytes | None) -> None:
    found = _one(value)

    assert (found.texts, found.gone, found.unreadable) == ({}, 0, 1)


def test_another_request_at_the_same_offset_is_not_confused_with_it() -> None:
    found = _one(b'{"prompt": "Another?"}', timestamp=999)

    assert (found.texts, found.gone) == ({}, 1)


def test_an_unknown_id_is_unreadable() -> None:
    registry = KnownSchemas(MemoryRegistry())
    codec = Codec("Request", registry)
    labelled = request(1)
    value = LoggedValue(value=b"\x00\x00\x00\x00\x07x", timestamp=labelled.requested_at)

    found = asyncio.run(
        prompts_of([labelled], InMemoryPromptLog({labelled.place: value}), codec, registry.learn)
    )
    assert found.unreadable == 1
    with pytest.raises(UndecodableError):
        codec.decode(value.value or b"")


def test_rows_of_the_question_become_values() -> None:
    row = {
        "tenant": "acme", "request_id": "r7", "requested_at": time_of(1_767_225_600_123),
        "tier": "simple", "model": "mini", "signal": "judge", "score": 0.5, "signals": 2,
        "propensity": None, "topic": TOPIC, "partition": 3, "offset": 9, "prompt": "",
    }  # fmt: skip
    (found,) = judged_answers([row])

    assert found.request.requested_at == 1_767_225_600_123
    assert found.request.place == LogPlace(topic=TOPIC, partition=3, offset=9)
    assert (found.tier, found.model, found.score) == ("simple", "mini", 0.5)


def test_topics_that_do_not_exist_are_named_beside_the_prompts_that_are_gone() -> None:
    found = _gathered([answer(request(1), "simple")], InMemoryPromptLog({}))
    topic = request(1).place.topic

    assert found.as_document()["prompts"]["missing_topics"] == [topic]
    assert f"1 are no longer in the log ({topic} does not exist; see" in found.in_words()
