"""A run that is too large to be summed up is refused before anything of it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from infra.replays.factory import ReplayComponents
from infra.replays.ranges import MOST_REQUESTS, TooManyRequestsError, check_size
from streams.offline.replay.run_spec import OffsetSpan, RunSpec

HALF = 10 * MOST_REQUESTS
SPEC = RunSpec(
    registry="r",
    spans=tuple(
        OffsetSpan(topic="t", partition=partition, first=0, end=HALF) for partition in range(2)
    ),
)


class Tables:
    """Partitions with so many requests each."""

    def __init__(self, requests: int) -> None:
        self.queries: list[dict[str, Any]] = []
        self._requests = requests

    @property
    def tables(self) -> Tables:
        return self

    def rows(self, name: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        self.queries.append(parameters)
        yield {"requests": self._requests}


def _checked(spec: RunSpec, requests: int) -> Tables:
    tables = Tables(requests)
    check_size(cast(ReplayComponents, tables), spec)
    return tables


def test_too_many_requests_are_refused_and_the_sample_that_fits_is_named() -> None:
    with pytest.raises(TooManyRequestsError, match=r"10,000,000 requests.*--sample 0\.1$"):
        _checked(SPEC, 5 * MOST_REQUESTS)


@pytest.mark.parametrize(
    ("spec", "requests"),
    [(SPEC, MOST_REQUESTS // 2), (replace(SPEC, sample=0.1), 5 * MOST_REQUESTS)],
)
def test_a_run_within_the_limit_is_accepted(spec: RunSpec, requests: int) -> None:
    assert len(_checked(spec, requests).queries) == 2


def test_a_filter_counts() -> None:
    queries = _checked(replace(SPEC, tenant="acme", feature="chat"), 7).queries

    assert {(each["tenant"], each["feature"]) for each in queries} == {("acme", "chat")}


def test_fewer_offsets_than_the_limit_are_not_counted() -> None:
    assert _checked(replace(SPEC, sample=0.01), 5 * MOST_REQUESTS).queries == []
