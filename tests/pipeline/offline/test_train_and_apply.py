"""From labels to a decision and back with commands only: train, publish, apply, ask, explain, roll
back, and apply again what `registry show` printed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.devstack.registry import local_registry
from tests.rig.stack import Stack
from tests.unit.offline.training.world import labels, train_quickly

STORED_S = 30.0
BETWEEN_S = 0.1
TIERS = ("simple", "moderate", "complex")


@dataclass
class Shell:
    """Runs commands as a user does; what they print."""

    capsys: pytest.CaptureFixture[str]
    stderr: str = ""

    def run(self, *arguments: str, status: int = 0) -> str:
        found = report_faults(sluice, list(arguments))
        printed = self.capsys.readouterr()
        self.stderr = printed.err
        assert found == status, printed.err
        return printed.out

    def document(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def explained(self, request_id: str, *, until: Callable[[Any], bool]) -> Any:
        """The output of `explain`, once the sink has stored the part of the request that `until`
        waits for: each topic is stored separately.
        """
        last = time.monotonic() + STORED_S
        while True:
            status = report_faults(sluice, ["explain", request_id, "--json"])
            printed = self.capsys.readouterr()
            if status == 0 and until(story := json.loads(printed.out)):
                return story
            assert time.monotonic() < last, printed.err or printed.out
            time.sleep(BETWEEN_S)


@contextmanager
def _restored(shell: Shell) -> Iterator[str]:
    """Restores the current version at the end."""
    first = shell.document("registry", "show", "--all")[-1]["version"]
    try:
        yield first
    finally:
        shell.run("registry", "rollback", first)


def _labels(path: Path) -> Path:
    lines = []
    for row in labels(150).rows:
        scores = (row.scores["small"], row.scores["large"], row.scores["large"])
        answers = {tier: {"score": score} for tier, score in zip(TIERS, scores, strict=True)}
        lines.append(orjson.dumps({"prompt": row.prompt, "answers": answers}))
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.fixture
def shell(
    pipeline: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """A user's shell, whose environment names the pipeline's Kafka and ClickHouse."""
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pipeline.bootstrap)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", pipeline.clickhouse_url)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "none"))
    train_quickly(monkeypatch)
    return Shell(capsys)


def test_a_model_that_no_worker_could_call_is_refused_unless_forced(
    pipeline: Stack, shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "registry.yaml"
    text = local_registry(pipeline.simulator_url)
    path.write_text(
        text.replace(
            f'base_url: "{pipeline.simulator_url}/v1"', 'base_url: "https://llm.corp/v1"', 1
        )
    )

    with _restored(shell) as first:
        refused = json.loads(shell.run("registry", "apply", str(path), "--json", status=1))
        assert refused["current"] == first
        (finding,) = [each for each in refused["findings"] if each["severity"] == "refuse"]
        assert finding["path"].startswith("models.gpt-4o-mini.instances.0")
        assert "SLUICE_ALLOWED_HOSTS" in finding["message"]
        assert "--force" in shell.stderr

        forced = shell.document("registry", "apply", str(path), "--force")
        assert forced["used_by"] == ["worker-1"]
        reply = shell.document("ask", "hi")
        cause = "llm.corp may not be called; SLUICE_ALLOWED_HOSTS does not match it"
        shell.explained(reply["request_id"], until=lambda story: cause in json.dumps(story))


def test_tiers_that_workers_do_not_read_are_rejected_with_their_reason(
    pipeline: Stack, shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "registry.yaml"
    text = local_registry(pipeline.simulator_url).replace("tier: complex", "tier: top")
    path.write_text(text.replace("moderate, complex]", "moderate, top]"))

    with _restored(shell):
        refused = json.loads(shell.run("registry", "apply", str(path), "--json", status=1))
        stderr = shell.stderr

    assert list(refused["refused_by"]) == ["worker-1"]
    assert "SLUICE_TIERS" in refused["refused_by"]["worker-1"]
    assert "rejected by worker-1" in stderr


def test_a_probe_calls_each_instance_and_two_rollbacks_return_twice(
    pipeline: Stack, shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "registry.yaml"
    text = local_registry(pipeline.simulator_url)

    with _restored(shell) as first:
        versions = [first]
        for hops in (4, 5):
            path.write_text(text.replace("max_hops: 3", f"max_hops: {hops}"))
            probing = () if hops == 4 else ("--probe",)
            shell.run("registry", "apply", str(path), *probing)
            if probing:
                assert shell.stderr.count(" answers: ") == 4
            versions.append(shell.document("registry", "show", "--all")[-1]["version"])
        back = [shell.document("registry", "rollback")["current"] for _ in range(2)]

    assert back == [versions[1], versions[0]]


def test_a_trained_artifact_is_published_applied_used_explained_and_rolled_back(
    pipeline: Stack, shell: Shell, tmp_path: Path
) -> None:
    out = tmp_path / "router.artifact"
    registry, shown = tmp_path / "registry.yaml", tmp_path / "shown.yaml"

    with _restored(shell) as first:
        data = _labels(tmp_path / "labels.jsonl")
        pair = ("--weak", TIERS[0], "--strong", TIERS[-1])
        trained = shell.document("train", "--data", str(data), *pair, "--out", str(out))
        registry.write_text(
            local_registry(pipeline.simulator_url).replace(
                "classifier: rules",
                f"classifier: learned\n  learned: {{artifact: '{trained['artifact']}'}}",
            )
        )

        # Before it is published, its file is enough; without either, the way out is named.
        shell.run("registry", "validate", str(registry), status=1)
        assert "--artifact FILE" in shell.stderr
        shell.run("registry", "validate", str(registry), "--artifact", str(out))
        golden = ("eval", "--golden", "shipped", "--at-most", "1")
        by_file = shell.document(*golden, "--classifier", f"learned:{out}")

        shell.run("train", "--data", str(data), *pair, "--out", str(out), "--publish", "--force")
        assert trained["artifact"] in shell.stderr
        valid = shell.document("registry", "validate", str(registry))
        assert valid["artifact"] == trained["artifact"]
        by_hash = shell.document(*golden, "--classifier", f"learned:{trained['artifact']}")
        assert by_hash["confusion"] == by_file["confusion"]
        changed = shell.document("registry", "diff", first, str(registry))
        assert "policy.learned.artifact" in {each["path"] for each in changed}

        applied = shell.document("registry", "apply", str(registry))
        assert applied["current"] == valid["version"]
        assert applied["used_by"] == ["worker-1"]
        reply = shell.document("ask", "Prove that the sum of w1 primes diverges.")
        assert reply["routing"]["classifier"] == "learned"
        assert reply["routing"]["registry_version"] == applied["current"]
        learned = f"learned artifact {trained['artifact']}"
        shell.explained(reply["request_id"], until=lambda story: learned in json.dumps(story))

        shown.write_text(shell.run("registry", "show"))
        assert shell.document("registry", "rollback")["current"] == first
        again = shell.document("registry", "apply", str(shown))
        assert again["current"] == applied["current"]
