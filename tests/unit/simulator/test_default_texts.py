"""Stock answers come in the prompt's language, so no simulated request escalates for it."""

from __future__ import annotations

import pytest

from infra.simulator.call_facts import CheckedCall
from infra.simulator.responses.default_responses import stock_answer
from infra.simulator.responses.default_texts import _TEXTS
from streams.routing.confidence.checks import faults
from streams.routing.confidence.language import language_of
from tests.unit.routing.confidence.test_language import PLAIN

QUESTIONS = {
    **PLAIN,
    "sv": "Hur kan jag skicka tillbaka ett paket som inte är helt, och vad kan jag få för det?",
    "arabic": "كيف يمكنني إعادة طرد وصل تالفا؟",
    "devanagari": "मैं टूटा हुआ पार्सल कैसे वापस करूँ?",
    "thai": "ฉันจะส่งคืนพัสดุที่เสียหายได้อย่างไร",
    "greek": "Πώς μπορώ να επιστρέψω ένα κατεστραμμένο δέμα;",
    "hebrew": "איך אפשר להחזיר חבילה שנפגעה?",
}


def test_every_language_of_the_check_has_stock_texts() -> None:
    assert _TEXTS.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("language", QUESTIONS)
@pytest.mark.parametrize("number", range(12))
def test_a_stock_answer_passes_the_checks_of_an_answer(language: str, number: int) -> None:
    prompt = f"{QUESTIONS[language]} ({number})"
    assert language_of(prompt) == language
    answer = stock_answer(
        CheckedCall(model="m", prompt=prompt, text=prompt, frame_tokens=0, tools={})
    ).text
    body = {"messages": [{"role": "user", "content": prompt}]}
    assert faults(body, {"role": "assistant", "content": answer}, "stop") == ()
    assert language_of(answer) in {language, None}
