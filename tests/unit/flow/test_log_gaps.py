"""Records removed unread by retention are reported once; gaps without a loss are not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert_names import AlertName
from streams.flow.gap_watch import GapWatch
from streams.flow.log_gaps import LogGap, LogGaps, Partition

PLACE = ("llm.requests.v1", 0)


def _gaps(committed: int | None = None) -> LogGaps:
    gaps = LogGaps()
    gaps.assign(lambda place: committed)
    return gaps


def _gap(first: int, last: int) -> LogGap:
    return LogGap(topic=PLACE[0], partition=PLACE[1], first=first, last=last)


def test_a_gap_between_two_messages_is_reported_once() -> None:
    gaps = _gaps(5)
    gaps.took(PLACE, 5)
    gaps.took(PLACE, 9)
    assert gaps.find({PLACE: 9}) == [_gap(6, 8)]
    assert gaps.find({PLACE: 9}) == []


def test_markers_and_aborted_records_are_no_gap() -> None:
    gaps = _gaps(5)
    gaps.took(PLACE, 5)
    gaps.took(PLACE, 9)
    assert gaps.noticed
    assert gaps.find({PLACE: 0}) == []
    assert not gaps.noticed


def test_a_gap_before_the_first_message_is_reported_from_the_committed_offset() -> None:
    gaps = _gaps(3)
    assert gaps.find({PLACE: 6}) == [_gap(3, 5)]
    gaps.took(PLACE, 6)
    assert gaps.find({PLACE: 6}) == []


def test_a_group_that_has_read_nothing_yet_misses_nothing() -> None:
    gaps = _gaps(None)
    assert gaps.find({PLACE: 100}) == []
    gaps.took(PLACE, 100)
    assert gaps.find({PLACE: 100}) == []


def test_a_redelivery_is_no_gap() -> None:
    gaps = _gaps(1)
    for offset in (1, 2, 3, 1, 2, 3, 4):
        gaps.took(PLACE, offset)
    assert gaps.find({PLACE: 0}) == []


@given(st.lists(st.integers(0, 60), unique=True).map(sorted), st.integers(0, 80))
def test_each_removed_unread_offset_is_reported_exactly_once(read: list[int], begin: int) -> None:
    gaps = _gaps(0)
    for offset in read:
        gaps.took(PLACE, offset)
    reported: list[int] = []
    for found in (*gaps.find({PLACE: begin}), *gaps.find({PLACE: begin})):
        reported.extend(range(found.first, found.last + 1))
    assert reported == [offset for offset in range(begin) if offset not in read]


class _Alerts:
    def __init__(self) -> None:
        self.fired: list[tuple[str, str]] = []

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        self.fired.append((rule, subject))
        assert "offsets 3 to 5" in message


def test_a_gap_is_counted_and_raised_with_its_offsets_while_the_broker_may_be_away() -> None:
    alerts, counted, passed, away = _Alerts(), [], [], [True]

    async def beginnings(places: Collection[Partition]) -> Mapping[Partition, int]:
        if away:
            raise OSError(away.pop())
        return dict.fromkeys(places, 6)

    async def pass_over(gap: LogGap) -> None:
        passed.append((gap.first, gap.last))
        raise OSError

    watch = GapWatch(
        _gaps(3),
        alerts,
        owned=lambda: [PLACE],
        beginnings=beginnings,
        counted=lambda topic, offsets: counted.append((topic, offsets)),
        pass_over=pass_over,
    )

    async def case() -> None:
        for _ in range(3):
            await watch.check()

    asyncio.run(case())
    assert alerts.fired == [("log_gap", "llm.requests.v1:0:3-5")]
    assert counted == [("llm.requests.v1", 3)]
    assert passed == [(3, 5)]
