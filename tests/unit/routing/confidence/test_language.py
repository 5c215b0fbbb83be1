"""Languages are detected in clear cases only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.confidence.checks import faults
from streams.routing.confidence.language import language_of

PLAIN = {
    "en": "What is the best way to return a parcel that was damaged on its way to you?",
    "de": "Wie kann ich ein Paket zurückgeben, das auf dem Weg zu mir beschädigt wurde?",
    "fr": "Comment est-ce que je peux vous renvoyer un colis qui est arrivé dans un mauvais état ?",
    "es": "¿Cómo puedo devolver un paquete que no llegó en buen estado y está dañado?",
    "it": "Come posso restituire un pacco che non è arrivato in buone condizioni per la pioggia?",
    "pt": "Como posso devolver uma encomenda que não chegou em boas condições e está molhada?",
    "nl": "Hoe kan ik een pakket terugsturen dat niet in goede staat is aangekomen op het adres?",
    "pl": "Jak mogę zwrócić paczkę, która nie jest w dobrym stanie, i co trzeba zrobić?",
    "cyrillic": "Как вернуть повреждённую посылку?",
    "japanese": "破損した荷物を返品するにはどうすればよいですか。",
    "han": "我怎样退回损坏的包裹？",
    "korean": "파손된 택배를 어떻게 반품하나요?",
}


@pytest.mark.parametrize("language", PLAIN)
def test_the_language_of_a_plain_sentence_is_detected(language: str) -> None:
    assert language_of(PLAIN[language]) == language


def test_one_repeated_word_does_not_determine_a_language() -> None:
    question = "Hi, I moved last week, I do. How do I change my delivery address?"
    assert language_of(question) in {"en", None}


@pytest.mark.parametrize("text", ["", "42", "Paris", "OK.", "print(x)", "foo bar baz qux quux"])
def test_an_unclear_text_has_no_language(text: str) -> None:
    assert language_of(text) is None


@given(st.text())
def test_any_text_has_a_language_or_none(text: str) -> None:
    language_of(text)


def _faults(question: str, answer: str) -> list[str]:
    body = {"messages": [{"role": "user", "content": question}]}
    found = faults(body, {"role": "assistant", "content": answer}, "stop")
    return [fault.check for fault in found]


def test_an_answer_in_another_language_is_a_fault() -> None:
    assert _faults(PLAIN["de"], PLAIN["en"]) == ["language"]
    assert _faults(PLAIN["japanese"], PLAIN["en"]) == ["language"]


def test_an_answer_in_the_language_of_the_question_is_none() -> None:
    assert (
        _faults(PLAIN["de"], "Das ist kein Problem: Sie können das Paket bei der Post abgeben.")
        == []
    )


def test_a_requested_translation_may_be_in_another_language() -> None:
    question = f"Translate this into French: {PLAIN['en']}"

    assert _faults(question, PLAIN["fr"]) == []


def test_a_short_right_answer_passes() -> None:
    assert _faults("What is the capital of France?", "Paris") == []
    assert _faults(PLAIN["de"], "42") == []


@pytest.mark.parametrize(
    "question",
    [
        "次の文を英語に翻訳してください：私たちは金曜日の午後に断水します。",
        "请把下面的通知翻译成英文：周五下午五点停水，到周六早上八点。",
        "다음 문장을 영어로 번역해 주세요: 금요일 오후에 단수됩니다.",
        "Переведите на английский: в пятницу воды не будет.",
        "अनुवाद कीजिए: शुक्रवार को पानी नहीं आएगा।",
    ],
)
def test_a_question_about_another_language_may_be_answered_in_it(question: str) -> None:
    answer = "The water is turned off on Friday, and it will be back on Saturday morning."
    assert "language" not in _faults(question, answer)
