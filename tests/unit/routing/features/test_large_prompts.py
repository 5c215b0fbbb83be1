"""Only the ends of a prompt of 4 MiB are examined, in any script: the event loop is shared."""

from __future__ import annotations

import orjson
import pytest

from infra.devstack.registry import local_registry
from schemas.topics import MAX_REQUEST_BYTES
from streams.registry.version import parse_registry
from streams.routing.confidence.checks import faults
from streams.routing.confidence.scorers import Answered
from streams.routing.confidence.second_opinion import judge_body
from streams.routing.features.request_features import both_ends, extract_features
from streams.routing.llm.classification import opinion_body

LANDSCAPE = parse_registry(local_registry("http://127.0.0.1:1")).snapshot
UNITS = ("สวัสดีครับ ", "नमस्ते दुनिया ", "გამარჯობა ", "ሰላም ለዓለም ", "안녕하세요 ")
ANSWER = {"content": "This is what can be said about it, in plain words and at some length."}


def _large(unit: str, *, at_end: str = "", in_middle: str = "") -> str:
    half = unit * (MAX_REQUEST_BYTES // len(unit.encode()) // 2)
    return half + in_middle + half + at_end


def _language_faults(prompt: str, answer: dict[str, str] = ANSWER) -> list[str]:
    body = {"messages": [{"role": "user", "content": prompt}]}
    return [fault.what for fault in faults(body, answer, "stop") if "asked in" in fault.what]


@pytest.mark.parametrize("unit", UNITS)
def test_a_requested_language_is_found_at_the_ends_of_a_prompt_only(unit: str) -> None:
    wish = " Answer in English. "

    assert _language_faults(_large(unit))
    assert _language_faults(_large(unit, in_middle=wish))
    assert not _language_faults(_large(unit, at_end=wish))


@pytest.mark.parametrize("unit", UNITS)
def test_prompts_to_judges_and_classifiers_are_truncated(unit: str) -> None:
    text = _large(unit)
    body = {"messages": [{"role": "user", "content": text}]}
    model = LANDSCAPE.models["gpt-4o"]
    answered = Answered(body=body, message={"content": text}, finish_reason="stop")
    judged = orjson.dumps(judge_body(answered, model))
    classified = orjson.dumps(opinion_body(extract_features(body), LANDSCAPE, model))

    assert max(len(judged), len(classified)) < 100_000


def test_both_ends_of_a_short_text_are_the_text() -> None:
    assert both_ends("hello") == "hello"
    assert len(both_ends("x" * MAX_REQUEST_BYTES)) < 50_000
