"""`sluice train --since` as its users run it, with its inputs replaced by fixed ones."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.labels import sources
from infra.labels.gathering import gather
from infra.labels.judged_answers import JudgedAnswer
from infra.labels.request_log import InMemoryPromptLog
from schemas.encoding.codec import Codec
from sinks.analytics.query_runner import TimeRange
from streams.routing.snapshot import RegistrySnapshot
from tests.unit.labels.world import answer, request
from tests.unit.offline.training.world import train_quickly
from tests.unit.routing.world import snapshot

Run = Callable[..., tuple[int, dict[str, Any], str]]


def _answers(rows: int) -> list[JudgedAnswer]:
    """Requests judged on both tiers. The first tier fails those of one colour, which rules and
    length can't see, and gets praise for the others, so that only a learned model can separate
    them.
    """
    chance = random.Random(3)
    found = []
    for number in range(rows):
        hard = chance.random() < 0.5
        prompt = f"Please look at the {'amber' if hard else 'green'} file {number:04d} once more."
        fails = chance.random() < (0.9 if hard else 0.05)
        for tier, score in (("simple", float(not fails)), ("complex", 1.0)):
            model = {"simple": "small", "complex": "large"}[tier]
            drawn = 0.1 if tier == "complex" else None
            found.append(
                answer(request(number), tier, score, model=model, prompt=prompt, propensity=drawn)
            )
    return found


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hashes of what is published, instead of a registry topic."""
    found: list[str] = []

    async def publish(_: Any, artifact: Any, *, keys: Any) -> None:
        found.append(artifact.hash)

    async def connection(_: Any) -> dict[str, Any]:
        return {}

    monkeypatch.setattr("streams.registry.publishing.publish_artifact", publish)
    monkeypatch.setattr("infra.devstack.addresses.kafka_connection", connection)
    return found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `train --json` over so many judged requests, with this registry current."""
    train_quickly(monkeypatch)

    def train(
        *arguments: str, rows: int = 150, ground: RegistrySnapshot | None = None, since: str = "7d"
    ) -> tuple[int, dict[str, Any], str]:
        async def from_tables(between: TimeRange, *, by: str) -> Any:
            return await gather(_answers(rows), InMemoryPromptLog({}), Codec("Request"), by=by)

        async def current() -> RegistrySnapshot | None:
            return ground

        monkeypatch.setattr(sources, "labels_from_tables", from_tables)
        monkeypatch.setattr(sources, "current_snapshot", current)
        given = ["--since", since, "--out", str(tmp_path / "router.json"), "--json", *arguments]
        status = report_faults(sluice, ["train", *given])
        printed = capsys.readouterr()
        return status, json.loads(printed.out or "{}"), printed.err

    return train


def test_tiers_are_columns_and_the_ends_of_the_registry_are_compared(
    run: Run, tmp_path: Path
) -> None:
    status, found, output = run(ground=snapshot(tiers=("simple", "moderate", "complex")))

    assert status == 0
    assert found["columns"] == ["simple", "complex"]
    assert found["apgr"]["learned"] > 0.6
    assert [each["name"] for each in found["now"]] == ["current classifier rules"]
    assert found["gathered"]["answers_by_signal"] == {"judge": 300}
    assert "150 requests" in output
    assert (tmp_path / "router.json").stat().st_size == found["bytes"]


def test_models_can_be_columns(run: Run) -> None:
    status, found, _ = run("--by", "model", "--weak", "small", "--strong", "large")

    assert status == 0
    assert found["columns"] == ["small", "large"]


def test_labels_can_be_kept_and_trained_on_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl.gz"
    _, found, _ = run("--labels-out", str(path))
    pair = ("--weak", "simple", "--strong", "complex")
    again = tmp_path / "again.json"
    status = report_faults(sluice, ["train", "--data", str(path), *pair, "--out", str(again)])

    assert status == 0
    kept = orjson.loads((tmp_path / "router.json").read_bytes())
    assert kept.keys() == orjson.loads(again.read_bytes()).keys()
    assert found["labels"] == 150


def test_a_better_artifact_is_published(run: Run, published: list[str]) -> None:
    status, found, output = run("--publish", ground=snapshot())

    assert status == 0
    assert found["better"]
    assert published == [found["artifact"]]
    assert f"policy.learned.artifact: '{found['artifact']}'" in output


def test_a_worse_artifact_is_published_only_if_forced(
    run: Run, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.labels.current_policy.gain_curve", lambda *_: _Perfect())
    refused, found, output = run("--publish", ground=snapshot())

    assert (refused, found["better"], published) == (1, False, [])
    assert "no better than current classifier rules" in " ".join(output.split())
    forced, found, _ = run("--publish", "--force", ground=snapshot())
    assert (forced, published) == (0, [found["artifact"]])


class _Perfect:
    """The curve of a baseline that can't be beaten."""

    area = 9.0


def test_too_few_labels_are_an_error_with_remedies(run: Run) -> None:
    status, _, output = run(rows=20)

    assert status == 1
    assert "20 requests have scores of both simple and complex" in output
    assert "policy.shadow" in output


WRONG = {
    "neither file nor range": [],
    "both": ["--data", "x", "--since", "7d", "--weak", "a", "--strong", "b"],
    "a file without a pair": ["--data", "x"],
    "a file and the option of a range": ["--data", "x", "--weak", "a", "--strong", "b",
                                         "--labels-out", "y"],
    "models without a pair": ["--since", "7d", "--by", "model"],
    "a time that is none": ["--since", "soon", "--weak", "a", "--strong", "b"],
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_invalid_options_are_a_usage_error(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing() -> None:
        return None

    monkeypatch.setattr(sources, "current_snapshot", nothing)
    command = ["train", "--out", str(tmp_path / "router.json"), *WRONG[kind]]

    assert report_faults(sluice, command) == 2


def test_the_gate_s_verdict_is_printed_without_publishing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, found, output = run(ground=snapshot())
    assert status == 0
    assert found["better"]
    assert "the gate is passed: it is reliably better" in " ".join(output.split())

    monkeypatch.setattr("infra.labels.current_policy.gain_curve", lambda *_: _Perfect())
    status, found, output = run(ground=snapshot())
    assert (status, found["better"]) == (0, False)
    assert "the gate is not passed: it is no better than" in " ".join(output.split())
