"""The tenant of a request id: known only if the journals of one worker prove it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import pytest

from core.clock import StillClock
from schemas.identity import DEFAULT_TENANT, identity_key
from schemas.journal_headers import JournalHeaders
from streams.journal.admission import Owner
from streams.journal.in_memory_log import MemoryLog
from streams.journal.owned_journals import MOST_TENANTS, Journals

ENDED = JournalHeaders(
    kind="replied",
    hop=0,
    visit=0,
    origin="req:0:1",
    digest="d",
    worker="w1",
    incarnation="one",
)


class _TwoPartitions(MemoryLog):
    """Records of tenants whose name ends in 2 are in partition 1."""

    def partition_of(self, identity: bytes) -> int:
        return int(identity.partition(b"/")[0].endswith(b"2"))


def _tenant_of(
    request_id: str,
    *,
    seen: Sequence[tuple[str, str]] = (),
    declared: Collection[str] = (),
    owned: Collection[int] = (0, 1),
) -> str | None:
    """The tenant according to a worker that owns these partitions and saw these requests (tenant,
    id) end.
    """
    clock = StillClock()
    log = _TwoPartitions(clock)
    journals = Journals(log, Owner(worker="w1", incarnation="one"), clock)
    asyncio.run(journals.assign(list(owned)))
    for tenant, known in seen:
        identity = identity_key(tenant, known)
        journals.wrote(log.partition_of(identity), identity, ENDED, clock.now())
    return journals.tenant_of(request_id, declared)


def test_where_no_tenant_is_known_it_is_the_default_one() -> None:
    assert _tenant_of("r1") == DEFAULT_TENANT


def test_the_only_tenant_is_chosen_whether_declared_or_seen() -> None:
    assert _tenant_of("r1", declared={"a1"}) == "a1"
    assert _tenant_of("r1", seen=[("a1", "other")]) == "a1"


def test_of_several_tenants_the_one_with_the_id_is_chosen() -> None:
    assert _tenant_of("r1", seen=[("a1", "r1"), ("b2", "r2")]) == "a1"
    assert _tenant_of("r1", seen=[("b2", "r1")], declared={"a1"}) == "b2"


@pytest.mark.parametrize(
    "seen", [[("a1", "r1"), ("b2", "r1")], [("a1", "r2"), ("b2", "r3")]], ids=["both", "neither"]
)
def test_an_id_of_both_or_neither_tenant_is_ambiguous(seen: Sequence[tuple[str, str]]) -> None:
    assert _tenant_of("r1", seen=seen) is None


def test_a_tenant_of_another_worker_s_partition_leaves_the_id_ambiguous() -> None:
    assert _tenant_of("r1", seen=[("a1", "r1")], declared={"b2"}, owned={0}) is None
    assert _tenant_of("r1", seen=[("a1", "r1")], declared={"b1"}, owned={0}) == "a1"


def test_a_fresh_worker_does_not_take_a_declared_tenant_s_id_for_the_default_one() -> None:
    assert _tenant_of("r1", declared={"a1", "b2"}) is None


def test_too_many_tenants_leave_the_id_ambiguous() -> None:
    seen = [(f"t{number}", "r") for number in range(MOST_TENANTS + 1)]
    assert _tenant_of("r1", seen=[*seen, ("a1", "r1")]) is None
