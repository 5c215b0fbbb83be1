"""Fuzz inputs are reproducible by number and of every kind, and a failing one is reported."""

from __future__ import annotations

import asyncio
import time

import pytest

from schemas.errors import RecordTooLargeError
from tests.fuzz import running
from tests.fuzz.door import BrokenPromiseError, Door
from tests.fuzz.inputs import KINDS, Input, make_input

FEW = range(600)


def test_an_input_is_the_same_again_and_another_seed_makes_others() -> None:
    again = [make_input(1, number) for number in range(40)]

    assert [make_input(1, number) for number in range(40)] == again
    assert [make_input(2, number) for number in range(40)] != again


def test_inputs_of_every_kind_are_accepted_rejected_and_dead_lettered() -> None:
    share = running.run_part(1, FEW, time.monotonic() + 60)

    assert set(share.kinds) >= set(KINDS)
    assert share.taken == len(FEW)
    assert min(share.outcomes[word] for word in ("accepted", "refused", "dead")) > 0
    assert share.failures == []


@pytest.mark.parametrize("error", [RuntimeError("boom"), RecordTooLargeError("too large")])
def test_an_unexpected_error_is_a_failure_with_the_input_s_number(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def classify(*_: object) -> None:
        raise error

    monkeypatch.setattr("tests.fuzz.door.classify", classify)
    share = running.run_part(1, range(3), time.monotonic() + 60)

    assert [number for number, _, _ in share.failures] == [0, 1, 2]
    assert all(type(error).__name__ in text for _, _, text in share.failures)


def test_an_input_without_any_result_violates_the_invariants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def classify(*_: object) -> None:
        """Lose it."""

    monkeypatch.setattr("tests.fuzz.door.classify", classify)
    given = Input(kind="valid", value=b'{"prompt":"a"}', key=None, headers=[], ago_ms=0)

    with pytest.raises(BrokenPromiseError, match="went to"):
        asyncio.run(Door().take(given))


def test_time_that_is_over_ends_the_run() -> None:
    assert running.run_part(1, FEW, time.monotonic() - 1).taken == 0


@pytest.mark.parametrize("target", ["records", "answers"])
def test_other_targets_take_their_inputs_without_a_failure(target: str) -> None:
    share = running.run_part(1, range(400), time.monotonic() + 60, target)

    assert share.taken == 400
    assert [failure for failure in share.failures if failure[1] == "error"] == []
