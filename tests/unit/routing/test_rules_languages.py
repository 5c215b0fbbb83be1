"""The same prompt gets the same tier in ten languages, and everyday ones stay on the first."""

from __future__ import annotations

import pytest

from infra.local.registry import local_registry
from streams.registry.version import parse_registry
from streams.routing.decide import Moment, Subject, decide
from streams.routing.rules.phrases import PHRASES
from streams.routing.rules.size import bounded, latin_characters
from tests.unit.routing.parallel_prompts import LANGUAGES, PARALLEL

LANDSCAPE = parse_registry(local_registry("http://127.0.0.1:1")).landscape
NOW = Moment(now=0, time_left_ms=600_000)


def _tier(prompt: str) -> str:
    body = {"messages": [{"role": "user", "content": prompt}]}
    return decide(Subject(body=body, tenant="default"), LANDSCAPE, NOW).tier


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PARALLEL)
def test_a_prompt_has_its_tier_in_every_language(name: str, language: str) -> None:
    tier, by_language = PARALLEL[name]

    assert _tier(by_language[language]) == tier


@pytest.mark.parametrize(
    "prompt",
    [
        "How do I change the PIN of my card?",
        "Should I call you before I bring the bike in for repair?",
        "Why was my card declined at the petrol station yesterday?",
        "Why can't I log in to my account any more?",
        "Do you need a proof of purchase for a refund?",
        "I have to prove who I am, which document do you take?",
        "what is the exchange rate for my transfer",
        "How long does a delivery to Norway take?",
        "give me the zip code for Leeds",
        "Thanks, that helped!",
    ],
)
def test_everyday_questions_stay_on_the_first_tier(prompt: str) -> None:
    assert _tier(prompt) == "simple"


@pytest.mark.parametrize(
    "prompt",
    [
        "Give me the code for a snake game in the browser",
        "show me some code in rust that parses a log and counts the errors",
        "Prove by induction that my identity for the binomial sum holds.",
        "Si 2x + 3y = 12 y 5x - y = 13, ¿cuánto vale x + y?",
    ],
)
def test_short_work_that_looks_everyday_leaves_the_first_tier(prompt: str) -> None:
    assert _tier(prompt) != "simple"


def test_a_long_easy_prompt_stays_on_the_first_tier() -> None:
    listing = ", ".join(f"shelf {number} holds oak boards" for number in range(40))

    assert _tier(f"Extract only the name of the sender: {listing}. Regards, Amara") == "simple"


@pytest.mark.parametrize("language", ["zh", "ja", "hi", "ar", "de"])
def test_the_same_text_is_about_as_long_in_every_script(language: str) -> None:
    for _, said in PARALLEL.values():
        here, english = (latin_characters(said[each], len(said[each])) for each in (language, "en"))
        assert 0.5 < here / english < 1.5


def test_no_two_sums_of_weights_have_the_same_score() -> None:
    sums = [number / 100 for number in range(-80, 200)]
    scores = [bounded(each) for each in sums]

    assert scores == sorted(set(scores))
    assert scores[0] > 0
    assert scores[-1] < 1
    assert bounded(0.5) == 0.5


def test_no_language_says_a_phrase_twice() -> None:
    for language, phrases in PHRASES.items():
        said = [each.removesuffix("*") for concept in phrases.values() for each in concept]
        assert len(said) == len(set(said)), language
