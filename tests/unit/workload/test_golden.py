"""The golden set: well-formed, varied, not separable by length; a user's file is validated."""

from __future__ import annotations

from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from infra.workload.golden import GoldenPrompt, GoldenSetError, golden_file, read_golden
from infra.workload.sample import STRENGTHS, load_workload
from schemas.errors import SluiceError
from schemas.request import read_request
from streams.routing.confidence.language import language_of

PROMPTS = read_golden(golden_file())
SHORT_WORDS = 15
LONG_CHARACTERS = 300


def _of(tier: str) -> list[GoldenPrompt]:
    return [prompt for prompt in PROMPTS if prompt.tier == tier]


def _auroc(higher: list[int], lower: list[int]) -> float:
    """The chance that one of `higher` exceeds one of `lower`, ties by half."""
    wins = sum((one > other) + 0.5 * (one == other) for one in higher for other in lower)
    return wins / (len(higher) * len(lower))


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


def test_there_are_hundreds_and_no_two_share_id_or_text() -> None:
    assert len(PROMPTS) >= 240
    assert len({prompt.id for prompt in PROMPTS}) == len(PROMPTS)
    assert len({prompt.text for prompt in PROMPTS}) == len(PROMPTS)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_every_request_is_one_that_callers_may_send(prompt: GoldenPrompt) -> None:
    read_request(dict(prompt.request))


def test_no_request_names_its_tier_or_model() -> None:
    assert not [prompt.id for prompt in PROMPTS if {"tier", "model"} & set(prompt.request)]


def test_shares_of_the_tiers() -> None:
    shares = Counter(prompt.tier for prompt in PROMPTS)

    assert 0.4 <= shares["simple"] / len(PROMPTS) <= 0.5
    assert 0.25 <= shares["moderate"] / len(PROMPTS) <= 0.35
    assert 0.2 <= shares["complex"] / len(PROMPTS) <= 0.3


def test_many_kinds_of_work_and_no_tier_is_all_of_one() -> None:
    kinds = Counter(prompt.category for prompt in PROMPTS)

    assert len(kinds) >= 15
    for tier in STRENGTHS:
        within = Counter(prompt.category for prompt in _of(tier))
        assert len(within) >= 12
        assert max(within.values()) <= 0.25 * within.total()


def test_many_languages_in_every_tier() -> None:
    languages = Counter(language_of(prompt.text) for prompt in PROMPTS)
    del languages[None]

    assert len(languages) >= 12
    for tier in STRENGTHS:
        assert len({language_of(prompt.text) for prompt in _of(tier)} - {None}) >= 8


def test_a_fifth_of_complex_ones_is_short_and_a_fifth_of_simple_ones_long() -> None:
    short = [len(prompt.text.split()) < SHORT_WORDS for prompt in _of("complex")]
    long = [len(prompt.text) > LONG_CHARACTERS for prompt in _of("simple")]

    assert sum(short) >= 0.2 * len(short)
    assert sum(long) >= 0.2 * len(long)


@pytest.mark.parametrize("pair", [("complex", "simple"), ("complex", "moderate")])
def test_length_does_not_determine_the_tier(pair: tuple[str, str]) -> None:
    higher, lower = ([len(prompt.text) for prompt in _of(tier)] for tier in pair)

    assert 0.5 <= _auroc(higher, lower) < 0.75


@pytest.mark.parametrize(
    ("field", "least"),
    [
        ("feature", 60),
        ("tenant", 30),
        ("user_tier", 40),
        ("quality", 10),
        ("retrieval", 10),
        ("messages", 15),
        ("tools", 8),
        ("response_format", 4),
    ],
)
def test_the_fields_that_callers_send_are_in_it(field: str, least: int) -> None:
    assert sum(field in prompt.request for prompt in PROMPTS) >= least


def test_it_shares_no_prompt_with_the_sample_workload() -> None:
    sample = {_letters(item.prompt) for item in load_workload()}

    assert not [prompt.id for prompt in PROMPTS if _letters(prompt.text) in sample]


def test_a_prompt_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PROMPTS[0].tier = "other"  # type: ignore[misc]


def test_a_users_file_may_use_the_shorthand_and_its_own_tiers(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"tier": "small", "prompt": "hello"}\r\n'
        b"\n"
        b'{"id": "b", "tier": "large", "category": "proof",'
        b' "request": {"messages": [{"role": "user", "content": "Prove it."}]}}\n'
    )

    first, second = read_golden(path, tiers=("small", "large"))

    assert (first.id, first.tier, first.category) == ("line-1", "small", "")
    assert first.request == {"prompt": "hello"}
    assert (second.id, second.tier, second.category) == ("b", "large", "proof")
    assert second.text == "Prove it."


def test_text_includes_all_turns_and_excludes_images() -> None:
    prompt = GoldenPrompt(
        id="a",
        tier="simple",
        category="",
        request={
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    ],
                },
                {"role": "assistant", "content": None, "tool_calls": []},
            ]
        },
    )

    assert prompt.text == "Be brief.\nWhat is this?\n"


GOOD = '{"id": "a", "tier": "simple", "prompt": "hello"}'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"tier": "simple", "prompt": "hel', "is not JSON; write one complete JSON object"),
        ('["simple", "hello"]', "is not a JSON object"),
        ('{"prompt": "hello"}', "`tier` is missing; give one of simple, moderate, complex"),
        ('{"tier": "easy", "prompt": "hello"}', "`tier` is unknown; give one of simple"),
        ('{"tier": ["simple"], "prompt": "hello"}', "`tier` is unknown"),
        ('{"tier": "simple"}', "`request` is missing; give it, or `prompt`"),
        ('{"tier": "simple", "prompt": "a", "request": {}}', "are both set; give one"),
        ('{"tier": "simple", "request": "hello"}', "`request` is not a JSON object"),
        ('{"tier": "simple", "request": {}}', "the request is invalid: request: exactly one of"),
        ('{"tier": "simple", "prompt": 7}', "the request is invalid: prompt: "),
        ('{"tier": "simple", "prompt": "a", "feature": "faq"}', "`feature` is unknown; fields"),
        ('{"id": 7, "tier": "simple", "prompt": "a"}', "`id` is not a text"),
        ('{"id": "", "tier": "simple", "prompt": "a"}', "`id` is not a text"),
        ('{"category": null, "tier": "simple", "prompt": "a"}', "`category` is not a text"),
        ('{"id": "a", "tier": "simple", "prompt": "again"}', "`id` is the same as in line 1; give"),
    ],
)
def test_a_line_at_fault_is_named_with_what_to_do(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")

    with pytest.raises(GoldenSetError) as caught:
        read_golden(path)

    assert f"{path}, line 3: " in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.line == 3
    assert isinstance(caught.value, SluiceError)


def test_an_error_quotes_no_value(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"tier": "my secret", "prompt": "another secret"}', encoding="utf-8")

    with pytest.raises(GoldenSetError) as caught:
        read_golden(path)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n \n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(GoldenSetError, match="contains no prompts; write one per line") as caught:
        read_golden(path)

    assert caught.value.line is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(GoldenSetError, match=r"none\.jsonl: cannot be read .*; check the path"):
        read_golden(tmp_path / "none.jsonl")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b'{"tier": "simple", "prompt": "caf\xe9"}')

    with pytest.raises(GoldenSetError, match="line 1: is not JSON"):
        read_golden(path)
