"""A version that uses an artifact is current only with that artifact."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from infra.devstack.registry import local_registry
from schemas.errors import RegistryError
from streams.registry.history import (
    ARTIFACT_PREFIX,
    CURRENT_KEY,
    VERSION_PREFIX,
    RegistryHistory,
    RegistryRecord,
)
from streams.registry.live import LiveRegistry
from streams.registry.publishing import records_of
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.learned.artifact import Artifact
from tests.unit.offline.training.world import artifact, packed

COLUMNS = "{simple: small, moderate: small, complex: large}"
TEXT = local_registry("http://127.0.0.1:1").replace(
    "classifier: rules",
    f"classifier: learned\n  learned: {{artifact: {artifact().hash}, columns: {COLUMNS}}}",
)


def _known(_: str) -> Artifact:
    return artifact()


def _version(text: str = TEXT) -> RegistryVersion:
    return parse_registry(text, artifacts=_known)


def _pointer(digest: str) -> bytes:
    return orjson.dumps({"registry": digest, "by": "ada"})


def test_the_artifact_is_published_before_the_version_that_names_it() -> None:
    keys = [key for key, _ in records_of(_version())]

    assert keys == [
        ARTIFACT_PREFIX + artifact().hash.encode(),
        VERSION_PREFIX + _version().hash.encode(),
    ]


def test_a_version_is_read_back_from_the_topic_with_its_artifact() -> None:
    history = RegistryHistory()
    for key, value in records_of(_version()):
        history.take(RegistryRecord(key=key, value=value, at=1))

    again = history.version(_version().hash)
    assert again.snapshot.artifact is not None
    assert again.snapshot.artifact.hash == artifact().hash
    assert again.snapshot.columns["complex"] == artifact().column("large")
    assert again.snapshot.columns["gpt-4o-mini"] == artifact().column("small")


@pytest.mark.parametrize("damage", ["missing", "damaged", "another"])
def test_a_version_without_its_artifact_does_not_become_current(damage: str) -> None:
    problems: list[str] = []

    async def report(version: str, problem: str) -> None:
        problems.append(problem)

    async def scenario() -> LiveRegistry:
        live = LiveRegistry(("simple", "moderate", "complex"), report)
        plain = parse_registry(local_registry("http://127.0.0.1:1"))
        records = [*records_of(plain), (CURRENT_KEY, _pointer(plain.hash))]
        learned = dict(records_of(_version()))
        key = ARTIFACT_PREFIX + artifact().hash.encode()
        if damage == "missing":
            del learned[key]
        elif damage == "damaged":
            learned[key] = packed()[:-100]
        else:
            learned[key] = learned[key].replace(b"test", b"tess")
        records += [*learned.items(), (CURRENT_KEY, _pointer(_version().hash))]
        for at, (name, value) in enumerate(records):
            await live.take(RegistryRecord(key=name, value=value, at=at))
        assert live.version == plain.hash
        return live

    asyncio.run(scenario())
    assert len(problems) == 1
    assert "artifact" in problems[0]


def test_a_column_that_the_artifact_lacks_is_named() -> None:
    with pytest.raises(RegistryError, match=r"columns\.complex.*it has small, large"):
        _version(TEXT.replace("complex: large", "complex: huge"))


def test_a_tier_without_a_column_is_named() -> None:
    with pytest.raises(RegistryError, match="set the column of tier moderate"):
        _version(TEXT.replace("moderate: small, ", ""))


def test_a_learned_decision_names_probabilities_and_is_reproducible_from_its_inputs() -> None:
    snapshot = _version().snapshot
    moment = DecisionContext(
        now=1, time_left_ms=600_000, costs={"simple": 100, "moderate": 900, "complex": 9_000}
    )

    def decided(prompt: str) -> tuple[str, float | None, str]:
        subject = RoutingRequest(
            body={"messages": [{"role": "user", "content": prompt}]}, tenant="acme"
        )
        decision = decide(subject, snapshot, moment)
        assert decision == decide(subject, snapshot, moment)
        assert "chance of a good answer" in decision.reasons[0]
        return decision.tier, decision.score, decision.inputs

    easy = decided("What time does the shop open on w7?")
    hard = decided("Prove that the sum of w7 primes diverges.")

    assert (easy[0], hard[0]) == ("simple", "complex")
    assert easy[1] is not None
    assert hard[1] is not None
    assert easy[1] < hard[1]
    assert orjson.loads(easy[2])["classify"]["costs"] == dict(moment.costs)
