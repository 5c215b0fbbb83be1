"""Ids of requests, and the partition on which their reply arrives."""

from __future__ import annotations

import itertools
import uuid

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import REQUEST_ID
from streams.gateway.dispatch.request_ids import (
    body_digest,
    fresh_identity,
    idempotent_identity,
    reply_partition,
)


@given(st.text(max_size=50), st.integers(1, 64))
def test_a_reply_goes_where_kafkas_own_partitioner_puts_its_request_id(
    request_id: str, partitions: int
) -> None:
    numbers = list(range(partitions))
    expected = DefaultPartitioner()(request_id.encode(), numbers, numbers)
    assert reply_partition(request_id, partitions) == expected


@given(
    st.integers(1, 32).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1))
    )
)
def test_a_new_request_is_answered_on_an_own_partition(case: tuple[int, set[int]]) -> None:
    partitions, own = case
    numbers = itertools.count()
    found = fresh_identity(own, partitions, lambda: f"r{next(numbers)}")
    assert found.partition in own
    assert found.partition == reply_partition(found.request_id, partitions)


def test_a_source_of_ids_without_an_own_one_ends() -> None:
    with pytest.raises(ValueError, match="no request id"):
        fresh_identity((), 4, lambda: str(uuid.uuid4()))


def test_an_idempotent_id_depends_on_each_of_its_parts_and_on_nothing_else() -> None:
    parts = ("secret", "key", "digest", 0)
    first = idempotent_identity(*parts, 8)
    assert idempotent_identity(*parts, 8) == first
    assert REQUEST_ID.fullmatch(first.request_id)
    for place, other in enumerate(("other", "other", "other", 1)):
        changed = [*parts]
        changed[place] = other
        found = idempotent_identity(*changed, 8)  # type: ignore[arg-type]
        assert found.request_id != first.request_id
        assert found.correlation != first.correlation


def test_the_correlation_id_of_an_idempotent_request_is_not_its_request_id() -> None:
    found = idempotent_identity("secret", "key", "digest", 0, 8)
    assert found.request_id.encode() not in found.correlation


def test_a_digest_tells_paths_and_bodies_apart() -> None:
    digests = {body_digest("/a", b"x"), body_digest("/b", b"x"), body_digest("/a", b"y")}
    assert len(digests) == 3
