"""Rollbacks go back step by step, also after compaction."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from streams.registry.history import CURRENT_KEY, MOST_BEFORE, RegistryHistory, RegistryRecord


def _moved(value: bytes, at: int) -> RegistryRecord:
    return RegistryRecord(key=CURRENT_KEY, value=value, at=at)


def _take(history: RegistryHistory, version: str, before: Sequence[str] | None = None) -> None:
    pointer: dict[str, object] = {"registry": version, "by": "ada"}
    if before is not None:
        pointer["before"] = list(before)
    history.take(_moved(orjson.dumps(pointer), len(history.pointers)))


def _apply(history: RegistryHistory, version: str) -> None:
    _take(history, version, history.current.applied() if history.current else ())


def _roll_back(history: RegistryHistory, version: str | None = None) -> str:
    assert history.current is not None
    wanted = version or history.current.before[-1]
    _take(history, wanted, history.current.taken_back(wanted))
    return wanted


def test_two_rollbacks_go_back_twice() -> None:
    history = RegistryHistory()
    for version in "abcd":
        _apply(history, version)

    assert [_roll_back(history) for _ in range(3)] == ["c", "b", "a"]
    assert history.current is not None
    assert history.current.before == ()


def test_a_version_that_is_applied_after_a_rollback_is_one_step_more() -> None:
    history = RegistryHistory()
    for version in "abc":
        _apply(history, version)
    _roll_back(history)
    _apply(history, "d")

    assert [_roll_back(history) for _ in range(2)] == ["b", "a"]


def test_a_rollback_to_a_named_version_is_immediate() -> None:
    history = RegistryHistory()
    for version in "abcd":
        _apply(history, version)
    _roll_back(history, "b")

    assert _roll_back(history) == "a"


def test_a_reverted_version_can_be_named_again() -> None:
    history = RegistryHistory()
    for version in "ab":
        _apply(history, version)
    _roll_back(history)
    _roll_back(history, "b")

    assert _roll_back(history) == "a"


def test_rollbacks_work_after_compaction() -> None:
    uncompacted, compacted = RegistryHistory(), RegistryHistory()
    for version in "abc":
        _apply(uncompacted, version)
    assert uncompacted.current is not None
    _take(compacted, "c", uncompacted.current.before)

    assert [_roll_back(compacted) for _ in range(2)] == ["b", "a"]


def test_pointers_of_earlier_releases_are_read_as_steps() -> None:
    history = RegistryHistory()
    for version in "abab":
        _take(history, version)

    # The third is a rollback to `a`, which has no predecessor.
    assert history.current is not None
    assert history.current.before == ("a",)


@pytest.mark.parametrize("before", ["x", {"a": 1}, 7])
def test_an_invalid_rollback_path_is_skipped(before: object) -> None:
    history = RegistryHistory()
    _take(history, "a")
    history.take(_moved(orjson.dumps({"registry": "b", "by": "x", "before": before}), 1))

    assert history.current is not None
    assert history.current.before == ("a",)


LEVELS = 1_010


@pytest.mark.parametrize(
    "entry",
    [
        b"[" * LEVELS + b"]" * LEVELS,
        b'{"a":' * LEVELS + b"1" + b"}" * LEVELS,
        b"7",
        b"null",
        b'""',
        b'"' + b"x" * 300 + b'"',
    ],
    ids=["lists", "objects", "number", "null", "empty", "long"],
)
def test_a_pointer_without_a_version_is_no_rollback_step(entry: bytes) -> None:
    history = RegistryHistory()
    value = b'{"registry":"b","by":"x","before":["a",' + entry + b"]}"

    assert history.take(_moved(value, 1))

    assert history.current is not None
    assert history.current.before == ("a",)


def test_the_rollback_path_is_bounded() -> None:
    history = RegistryHistory()
    for number in range(MOST_BEFORE + 50):
        _apply(history, str(number))

    assert history.current is not None
    assert len(history.current.before) == MOST_BEFORE
