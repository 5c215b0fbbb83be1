"""The sample workload: well-formed, varied, with consistent sufficient tiers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import orjson
import pytest
from jsonschema.validators import validator_for

from infra.workload.sample import BAR, STRENGTHS, SampleRequest, WorkloadJudge, load_workload
from schemas.request import read_request
from streams.routing.confidence.checks import faults
from streams.routing.confidence.language import language_of

ITEMS = load_workload()
FAILING = [
    (item, strength) for item in ITEMS for strength in STRENGTHS if item.scores[strength] < BAR
]
PASSING = [
    (item, strength) for item in ITEMS for strength in STRENGTHS if item.scores[strength] >= BAR
]
OPEN_DOUBT = re.compile(
    r"\b(i'm not sure|i don't know|i think|wait, that|but wait|let me try again|"
    r"perhaps|possibly|probably|might)\b",
    re.IGNORECASE,
)
"""Words by which an answer says itself that it may be wrong."""


def _message(answer: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer["text"]}
    if calls := answer.get("tool_calls"):
        message["tool_calls"] = [
            {
                "id": "call",
                "type": "function",
                "function": {
                    "name": call["name"],
                    "arguments": orjson.dumps(call["arguments"]).decode(),
                },
            }
            for call in calls
        ]
    return message


def _faulty(item: SampleRequest, strength: str) -> bool:
    answer = item.answers[strength]
    body = read_request(dict(item.request)).body
    return bool(faults(body, _message(answer), answer.get("finish", "stop")))


def _visible(item: SampleRequest, strength: str) -> bool:
    """A hard check finds a fault, or the answer doubts itself."""
    return _faulty(item, strength) or bool(OPEN_DOUBT.search(item.answers[strength]["text"]))


def test_there_are_a_hundred_and_thirty_or_more_and_no_two_share_id_or_prompt() -> None:
    assert len(ITEMS) >= 130
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    assert len({item.prompt for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_request_is_one_that_callers_may_send(item: SampleRequest) -> None:
    read_request(dict(item.request))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_the_sufficient_tier_is_the_weakest_one_at_the_bar(item: SampleRequest) -> None:
    assert set(item.scores) == set(STRENGTHS)
    assert all(0 <= score <= 1 for score in item.scores.values())
    enough = [strength for strength in STRENGTHS if item.scores[strength] >= BAR]
    assert item.suffices == enough[0]


def test_most_requests_are_simple_and_enough_are_not() -> None:
    shares = Counter(item.suffices for item in ITEMS)

    assert 0.54 <= shares["simple"] / len(ITEMS) <= 0.62
    assert 0.2 <= shares["moderate"] / len(ITEMS) <= 0.28
    assert 0.15 <= shares["complex"] / len(ITEMS) <= 0.22


def test_many_kinds_of_work_are_in_it() -> None:
    kinds = Counter(item.category for item in ITEMS)

    assert len(kinds) >= 12
    assert min(kinds.values()) >= 3


def test_many_languages_are_in_it() -> None:
    assert len({language_of(item.prompt) for item in ITEMS} - {None}) >= 8


def test_free_users_send_requests_of_every_difficulty() -> None:
    free = Counter(item.suffices for item in ITEMS if item.request.get("user_tier") == "free")

    assert set(free) == set(STRENGTHS)
    assert free.total() >= 10


def test_half_of_the_failures_are_visible_without_the_right_answer() -> None:
    seen = Counter(strength for item, strength in FAILING if _visible(item, strength))
    failing = Counter(strength for _, strength in FAILING)

    assert 0.4 <= seen.total() / failing.total() <= 0.65
    assert seen["moderate"] >= 0.35 * failing["moderate"]


def test_passing_answers_rarely_look_like_failures() -> None:
    alarms = sum(_visible(item, strength) for item, strength in PASSING)

    assert alarms <= 0.05 * len(PASSING)


def test_scores_are_spread_on_both_sides_of_the_bar() -> None:
    failing = Counter(item.scores[strength] for item, strength in FAILING)
    passing = Counter(item.scores[strength] for item, strength in PASSING)

    assert len(failing) >= 10
    assert max(failing.values()) <= 0.25 * failing.total()
    assert sum(count for score, count in passing.items() if score < 0.95) >= 0.2 * passing.total()


@pytest.mark.parametrize(
    "item", [item for item in ITEMS if "response_format" in item.request], ids=lambda item: item.id
)
def test_a_passing_json_answer_satisfies_its_schema(item: SampleRequest) -> None:
    schema = item.request["response_format"]["json_schema"]["schema"]
    validator = validator_for(schema)(schema)
    for strength in STRENGTHS:
        if item.scores[strength] >= BAR:
            validator.validate(orjson.loads(item.answers[strength]["text"]))


@pytest.mark.parametrize(
    "item", [item for item in ITEMS if "tools" in item.request], ids=lambda item: item.id
)
def test_a_passing_tool_call_satisfies_the_tools_parameters(item: SampleRequest) -> None:
    known = {
        tool["function"]["name"]: tool["function"]["parameters"] for tool in item.request["tools"]
    }
    for strength in STRENGTHS:
        if item.scores[strength] >= BAR:
            for call in item.answers[strength]["tool_calls"]:
                schema = known[call["name"]]
                validator_for(schema)(schema).validate(call["arguments"])


def test_the_judge_scores_by_the_strength_of_the_model_that_answered() -> None:
    item = next(item for item in ITEMS if item.suffices == "moderate")
    judge = WorkloadJudge(ITEMS)

    assert judge.score(item.id, {"model": "gpt-4o-mini"}) == item.scores["simple"]
    assert judge.score(item.id, {"model": "gpt-4o"}) == item.scores["moderate"]
    assert judge.score(item.id, {"model": "somebody-else"}) is None
    assert judge.score(item.id, {"model": None}) is None
