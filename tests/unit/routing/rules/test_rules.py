"""Sluice's rules: a score from 0 to 1 for any text, reasons by weight, harder work higher."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.features.request_features import Features, extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules import classifier as rules
from streams.routing.rules.classifier import CLASSIFIERS, Complexity, sluice_rules
from streams.routing.rules.lexicon import plain

POLICY = RetrievalPolicy(confident_score=0.75, weak_score=0.45)


def _seen(question: str, turns: int = 1, tools: int = 0, **more: Any) -> Features:
    tool = {"type": "function", "function": {"name": "weather"}}
    earlier = [{"role": "user", "content": "hi"}] * (turns - 1)
    body = {"messages": [*earlier, {"role": "user", "content": question}], "tools": [tool] * tools}
    return extract_features(body, **more)


def _by(name: str, question: str, **more: Any) -> Complexity:
    return CLASSIFIERS[name](_seen(question, **more), POLICY)


def _ours(question: str, **more: Any) -> float:
    return _by("rules", question, **more).score


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
        ("Extract the word from the sign, please.", "Shout out the word at the sign, please."),
        ("Translate the name of the street.", "Pronounce the name of the street."),
        ("When is the plan on?", "This is the plan on it."),
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
    assert _ours("Go on.", tools=1) == _ours("Go on.")
    few, some, many = (_ours("Go on.", tools=count) for count in (2, 3, 4))
    assert _ours("Go on.") < few < some < many == _ours("Go on.", tools=40)


RETRIEVAL_QUESTION = "Which plan includes roaming in Norway?"


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
def test_strong_retrieval_lowers_the_score_and_weak_retrieval_raises_it(
    scores: tuple[float, ...], kind: str | None, step: float
) -> None:
    base = "Tell me about roaming in Norway and then compare it with Iceland and why it differs."
    steered = _ours(
        f"{base} {RETRIEVAL_QUESTION}", retrieval_scores=scores, retrieval_query_type=kind
    )

    assert steered == pytest.approx(max(_ours(f"{base} {RETRIEVAL_QUESTION}") + step, 0))


def test_the_registry_sets_the_bounds_of_strong_and_weak_retrieval() -> None:
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
    assert verdict.score == pytest.approx(0.12 + sum(weights), abs=0.005 * len(weights))
    assert 0.0 not in weights


def test_a_question_without_signals_has_the_reason_nothing_stands_out() -> None:
    verdict = _by("rules", f"{_words(13)}s")

    assert (round(verdict.score, 2), verdict.reasons) == (0.12, ("nothing stands out",))


def test_a_requested_artifact_must_follow_its_verb_closely() -> None:
    near, far = f"Write {_words(11)} function", f"Write {_words(13)} function"

    assert "asks for code (+0.32)" in _by("rules", near).reasons
    assert "asks for code (+0.32)" not in _by("rules", far).reasons
    assert _ours("Build it. Then call the queries.") > _ours("Send it. Then call the queries.")
    assert "asks for code" not in " ".join(_by("rules", "The function will write it").reasons)


def test_a_greeting_counts_at_the_beginning_only() -> None:
    assert _ours("Hello, it is on.") < _ours("It is on, hello.")
    assert _by("rules", "It is on, hello.").reasons == _by("rules", "It is on, we saw").reasons


def test_a_text_without_blanks_is_as_long_as_its_characters() -> None:
    assert _ours("荷" * 60) < _ours("荷" * 600) < _ours("荷" * 3_000)


def test_every_condition_counts_in_any_wording() -> None:
    assert _ours("Plan: if a, if b, if c, now.") < _ours("Plan: if a, if b, if c, if d.")
    for fourth in ("unless", "without"):
        found_reasons = _by("rules", f"Plan: if a, if b, if c, {fourth} d.").reasons
        assert any(reason.startswith("4 conditions") for reason in found_reasons)


def test_words_match_at_word_boundaries_in_any_case() -> None:
    assert _ours("PROVE it, please.") == _ours("prove it, please.") > _ours("approve it, please.")
    assert _ours("The trade-off, please.") > _ours("The trade, please.")


FILLER = "word " * 1_600


def test_a_long_prompt_is_read_at_its_beginning_and_at_its_end() -> None:
    assert _ours("prove it " + FILLER) > _ours("speak it " + FILLER)
    assert _ours(FILLER + "prove it ") > _ours(FILLER + "speak it ")
    assert _ours(f"{FILLER} prove it {FILLER}") == _ours(f"{FILLER} speak it {FILLER}")


def test_signals_in_the_middle_of_a_text_count_less_than_in_the_question() -> None:
    page = "word " * 60

    at_ends, about = _ours(f"prove it {page} {page}"), _ours(f"{page} prove it {page}")
    assert _ours(f"speak it {page} {page}") < about < at_ends


def test_the_cost_of_a_long_prompt_is_that_of_a_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def made_plain(text: str) -> str:
        read.append(len(text))
        return plain(text)

    monkeypatch.setattr(rules, "plain", made_plain)
    _ours("word " * 40_000)
    assert max(read) < 1_400


def test_typographic_marks_do_not_change_the_score() -> None:
    assert _ours("What’s the capital – of Norway?") == _ours("What's the capital   of Norway?")
    assert _ours("List the trade–offs of both") == _ours("List the trade-offs of both")
    assert _ours("I can’t move it, it must fit, never late") == _ours(
        "I can't move it, it must fit, never late"
    )


@pytest.mark.parametrize(
    ("hard", "easy"),
    [
        ("Beweise, dass es unendlich viele Primzahlen gibt.", "Wann öffnet der Laden am Montag?"),
        ("Démontrez que la suite converge.", "Quelle heure est-il à Paris ?"),
        ("Diseña la arquitectura y justifica los riesgos.", "¿Dónde está mi pedido?"),
        ("Dimostra che la serie converge.", "Quanto costa la spedizione?"),
        ("Projete a arquitetura e justifique os riscos.", "Onde está meu pedido?"),
        ("Bewijs dat de reeks convergeert.", "Waar is mijn pakket?"),
        ("Udowodnij, że ciąg jest zbieżny.", "Gdzie jest moja paczka?"),
        ("Докажи, что простых чисел бесконечно много.", "Где моя посылка?"),
        ("请证明素数有无穷多个。", "我的包裹在哪里？"),
        ("素数が無限にあることを証明してください。", "荷物はどこですか。"),
        ("소수가 무한히 많음을 증명하세요.", "택배가 어디에 있나요?"),
    ],
)
def test_hard_and_easy_work_are_distinguished_in_other_languages(hard: str, easy: str) -> None:
    assert _ours(easy) < 1 / 3 < _ours(hard)


@pytest.mark.parametrize(
    "question",
    [
        r"Let \(a_n\) be a sequence with \sum a_n \le 1. What follows?",
        "If x² − 7y² = 2 and x ≤ 10, what follows for y?",
        "∀ε ∃δ so that it holds. What follows?",
    ],
)
def test_mathematical_notation_is_seen(question: str) -> None:
    assert any("notation" in reason for reason in _by("rules", question).reasons)


def test_more_code_scores_higher() -> None:
    few, many = ("```\n" + "x = f(x)\n" * lines + "```" for lines in (3, 30))

    assert _ours("Look at it: " + few) < _ours("Look at it: " + many)


@pytest.mark.parametrize(
    ("metadata", "step"),
    [
        ({"complexity": "high"}, 1),
        ({"complexity": "HIGH"}, 1),
        ({"difficulty": "simple"}, -1),
        ({"priority": "critical"}, 1),
        ({"priority": "low"}, -1),
        ({"task": "legal review"}, 1),
        ({"task_type": "faq_lookup"}, -1),
        ({"complexity": "purple"}, 0),
        ({"colour": "high"}, 0),
        ({"trace": "complexity high"}, 0),
    ],
)
def test_metadata_in_plain_words_steers(metadata: dict[str, str], step: int) -> None:
    plain_score = _ours("Please sort this for me.")
    verdict = _by("rules", "Please sort this for me.", metadata=metadata)

    assert (verdict.score > plain_score) - (verdict.score < plain_score) == step
    assert any("metadata" in reason for reason in verdict.reasons) is (step != 0)


def test_feature_names_are_matched_by_word() -> None:
    assert _ours("Sort it.", feature="ticket-triage") < _ours("Sort it.", feature="tickets")
    assert _ours("Sort it.", feature="tickets") < _ours("Sort it.", feature="legal_review")


def test_user_tier_and_quality_move_the_score() -> None:
    def nudged(**more: Any) -> float:
        return _ours("Please sort this for me.", **more)

    assert nudged(quality="economy") < nudged() < nudged(quality="best")
    assert nudged(user_tier="free") == nudged() < nudged(user_tier="enterprise")


def test_long_instructions_and_large_answers_score_higher() -> None:
    fields = {f"f{number}": {"type": "string"} for number in range(20)}
    schema = {"type": "object", "properties": fields}
    plain_body = {"messages": [{"role": "user", "content": "Go on."}]}
    shaped = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    instructions = {"role": "system", "content": "Be kind. " * 600}

    plain_score = sluice_rules(extract_features(plain_body), POLICY).score
    for body in (
        {**plain_body, "response_format": shaped},
        {"messages": [instructions, *plain_body["messages"]]},
    ):
        assert sluice_rules(extract_features(body), POLICY).score > plain_score


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
