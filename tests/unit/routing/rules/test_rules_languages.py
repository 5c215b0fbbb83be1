"""The same prompt gets the same tier in ten languages, and everyday ones stay on the first."""

from __future__ import annotations

import pytest

from infra.devstack.registry import local_registry
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.rules.phrases import PHRASES
from streams.routing.rules.size import bounded, latin_characters
from tests.unit.routing.rules.parallel_prompts import LANGUAGES, PARALLEL

LANDSCAPE = parse_registry(local_registry("http://127.0.0.1:1")).snapshot
NOW = DecisionContext(now=0, time_left_ms=600_000)


def _tier(prompt: str) -> str:
    body = {"messages": [{"role": "user", "content": prompt}]}
    return decide(RoutingRequest(body=body, tenant="default"), LANDSCAPE, NOW).tier


def _score(prompt: str) -> float:
    body = {"messages": [{"role": "user", "content": prompt}]}
    score = decide(RoutingRequest(body=body, tenant="default"), LANDSCAPE, NOW).score
    assert score is not None
    return score


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


@pytest.mark.parametrize(
    "prompt",
    [
        "Do I need an identity document to pick up the parcel?",
        "How do I prove I'm over 18 on your site?",
        "Can my neighbour's letter prove that I live there?",
        "Send me the gate code for tonight, we arrive at nine",
        "I need the code for the garage of flat 4",
        "give me the country code for Portugal",
        "what is the dress code on Friday evening?",
        "I need a discount code that still works",
        "Provide the access code to the meeting room",
        "show me the code for the alarm, it is beeping",
        "Help me prove my age at the counter",
        "Ik heb de code voor de poort nodig",
        "Podaj mi kod do bramy",
        "Дайте мне код от подъезда",
        "Kapının kodunu ver lütfen",
        "현관 코드를 알려 주세요",
        "Ge mig koden till dörren",
        "Brauche ich einen Ausweis, um zu beweisen, dass mir das Fahrrad gehört?",
    ],
)
def test_door_codes_and_proofs_of_identity_stay_on_the_first_tier(prompt: str) -> None:
    assert _tier(prompt) == "simple"


@pytest.mark.parametrize(
    "prompt",
    [
        "Prove the identity of Vandermonde",
        "Show that the polarization identity determines the inner product",
        "show me the code that reverses a linked list",
        "Give me the code to lock a mutex in C++",
        "write code for an alarm clock app in Kotlin",
        "Give me the code of a web page with a door that opens on a click in javascript",
        "Напиши код для игры змейка",
        "Escribe el código de una aplicación para abrir la puerta del garaje",
        "Schreibe den Code für eine Türsteuerung mit Arduino",
        "spiel: schreibe den Code für ein Memory im Browser",
        "コードを書いて:二分探索",
        "सिद्ध कीजिए कि योग का सूत्र सभी पूर्णांकों के लिए सही है",
    ],
)
def test_mathematical_proofs_and_program_code_leave_the_first_tier(prompt: str) -> None:
    assert _tier(prompt) != "simple"


@pytest.mark.parametrize(
    "prompt",
    [
        "Rephrase so that it sounds natural and keep the humour: 'Our tills are on strike.'",
        "Vertaal niet letterlijk: 'De kat uit de boom kijken leverde ons niets op dit jaar.'",
        "Przetłumacz, nie dosłownie: 'Nie mój cyrk, nie moje małpy, powiedział nam kierownik.'",
        "Переведи не дословно, сохрани игру слов: «На безрыбье и рак рыба, сказал повар».",
        "Skriv om artigare och behåll all information: 'Ta bort cyklarna nu, annars ryker de.'",
        "이 글을 더 공손하게 고쳐 써 줘, 모든 정보를 남기고: “자전거를 치우세요.”",
        "Daha kibar biçimde yeniden yaz: 'Bisikletleri buradan kaldırın, pazartesi atılacak.'",
        "summarise without losing the irony: 'What a joy, the lift is broken again, more sport.'",
    ],
)
def test_rewriting_a_given_text_in_a_style_starts_on_the_second_tier(prompt: str) -> None:
    assert _tier(prompt) == "moderate"


@pytest.mark.parametrize(
    "prompt",
    [
        "How do I say thanks more politely?",
        "What is a pun?",
        "Translate to German: 'The door is open.'",
        "Which tone does a dial phone make?",
        "what is the default port of redis",
    ],
)
def test_a_style_without_a_text_to_rewrite_is_no_signal(prompt: str) -> None:
    assert _tier(prompt) == "simple"


@pytest.mark.parametrize("words", [20, 40, 100, 400, 2_000])
@pytest.mark.parametrize(
    "sentence",
    ["The boat is blue and the sea is calm today.", "Der Zug hält heute an jedem Bahnhof.",
     "Le chat dort sur la chaise de la cuisine.", "今日は海がとても静かです。"],
)  # fmt: skip
def test_length_alone_raises_no_text(sentence: str, words: int) -> None:
    text = sentence if words <= 20 else " ".join([sentence] * (words // 8))

    assert _tier(text) == "simple"


def test_length_raises_a_text_that_is_hard_for_another_reason() -> None:
    hard = "Estimate the risk of this merger. "
    neutral = "The boat is blue and the sea is calm. "

    assert _score(hard) < _score(hard + neutral) < _score(hard + neutral * 4)
    assert _score(neutral * 40) < _score(neutral * 41) < 0.16


def test_a_long_easy_prompt_stays_on_the_first_tier() -> None:
    listing = ", ".join(f"shelf {number} holds oak boards" for number in range(40))

    assert _tier(f"Extract only the name of the sender: {listing}. Regards, Amara") == "simple"


@pytest.mark.parametrize("language", ["zh", "ja", "hi", "ar", "de"])
def test_the_same_text_is_about_as_long_in_every_script(language: str) -> None:
    for _, texts in PARALLEL.values():
        here, english = (
            latin_characters(texts[each], len(texts[each])) for each in (language, "en")
        )
        assert 0.5 < here / english < 1.5


def test_no_two_sums_of_weights_have_the_same_score() -> None:
    sums = [number / 100 for number in range(-80, 200)]
    scores = [bounded(each) for each in sums]

    assert scores == sorted(set(scores))
    assert scores[0] > 0
    assert scores[-1] < 1
    assert bounded(0.5) == 0.5


def test_no_language_lists_a_phrase_twice() -> None:
    for language, phrases in PHRASES.items():
        texts = [each.removesuffix("*") for concept in phrases.values() for each in concept]
        assert len(texts) == len(set(texts)), language


def test_numbers_in_a_long_easy_text_do_not_take_it_to_the_last_tier() -> None:
    story = " ".join(f"On day {number} we walked {number + 7} miles." for number in range(12, 32))

    assert _tier(f"{story} On which day was it sunny?") != "complex"


@pytest.mark.parametrize("kind", [None, "direct"])
def test_passages_that_answer_a_direct_question_do_not_raise_it(kind: str | None) -> None:
    passage = "The pass costs 40 euros for 10 rides, 70 for 20 and 90 for 30, valid for 12 months. "
    body = {"messages": [{"role": "user", "content": passage * 4 + "What do 20 rides cost?"}]}
    subject = RoutingRequest(
        body=body, tenant="default", retrieval_scores=(0.9, 0.8), retrieval_query_type=kind
    )

    assert decide(subject, LANDSCAPE, NOW).tier == "simple"
