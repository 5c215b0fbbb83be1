"""Our own rules: a score from 0 to 1 for any text, reasons by weight, harder work higher."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.features import Features, extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules import CLASSIFIERS, Complexity, sluice_rules
from streams.routing.wording import Wording

POLICY = RetrievalPolicy(confident_score=0.75, weak_score=0.45)


def _seen(question: str, turns: int = 1, tools: int = 0, **said: Any) -> Features:
    tool = {"type": "function", "function": {"name": "weather"}}
    earlier = [{"role": "user", "content": "hi"}] * (turns - 1)
    body = {"messages": [*earlier, {"role": "user", "content": question}], "tools": [tool] * tools}
    return extract_features(body, **said)


def _by(name: str, question: str, **said: Any) -> Complexity:
    return CLASSIFIERS[name](_seen(question, **said), POLICY)


def _ours(question: str, **said: Any) -> float:
    return _by("rules", question, **said).score


def _words(number: int) -> str:
    return " ".join(["word"] * number)


SIMPLE_FEATURES = ("classification", "extraction", "formatting", "faq", "status_check")
COMPLEX_FEATURES = ("code_generation", "research", "code_review", "creative_writing")


def test_a_feature_steers_without_deciding_alone() -> None:
    plain = _ours("Please sort this for me.")

    assert all(_ours("Please sort this for me.", feature=name) < plain for name in SIMPLE_FEATURES)
    assert all(_ours("Please sort this for me.", feature=name) > plain for name in COMPLEX_FEATURES)
    assert _ours("Please sort this for me.", feature="something else") == plain
    assert _ours(HARD[1], feature="faq") > plain


EASY = [
    "Hi, when is the shop open?",
    "What is the capital of France?",
    "Extract the date from: see you on 3 May.",
    "Is this review positive? Answer yes or no: I like it.",
    "Thanks!",
]
HARD = [
    "Prove that the square root of two is irrational, step by step.",
    "Design a migration plan from a monolith to services and evaluate the trade offs.",
    "Write a function that parses dates, then refactor it to be thread safe.",
    "Compare these two architectures and derive the time complexity of each.",
]


def test_hard_questions_score_above_easy_ones() -> None:
    assert max(_ours(question) for question in EASY) < 1 / 3
    assert min(_ours(question) for question in HARD) > 1 / 2


@pytest.mark.parametrize(
    ("plain", "harder"),
    [
        ("Tell me about primes.", "Prove this theorem about primes."),
        ("Look at the queue.", "Look at the deadlock in the queue."),
        ("I have a shop site.", "I have to design a shop site."),
        ("Look at both phones.", "Compare both phones."),
        ("Tell me about rain.", "Explain rain."),
        ("Say it.", "Write an essay about it."),
        ("Look at x in y.", "Calculate x in y."),
        ("Show me sorting.", "Write me a small sorting function."),
        ("A text: red, blue.", "Find it: ```x```"),
        ("Extract the name.", "Say the name."),
        ("Translate the name.", "Say the name."),
        ("When is it on?", "It is on."),
        (_words(10), _words(30)),
        (_words(30), _words(100)),
        (_words(100), _words(300)),
        ("Plan it for six.", "Plan it: if and unless, each must, at least two, except one."),
    ],
)
def test_more_work_scores_higher(plain: str, harder: str) -> None:
    assert _ours(plain) < _ours(harder)


def test_long_conversations_and_many_tools_score_higher() -> None:
    assert _ours("Go on.", turns=3) == _ours("Go on.") < _ours("Go on.", turns=4)
    assert _ours("Go on.", tools=3) == _ours("Go on.") < _ours("Go on.", tools=4)


ASKED = "Which plan includes roaming in Norway?"


@pytest.mark.parametrize(
    ("scores", "kind", "step"),
    [
        ((0.75,), None, -0.25),
        ((0.2, 0.9), "direct", -0.25),
        ((0.9,), "faq", -0.25),
        ((0.9,), "lookup", -0.25),
        ((0.9,), "unheard of", 0.0),
        ((0.749,), "direct", 0.0),
        ((0.45,), None, 0.0),
        ((0.449, 0.1), None, 0.25),
        ((0.1,), "direct", 0.25),
        ((0.9,), "synthesis", 0.25),
        ((0.9,), "comparison", 0.25),
        ((), "summary", 0.25),
        ((), "direct", 0.0),
        ((), None, 0.0),
    ],
)
def test_retrieval_steers_down_when_it_found_the_answer_and_up_when_not(
    scores: tuple[float, ...], kind: str | None, step: float
) -> None:
    base = "Tell me which of the monthly plans includes roaming in Norway and also in Iceland now."
    steered = _ours(f"{base} {ASKED}", retrieval_scores=scores, retrieval_query_type=kind)

    assert steered == pytest.approx(max(_ours(f"{base} {ASKED}") + step, 0))


def test_the_registry_says_what_strong_and_weak_retrieval_is() -> None:
    seen = _seen("explain it to me", retrieval_scores=(0.6,))
    plain, strict, lax = (
        sluice_rules(seen, RetrievalPolicy(confident_score=high, weak_score=low)).score
        for high, low in ((0.75, 0.45), (0.9, 0.7), (0.5, 0.2))
    )

    assert lax < plain < strict


def _weights(reasons: tuple[str, ...]) -> list[float]:
    found = [re.search(r"\(([+-]\d\.\d\d)\)$", reason) for reason in reasons]
    return [float(match[1]) for match in found if match]


def test_reasons_name_every_weight_strongest_first() -> None:
    verdict = _by("rules", HARD[1], turns=5, feature="extraction")
    weights = _weights(verdict.reasons)

    assert len(weights) == len(verdict.reasons) >= 4
    assert [abs(weight) for weight in weights] == sorted(map(abs, weights), reverse=True)
    assert verdict.score == pytest.approx(0.22 + sum(weights), abs=0.005 * len(weights))
    assert 0.0 not in weights


def test_a_question_of_which_nothing_stands_out_says_so() -> None:
    verdict = _by("rules", _words(20))

    assert (verdict.score, verdict.reasons) == (0.22, ("nothing stands out",))


def test_what_is_made_must_stand_near_the_making_of_it() -> None:
    assert _ours(f"Write {_words(6)} function now") > _ours(f"Write {_words(7)} function now")
    assert _ours("Build it. Then call the queries.") > _ours("Send it. Then call the queries.")
    assert _ours("The function will write it") == _ours("The function will read it")


def test_a_greeting_counts_at_the_beginning_only() -> None:
    assert _ours("Thank you, it is on.") < _ours("It is on, thank you.") == _ours("It is on, yes.")


def test_a_text_without_blanks_is_as_long_as_its_characters() -> None:
    assert _ours("荷" * 60) < _ours("荷" * 600) < _ours("荷" * 3_000)


def test_every_condition_counts_however_it_is_said() -> None:
    assert _ours("Plan: if a, if b, if c, now.") < _ours("Plan: if a, if b, if c, if d.")
    assert _ours("Plan: if a, if b, if c, at most d.") == _ours("Plan: if a, if b, if c, if d e.")


def test_words_are_seen_whole_and_in_any_case() -> None:
    assert _ours("PROVE it, please.") == _ours("prove it, please.") > _ours("approve it, please.")
    assert _ours("The trade-off, please.") > _ours("The trade, please.")


def test_a_long_prompt_is_read_to_the_end_of_its_first_page_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []
    cut = Wording.of

    def of(text: str) -> Wording:
        read.append(len(text))
        return cut(text)

    monkeypatch.setattr(Wording, "of", of)
    page = "word " * 1_600
    assert _ours(page + "prove it ") == _ours(page + "speak it ")
    assert _ours("prove it " + page) > _ours("speak it " + page)
    assert max(read) == 8_000


@given(
    question=st.text()
    | st.lists(st.sampled_from([*EASY, *HARD, "```", "if", "each"])).map(" ".join),
    name=st.sampled_from(sorted(CLASSIFIERS)),
    feature=st.none() | st.sampled_from([*SIMPLE_FEATURES, *COMPLEX_FEATURES]),
    scores=st.lists(st.floats(0, 1), max_size=5),
    kind=st.none() | st.sampled_from(["direct", "synthesis", "other"]),
    turns=st.integers(1, 6),
    tools=st.integers(0, 6),
)
def test_any_text_has_a_score_from_0_to_1_and_always_the_same(
    question: str,
    name: str,
    feature: str | None,
    scores: list[float],
    kind: str | None,
    turns: int,
    tools: int,
) -> None:
    seen = _seen(
        question,
        turns,
        tools,
        feature=feature,
        retrieval_scores=tuple(scores),
        retrieval_query_type=kind,
    )
    verdict = CLASSIFIERS[name](seen, POLICY)

    assert 0.0 <= verdict.score <= 1.0
    assert verdict.score == round(verdict.score, 6)
    assert verdict.reasons
    assert CLASSIFIERS[name](seen, POLICY) == verdict
