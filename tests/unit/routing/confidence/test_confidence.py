"""Confidence: the article's heuristic unchanged, and Sluice's, in which length is no defect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.confidence.scorers import SCORERS, Answered, ConfidenceResult

CLEAN = 0.9
QUESTION = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}


def _judge(
    scorer: str, content: Any, finish: str = "stop", logprobs: Sequence[float] | None = None
) -> ConfidenceResult:
    message = {"role": "assistant", "content": content}
    return SCORERS[scorer](
        Answered(body=QUESTION, message=message, finish_reason=finish, logprobs=logprobs)
    )


def _checks(content: Any, finish: str = "stop", logprobs: Sequence[float] | None = None) -> float:
    return _judge("checks", content, finish, logprobs).confidence


def _article(content: Any) -> float:
    return _judge("article", content).confidence


def _words(number: int) -> str:
    return " ".join(["word"] * number)


@pytest.mark.parametrize(
    ("content", "score"),
    [
        ("", 0.65),
        ("Paris", 0.65),
        ("Paris.", 0.75),
        (_words(20), 0.65),
        (_words(21), 0.8),
        (_words(20) + ".", 0.75),
        (_words(21) + ".", 0.9),
        ("```\nx\n```", 0.85),
        ("(Paris)", 0.75),
        ("Paris. \n", 0.75),
        ("1. Paris", 0.75),
        ("- Paris", 0.75),
        ("I'm not sure", 0.5),
        ("i don't KNOW", 0.5),
        ("I cannot say.", 0.6),
        ("I can't say.", 0.75),
        (f"1. {_words(21)}.", 1.0),
        (f"I don't know: {_words(21)}.", 0.75),
    ],
)
def test_the_article_s_score_is_kept_to_the_letter(content: str, score: float) -> None:
    assert _article(content) == score


def test_the_article_s_score_sees_no_fault() -> None:
    assert _judge("article", "Paris", "length") == _judge("article", "Paris")


@pytest.mark.parametrize("content", ["Paris", "42", "Yes", "1789."])
def test_a_short_right_answer_passes(content: str) -> None:
    assert _checks(content) == CLEAN


def test_length_alone_changes_nothing() -> None:
    long = " ".join(f"In {year} the city counted {year * 7} people." for year in range(1800, 1900))

    assert _checks(long) == _checks("Paris") == CLEAN


@pytest.mark.parametrize(
    ("content", "finish", "check"),
    [
        ("", "stop", "empty"),
        ("The capital is", "length", "truncated"),
        ("I'm sorry, but I can't help with that.", "stop", "refusal"),
        ("Paris", "content_filter", "refusal"),
        ("again and again and " * 20, "stop", "repetition"),
    ],
)
def test_a_hard_fault_leaves_nothing(content: str, finish: str, check: str) -> None:
    verdict = _judge("checks", content, finish, logprobs=[0.0])

    assert verdict.confidence == 0.0
    assert [fault.check for fault in verdict.faults] == [check]


@pytest.mark.parametrize(
    ("content", "score"),
    [
        ("I'm not sure, it is Paris.", 0.75),
        ("I’m not entirely certain: Paris.", 0.75),
        ("I think it is Paris, perhaps.", 0.6),
        ("Perhaps, possibly, probably, it might be Paris.", 0.45),
        ("Wait, it is Lyon. Paris.", 0.7),
        ("Wait, Lyon. Actually, let me reconsider. I made a mistake.", 0.5),
        ("Wait, I think it is Paris.", 0.55),
    ],
)
def test_hedging_and_self_doubt_lower_the_score(content: str, score: float) -> None:
    assert _checks(content) == score


def test_hedging_is_bounded_and_counted_in_a_bounded_part() -> None:
    assert _checks("Maybe not: perhaps one, possibly two, probably three, might be four.") == 0.45
    distinct = " ".join(f"line{number}" for number in range(3_000))
    assert len(distinct) > 20_000
    assert _checks(f"{distinct} perhaps") == CLEAN
    assert _checks(f"perhaps {distinct}") == 0.75


@pytest.mark.parametrize("content", ["The thinker sat.", "A mighty beast.", "The mini guess held."])
def test_words_that_only_resemble_a_hedge_do_not_lower_the_score(content: str) -> None:
    assert _checks(content) == CLEAN


@pytest.mark.parametrize(
    ("probability", "score"),
    [(1.0, 0.9), (0.9, 0.9), (0.8, 0.8), (0.7, 0.7), (0.5, 0.5), (0.2, 0.5), (1e-9, 0.5)],
)
def test_improbable_tokens_lower_it(probability: float, score: float) -> None:
    assert _checks("Paris", logprobs=[math.log(probability)] * 3) == score


def test_without_logprobs_the_score_has_no_such_part() -> None:
    assert "logprobs" not in _judge("checks", "Paris").parts
    assert "logprobs" not in _judge("checks", "Paris", logprobs=[]).parts
    assert _judge("checks", "Paris", logprobs=[-0.01]).parts["logprobs"] == 0.0


def test_the_parts_add_up_to_the_score() -> None:
    verdict = _judge("checks", "Wait, I think it is Paris.", logprobs=[math.log(0.8)])

    assert verdict.parts == {
        "hedging": -0.15,
        "self_doubt": -0.2,
        "logprobs": pytest.approx(-0.1),
    }
    assert verdict.confidence == pytest.approx(CLEAN + sum(verdict.parts.values()))


@given(
    scorer=st.sampled_from(sorted(SCORERS)),
    content=st.none() | st.text() | st.lists(st.builds(dict, type=st.just("text"), text=st.text())),
    logprobs=st.none() | st.lists(st.floats(allow_nan=False)),
)
def test_any_answer_has_a_confidence_from_0_to_1(
    scorer: str, content: Any, logprobs: list[float] | None
) -> None:
    confidence = _judge(scorer, content, logprobs=logprobs).confidence

    assert 0.0 <= confidence <= 1.0
    assert confidence == round(confidence, 6)


@given(st.lists(st.floats(-5, 0), min_size=1))
def test_logprobs_never_raise_it(logprobs: list[float]) -> None:
    assert 0.5 <= _checks("Paris", logprobs=logprobs) <= _checks("Paris")


DEMANDING = {"messages": [{"role": "user", "content": "Design and justify a sharded data store."}]}


def _parts(text: str, body: Any = QUESTION) -> dict[str, float]:
    message = {"role": "assistant", "content": text}
    answered = Answered(body=body, message=message, finish_reason="stop")
    return dict(SCORERS["checks"](answered).parts)


def test_a_long_derivation_lowers_the_score() -> None:
    short, long = (f"{'We add one more apple. ' * count}The answer is 12." for count in (3, 30))
    other = " ".join(f"Apple {number} is red." for number in range(60))

    assert "way" not in _parts(short)
    assert -0.18 <= _parts(f"{other} The answer is 12.")["way"] < 0
    assert "way" not in _parts(other)
    assert "way" not in _parts(f"{other} \\frac{{1}}{{2}}. The answer is 12.")
    assert _parts(long) == {"faults": 1.0}


def test_a_long_request_of_a_result_or_of_data_lowers_the_score() -> None:
    long = {"messages": [{"role": "user", "content": f"What is {'1 + ' * 900}1?"}]}
    longer = {"messages": [{"role": "user", "content": f"What is {'1 + ' * 90_000}1?"}]}
    result, data = "The answer is 12.", '{"sum": 12}'

    for answer in (result, data):
        assert "request" not in _parts(answer)
        assert -0.105 < _parts(answer, longer)["request"] < _parts(answer, long)["request"] < 0
    assert "request" not in _parts("Twelve, as far as we can see.", long)


def test_a_brief_text_for_a_demanding_request_lowers_the_score() -> None:
    ample = " ".join(f"Shard {number} holds the keys from {number * 7}." for number in range(80))

    assert (
        _parts("Use a hash.", DEMANDING)["brief"] < _parts("Use a hash. " * 3, DEMANDING)["brief"]
    )
    assert "brief" not in _parts(ample, DEMANDING)
    assert "brief" not in _parts("Use a hash.")
    assert "brief" not in _parts("```\nhash(key)\n```", DEMANDING)


def test_no_single_part_lowers_an_answer_below_the_threshold() -> None:
    assert SCORERS["checks"](
        Answered(
            body=DEMANDING, message={"role": "assistant", "content": "No."}, finish_reason="stop"
        )
    ).confidence == pytest.approx(0.7)
