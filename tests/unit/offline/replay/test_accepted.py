"""An accepted request is parsed again as at admission."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import InvalidRequestError
from schemas.request import read_request
from streams.offline.replay.accepted import accepted_request

WORDS = st.text("abc-1", min_size=1, max_size=6)
MESSAGE = st.fixed_dictionaries({"role": st.just("user"), "content": st.text(min_size=1)})
OURS: dict[str, st.SearchStrategy[Any]] = {
    "request_id": WORDS,
    "tenant": WORDS,
    "user_id": WORDS,
    "user": WORDS,
    "user_tier": WORDS,
    "feature": WORDS,
    "quality": st.sampled_from(["economy", "balanced", "best"]),
    "tier": st.sampled_from(["simple", "complex"]),
    "model": st.sampled_from(["auto", "gpt-4o"]),
    "retrieval": st.fixed_dictionaries(
        {}, optional={"scores": st.lists(st.sampled_from([0, 1, 0.5]), max_size=3),
                      "query_type": WORDS}
    ),
    "deadline_ms": st.integers(1, 1_000_000),
    "metadata": st.dictionaries(WORDS, WORDS, max_size=3),
    "temperature": st.floats(0, 2),
    "max_tokens": st.integers(1, 100),
    "stop": WORDS,
    "stream": st.just(False),
    "response_format": st.just({"type": "json_object"}),
}  # fmt: skip
DUMPED = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none()},
    optional={
        "tool_calls": st.just(
            [
                {
                    "id": "a",
                    "index": 0,
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}", "parsed_arguments": None},
                }
            ]
        ),
        "reasoning_content": st.text(max_size=3),
        "refusal": st.text(max_size=3),
        "annotations": st.just([]),
        "audio": st.none(),
        "function_call": st.none(),
    },
).filter(lambda turn: turn.keys() & {"tool_calls", "reasoning_content", "refusal"})
NULLED = {name: st.one_of(st.none(), kind) for name, kind in OURS.items()}


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.one_of(
        st.fixed_dictionaries({"prompt": st.text(min_size=1)}, optional=NULLED),
        st.fixed_dictionaries(
            {"messages": st.lists(MESSAGE | DUMPED, min_size=1, max_size=3)}, optional=NULLED
        ),
    )
)
def test_an_accepted_document_is_parsed_as_at_admission(document: dict[str, Any]) -> None:
    assert accepted_request(dict(document)) == read_request(dict(document))


@pytest.mark.parametrize("document", [{}, {"prompt": None}, {"messages": None, "model": "x"}])
def test_a_document_without_prompt_and_messages_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="neither prompt nor messages"):
        accepted_request(document)


@pytest.mark.parametrize(
    "document",
    [
        {"messages": ["a"]},
        {"messages": 5},
        {"prompt": "a", "retrieval": "x"},
        {"prompt": "a", "retrieval": {"scores": ["x"]}},
        {"prompt": "a", "retrieval": {"scores": 5}},
        {"messages": [{"role": "assistant", "tool_calls": 5}]},
    ],
)
def test_a_document_that_was_never_accepted_is_refused_as_such(document: Any) -> None:
    with pytest.raises(InvalidRequestError):
        accepted_request(document)
