"""A worker keeps the latest valid version, whatever is on the topic, and raises an alert."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.history import CURRENT_KEY, VERSION_PREFIX, RegistryHistory, RegistryRecord
from streams.registry.live import LiveRegistry
from streams.registry.publishing import records_of
from streams.registry.version import RegistryVersion, parse_registry

TIERS = ("simple", "moderate", "complex")


def _version(threshold: float) -> RegistryVersion:
    text = local_registry("http://127.0.0.1:1")
    return parse_registry(text.replace("simple: 0.6", f"simple: {threshold}"))


def _pointer(digest: str) -> bytes:
    return orjson.dumps({"registry": digest, "by": "ada"})


class Watched:
    """A live registry, and the problems that it reported."""

    def __init__(self, tiers: tuple[str, ...] = TIERS) -> None:
        self.problems: list[tuple[str, str]] = []
        self.live = LiveRegistry(tiers, self._report)

    async def _report(self, version: str, problem: str) -> None:
        self.problems.append((version, problem))

    def take(self, *records: tuple[bytes, bytes | None]) -> None:
        async def scenario() -> None:
            for at, (key, value) in enumerate(records):
                await self.live.take(RegistryRecord(key=key, value=value, at=at))

        asyncio.run(scenario())


FIRST, SECOND = _version(0.6), _version(0.7)
PUBLISHED = [*records_of(FIRST), (CURRENT_KEY, _pointer(FIRST.hash))]


def test_before_any_version_there_is_nothing_to_decide_by() -> None:
    watched = Watched()

    assert watched.live.version is None
    with pytest.raises(RegistryError, match="sluice registry apply"):
        _ = watched.live.snapshot


def test_the_pointer_makes_a_version_current_and_reverts_it() -> None:
    watched = Watched()
    watched.take(*PUBLISHED, *records_of(SECOND))
    assert watched.live.version == FIRST.hash
    watched.take((CURRENT_KEY, _pointer(SECOND.hash)))
    assert watched.live.snapshot.policy.cascade.thresholds["simple"] == 0.7
    watched.take((CURRENT_KEY, _pointer(FIRST.hash)))
    assert watched.live.version == FIRST.hash
    assert watched.problems == []


OTHER_TIERS = parse_registry(
    local_registry("http://127.0.0.1:1")
    .replace("tiers: [simple, moderate, complex]", "tiers: [simple, moderate, complex, top]")
    .replace("boundaries: [0.16, 0.5]", "boundaries: []")
    .replace("anthropic\n    tier: simple", "anthropic\n    tier: top")
)

BAD: dict[str, list[tuple[bytes, bytes | None]]] = {
    "a version that is not there": [(CURRENT_KEY, _pointer("0" * 16))],
    "a pointer that is no JSON": [(CURRENT_KEY, b"{")],
    "a pointer without a version": [(CURRENT_KEY, b'{"by": "ada"}')],
    "a version that does not validate": [
        (VERSION_PREFIX + b"f" * 16, b'{"tiers": []}'),
        (CURRENT_KEY, _pointer("f" * 16)),
    ],
    "a version under another's hash": [
        (VERSION_PREFIX + b"e" * 16, SECOND.content),
        (CURRENT_KEY, _pointer("e" * 16)),
    ],
    "tiers that this worker does not read": [
        *records_of(OTHER_TIERS),
        (CURRENT_KEY, _pointer(OTHER_TIERS.hash)),
    ],
}


@pytest.mark.parametrize("kind", BAD)
def test_an_invalid_version_changes_nothing_and_raises_an_alert(kind: str) -> None:
    watched = Watched()
    watched.take(*PUBLISHED)
    watched.take(*BAD[kind])

    assert watched.live.version == FIRST.hash
    assert len(watched.problems) == 1


def test_records_of_other_kinds_and_deletions_are_passed_over() -> None:
    history = RegistryHistory()

    assert not history.take(RegistryRecord(key=b"something/else", value=b"x", at=1))
    assert not history.take(RegistryRecord(key=CURRENT_KEY, value=None, at=2))
    assert history.current is None
