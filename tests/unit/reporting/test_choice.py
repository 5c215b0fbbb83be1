"""Boundaries of `sluice eval --choose` meet their target on the given rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from infra.cli.offline.eval import command
from tests.unit.offline.training.world import labels

LABELS = labels(400)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels as a file."""
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    rows = (
        {
            "prompt": row.prompt,
            "answers": {
                model: {"score": score, "text": row.texts[model]}
                for model, score in row.scores.items()
            },
        }
        for row in LABELS.rows
    )
    path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return path


def run(file: Path, *more: str) -> Any:
    options = ["--data", str(file), "--weak", "small", "--strong", "large", *more]
    return CliRunner().invoke(command, options)


def chosen(file: Path, aim: str, *more: str) -> dict[str, Any]:
    found = run(file, "--classifier", "rules", "--choose", aim, "--json", *more)
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout)["choice"])


def test_a_bound_becomes_a_boundary_of_the_policy(file: Path) -> None:
    choice = chosen(file, "bound=0.2")

    assert 0 < choice["registry"]["policy.boundaries"] < 1
    assert 0 < choice["stays_on_weak"] < 1


def test_a_quality_is_kept_with_confidence(file: Path) -> None:
    assert chosen(file, "quality=0.8")["quality_at_least"] >= 0.8


def test_after_an_answer_it_is_a_threshold(file: Path) -> None:
    choice = chosen(file, "quality=0.8", "--cascade", "checks")

    assert 0 < choice["registry"]["policy.cascade.thresholds"] < 1


def test_an_unachievable_target_has_no_boundary_and_is_reported(file: Path) -> None:
    assert chosen(file, "quality=0.99")["registry"] is None
    found = run(file, "--classifier", "rules", "--choose", "quality=0.99")
    assert "cannot be achieved" in found.stderr


@pytest.mark.parametrize("aim", ["quality", "speed=1", "bound=2", "quality=x", "cost=-1"])
def test_an_invalid_target_is_a_usage_error(file: Path, aim: str) -> None:
    assert run(file, "--classifier", "rules", "--choose", aim).exit_code == 2


def test_a_classifier_without_a_score_has_no_boundary(file: Path) -> None:
    found = run(file, "--classifier", "length", "--choose", "bound=0.1")

    assert found.exit_code == 2
    assert "no score" in found.stderr
