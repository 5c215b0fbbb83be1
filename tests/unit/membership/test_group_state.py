"""The state of a group from its coordinator, with any members."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from streams.membership.group_state import GroupStanding, UnreadableAssignmentError, group_standing

STABLE = "Stable"


def _assignment(*given: tuple[str, list[int]]) -> bytes:
    encoded: bytes = ConsumerProtocolMemberAssignment(0, list(given), b"").encode()
    return encoded


def _state_of(*assignments: bytes, error: int = 0, state: str = STABLE) -> GroupStanding | None:
    members = [(f"m{number}", "c", "h", b"", each) for number, each in enumerate(assignments)]

    async def send(_node: int, _request: Any) -> Any:
        return SimpleNamespace(groups=[(error, "g", state, "consumer", "p", members)])

    consumer = SimpleNamespace(
        _coordinator=SimpleNamespace(coordinator_id=1, group_id="g"),
        _client=SimpleNamespace(send=send),
    )
    return asyncio.run(group_standing(consumer))


def test_the_assignments_of_all_members_are_merged() -> None:
    found = _state_of(_assignment(("a", [0, 2]), ("b", [1])), b"", _assignment(("a", [1])))
    assert found == GroupStanding(members=3, given={"a": frozenset({0, 1, 2}), "b": frozenset({1})})


@pytest.mark.parametrize(
    "bad",
    [
        b"\x00",
        b"sticky/json",
        b"\x00\x00\x7f\xff\xff\xff",
        b"\x00\x00\x00\x00\x00\x01\x00\x01\xff\x00\x00\x00\x00",
        b"\x00\x00\x00\x00\x00\x01\x00\x01t\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_an_unreadable_assignment_is_a_named_error(bad: bytes) -> None:
    with pytest.raises(UnreadableAssignmentError) as caught:
        _state_of(_assignment(("a", [0])), bad)
    assert not caught.value.retriable


def test_a_rebalancing_group_has_no_state_and_an_error_is_raised() -> None:
    assert _state_of(state="PreparingRebalance") is None
    with pytest.raises(KafkaError):
        _state_of(error=30)
