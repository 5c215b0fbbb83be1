"""The sample workload: well-formed, varied, and honest about which strength suffices."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from jsonschema.validators import validator_for

from infra.workload.judging import WorkloadJudge
from infra.workload.sample import BAR, STRENGTHS, SampleRequest, load_workload
from schemas.request import read_request

ITEMS = load_workload()


def test_there_are_a_hundred_or_more_and_no_two_share_id_or_prompt() -> None:
    assert len(ITEMS) >= 100
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    assert len({item.prompt for item in ITEMS}) == len(ITEMS)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_request_is_one_that_callers_may_send(item: SampleRequest) -> None:
    read_request(dict(item.request))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_what_suffices_is_the_weakest_strength_at_the_bar(item: SampleRequest) -> None:
    assert set(item.scores) == set(STRENGTHS)
    assert all(0 <= score <= 1 for score in item.scores.values())
    enough = [strength for strength in STRENGTHS if item.scores[strength] >= BAR]
    assert item.suffices == enough[0]


def test_most_requests_are_simple_and_enough_are_not() -> None:
    shares = Counter(item.suffices for item in ITEMS)

    assert 0.5 <= shares["simple"] / len(ITEMS) <= 0.7
    assert 0.15 <= shares["moderate"] / len(ITEMS) <= 0.3
    assert 0.1 <= shares["complex"] / len(ITEMS) <= 0.25


def test_many_kinds_of_work_are_in_it() -> None:
    kinds = Counter(item.category for item in ITEMS)

    assert len(kinds) >= 12
    assert min(kinds.values()) >= 3


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
