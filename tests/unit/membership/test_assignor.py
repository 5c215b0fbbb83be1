"""Partitions are assigned to each member fairly, whatever members owned of changed topics."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from hypothesis import given
from hypothesis import strategies as st

from streams.membership.assignor import GroupAssignor
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.worker.faust_app import build_app
from streams.worker.settings import WorkerSettings

TOPICS = ("a", "b", "c")
COUNTS = st.dictionaries(st.sampled_from(TOPICS), st.integers(1, 8))


class _Cluster:
    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self._counts[topic])) if topic in self._counts else None


def _assignor() -> GroupAssignor:
    app: Any = SimpleNamespace(
        tables=SimpleNamespace(changelog_topics=set(), data={}),
        tracer=None,
        sensors=SimpleNamespace(
            on_assignment_start=lambda _: {},
            on_assignment_completed=lambda *_: None,
            on_assignment_error=lambda *_: None,
        ),
    )
    return GroupAssignor(app)


def _member(had: dict[str, list[int]]) -> ConsumerProtocolMemberMetadata:
    known = ClientMetadata(
        assignment=ClientAssignment(actives=had, standbys={topic: [] for topic in had}),
        url="http://localhost",
        changelog_distribution={},
        external_topic_distribution={},
        topic_groups={},
    )
    return ConsumerProtocolMemberMetadata(4, list(TOPICS), known.dumps())


def _assignments(
    members: list[dict[str, list[int]]], counts: dict[str, int]
) -> list[dict[str, list[int]]]:
    found: Any = _assignor().assign(
        _Cluster(counts),  # type: ignore[arg-type]
        {str(number): _member(had) for number, had in enumerate(members)},
    )
    return [dict(found[str(number)].assignment) for number in range(len(members))]


def _check(members: list[dict[str, list[int]]], counts: dict[str, int]) -> None:
    after = _assignments(members, counts)
    for topic in TOPICS:
        given = [number for each in after for number in each.get(topic, [])]
        assert sorted(given) == list(range(counts.get(topic, 0)))
        sizes = [len(each.get(topic, [])) for each in after]
        assert max(sizes) - min(sizes) <= 1


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(TOPICS), st.lists(st.integers(0, 9), unique=True, max_size=8)
        ),
        min_size=1,
        max_size=5,
    ),
    COUNTS,
)
def test_every_partition_is_assigned_to_one_member_and_fairly(
    members: list[dict[str, list[int]]], counts: dict[str, int]
) -> None:
    _check(members, counts)


@given(st.integers(1, 4), st.lists(COUNTS, min_size=2, max_size=5))
def test_assignments_stay_fair_after_any_topic_changes(
    number: int, changes: list[dict[str, int]]
) -> None:
    members: list[dict[str, list[int]]] = [{} for _ in range(number)]
    for counts in changes:
        _check(members, counts)
        members = _assignments(members, counts)


@pytest.mark.parametrize(
    ("had", "count"),
    [
        # Two members that claim one partition, and one that is new.
        ([{}, {"b": [0, 1]}, {"a": [], "b": [0, 1, 2, 3]}], 7),
        ([{}, {"b": [0, 1]}, {"b": [2, 3]}], 7),
        # Claims that differ between topics which are given out together.
        ([{"b": [0]}, {"c": [0]}], 2),
        ([{"b": [5, 5, 5, 6]}, {"b": [6, 5]}, {}, {}], 11),
    ],
)
def test_a_member_that_is_new_gets_its_share(had: list[dict[str, list[int]]], count: int) -> None:
    _check(had, {"b": count, "c": count})


@pytest.mark.parametrize(
    "user_data", [b"", b"junk", b"{}", b"null", b'{"assignment": {"actives": {"a": ["1"]}}}']
)
def test_a_member_with_unreadable_user_data_gets_its_share(user_data: bytes) -> None:
    members = {
        "old": ConsumerProtocolMemberMetadata(4, ["a"], user_data),
        "other": _member({"a": [0, 1, 2, 3]}),
    }
    found: Any = _assignor().assign(_Cluster({"a": 4}), members)  # type: ignore[arg-type]
    sizes = sorted(len(dict(each.assignment)["a"]) for each in found.values())
    assert sizes == [2, 2]


def test_a_member_keeps_its_partitions() -> None:
    had = [{"a": [0, 2]}, {"a": [1, 3]}]
    assert [sorted(each["a"]) for each in _assignments(had, {"a": 4})] == [[0, 2], [1, 3]]


def test_workers_use_this_assignor() -> None:
    app = build_app(WorkerSettings(), None, DeliveryAttempts("i"))
    assert app.conf.PartitionAssignor is GroupAssignor
