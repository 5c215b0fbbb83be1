"""`explain` names the cause of a failed call: as it was recorded, else what its class means."""

from __future__ import annotations

import orjson
import pytest

from infra.explain.calls import causes_of, failure_in_words
from infra.explain.recorded import read_inputs
from streams.providers.port import ErrorClass

UNSET = "the environment variable OPENAI_API_KEY is not set"


def test_the_recorded_cause_is_found_by_its_call() -> None:
    steps = [
        {"kind": "failure", "call": "a", "why": "x", "error": UNSET},
        {"kind": "failure", "call": "b", "why": "y"},
        {"call": "c", "why": "as logs before kinds have it", "error": UNSET},
    ]
    inputs = read_inputs(orjson.dumps({"hops": [{"hop": 0, "steps": steps}, {"hop": 1}]}).decode())

    assert causes_of(inputs.hops) == {"a": UNSET, "c": UNSET}


DESCRIPTIONS = {
    "a cause of ours": (("auth", None, UNSET), UNSET),
    "a cause that tells the status": (
        ("auth", 401, "the provider answered 401 (invalid_api_key)"),
        "the provider answered 401 (invalid_api_key)",
    ),
    "a status alone": (("rate_limited", 429, None), "HTTP 429: the provider's rate limit"),
    "neither": (("connection", None, None), "the endpoint could not be reached"),
    "a class of later": (("meteor", None, None), "meteor"),
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_a_failure_is_described_in_words(kind: str) -> None:
    given, expected = DESCRIPTIONS[kind]

    assert failure_in_words(*given).startswith(expected)


@pytest.mark.parametrize("error_class", list(ErrorClass))
def test_every_class_has_a_description(error_class: ErrorClass) -> None:
    assert failure_in_words(error_class.value, None, None) != error_class.value
