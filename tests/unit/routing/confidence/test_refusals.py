"""A refusal is detected by its usual wording, not by an apology at the start of an answer."""

from __future__ import annotations

import pytest

from streams.routing.confidence.checks import faults


def _faults(text: str) -> list[str]:
    body = {"messages": [{"role": "user", "content": "Can you help me with my parcel?"}]}
    return [fault.check for fault in faults(body, {"role": "assistant", "content": text}, "stop")]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I am sorry, I cannot provide that information.",
        "Sorry, I can't do that.",
        "I'm sorry, but that's not something I can help with.",
        "I apologize, but I am unable to assist you here.",
        "I can't help with that.",
        "I cannot assist with this request.",
        "I cannot provide medical advice.",
        "I can not fulfill this request.",
        "I'm unable to help with this.",
        "I am not able to share that.",
        "I won't help with that.",
        "I must decline.",
        "As an AI language model, I cannot give opinions.",
        "As an AI, I don't have feelings.",
        "Unfortunately, I can't help you with that.",
        "I'm sorry to hear that you feel this way, but I'm unable to provide what you need.",
        "**I'm sorry**, but I can't discuss that topic.",
    ],
)
def test_a_refusal_in_its_usual_words_is_one(text: str) -> None:
    assert _faults(text) == ["refusal"]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that your parcel was lost! You can ask for a refund in your account.",
        "I'm sorry for the delay. You can't change the address any more, but support can.",
        "I am sorry about the trouble. Our support team will assist you within a day.",
        "I am sorry to say that the contract won't be renewed.",
        "Unfortunately, sale items can't be returned.",
        "Unfortunately, no: the warranty does not help with water damage.",
        "Unfortunately, the shop is not able to ship to Norway.",
        "Sorry about that! If you can't sign in, reset your password.",
        "I can't see any mistake in your proof; it is right.",
        "I cannot help but admire the bridge.",
        "As an AI engineer you build models and help with their deployment.",
        "He said: I'm sorry, but I can't come.",
    ],
)
def test_an_answer_that_only_begins_like_a_refusal_is_none(text: str) -> None:
    assert _faults(text) == []


def test_only_the_beginning_is_read_for_a_refusal() -> None:
    story = "The parcel is on its way and will be with you on Monday. " * 3

    assert _faults(f"{story}I'm sorry, but I can't help with that.") == []
