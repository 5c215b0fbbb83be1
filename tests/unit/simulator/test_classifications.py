"""Simulated judges and classifiers use the workload's scores, with a reproducible error rate."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from infra.devstack.registry import local_registry
from infra.simulator.call_facts import CheckedCall
from infra.simulator.responses.classifications import ERRS, opinion_of
from infra.simulator.responses.model_tiers import strength_of
from infra.simulator.responses.recorded_responses import AnswerBook
from infra.workload.sample import SampleRequest, answers_by_prompt, load_workload
from streams.registry.version import parse_registry
from streams.routing.confidence.scorers import Answered
from streams.routing.confidence.second_opinion import judge_body, read_judgement
from streams.routing.decision import RoutingRequest, features_of
from streams.routing.llm.classification import opinion_body, read_opinion

LANDSCAPE = parse_registry(local_registry("http://127.0.0.1:1")).snapshot
WORKLOAD = [item for item in load_workload() if len(item.prompt) < 3_000]
BOOK = AnswerBook()
BOOK.add_workload(answers_by_prompt(WORKLOAD))


def checked_call(model: str, body: dict[str, Any]) -> CheckedCall:
    texts = [message["content"] for message in body["messages"]]
    return CheckedCall(
        model=model, prompt=texts[-1], text="\n".join(texts), frame_tokens=0, tools={}
    )


def response_text(model: str, body: dict[str, Any]) -> str | None:
    found = opinion_of(checked_call(model, body), BOOK)
    return None if found is None else found.text


def judged(model: str, item: SampleRequest, strength: str) -> float | None:
    answered = Answered(
        body={"messages": [{"role": "user", "content": item.prompt}]},
        message={"content": item.answers[strength].get("text") or ""},
        finish_reason="stop",
    )
    text = response_text(model, judge_body(answered, LANDSCAPE.models[model]))
    return read_judgement({"content": text})


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o"])
def test_a_simulated_judge_returns_the_score_except_for_its_error_rate(model: str) -> None:
    plain = [item for item in WORKLOAD if item.answers["simple"].get("text")]
    wrong = sum(
        abs((judged(model, item, "simple") or 0) - item.scores["simple"]) > 1e-6
        for item in plain
        if item.scores["simple"] != 0.5
    )

    assert abs(wrong / len(plain) - ERRS[strength_of(model)]) < 0.1


def test_the_same_case_is_judged_alike() -> None:
    item = WORKLOAD[0]

    assert judged("gpt-4o", item, "simple") == judged("gpt-4o", item, "simple")


def test_an_unknown_answer_is_neither_good_nor_bad() -> None:
    answered = Answered(
        body={"messages": [{"role": "user", "content": "What?"}]},
        message={"content": "That."},
        finish_reason="stop",
    )
    body = judge_body(answered, LANDSCAPE.models["gpt-4o"])

    assert orjson.loads(response_text("gpt-4o", body) or "") == {"score": 0.5}


def test_a_classifier_names_a_tier_of_ours() -> None:
    body = {"messages": [{"role": "user", "content": WORKLOAD[0].prompt}]}
    seen = features_of(RoutingRequest(body=body, tenant="t"), LANDSCAPE)
    text = response_text("gpt-4o", opinion_body(seen, LANDSCAPE, LANDSCAPE.models["gpt-4o"]))

    assert read_opinion(text or "", LANDSCAPE).tier in LANDSCAPE.tiers


def test_other_prompts_are_not_classifications() -> None:
    assert (
        response_text("gpt-4o", {"messages": [{"role": "user", "content": "REQUEST: a coffee"}]})
        is None
    )
