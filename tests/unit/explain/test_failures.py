"""`explain` names the cause of a failed call: as it was recorded, else what its class means."""

from __future__ import annotations

import pytest

from infra.explain.failures import causes_of, failure_in_words
from streams.providers.port import ErrorClass

UNSET = "the environment variable OPENAI_API_KEY is not set"


def test_the_recorded_cause_is_found_by_its_call() -> None:
    hops = [
        {"hop": 0, "steps": [{"call": "a", "why": "x", "error": UNSET}, {"call": "b", "why": "y"}]},
        {"hop": 1},
    ]

    assert causes_of(hops) == {"a": UNSET}


SAID = {
    "a cause of ours": (("auth", None, UNSET), UNSET),
    "a cause that tells the status": (
        ("auth", 401, "the provider answered 401 (invalid_api_key)"),
        "the provider answered 401 (invalid_api_key)",
    ),
    "a status alone": (("rate_limited", 429, None), "HTTP 429: the provider's rate limit"),
    "neither": (("connection", None, None), "the endpoint could not be reached"),
    "a class of later": (("meteor", None, None), "meteor"),
}


@pytest.mark.parametrize("kind", SAID)
def test_a_failure_is_told_in_words(kind: str) -> None:
    given, said = SAID[kind]

    assert failure_in_words(*given).startswith(said)


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_class_has_words(error_class: ErrorClass) -> None:
    assert failure_in_words(error_class.value, None, None) != error_class.value
