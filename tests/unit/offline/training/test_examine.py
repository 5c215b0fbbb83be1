"""`sluice eval` and `sluice train` as their users run them, on a small file of labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from tests.unit.offline.training.world import labels

PAIR = ("--weak", "small", "--strong", "large")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    lines = [
        orjson.dumps(
            {
                "prompt": row.prompt,
                "answers": {
                    model: {"score": score, "text": row.texts[model]}
                    for model, score in row.scores.items()
                },
            }
        )
        for row in labels(150).rows
    ]
    path.write_bytes(b"\n".join(lines))
    return path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    status = report_faults(sluice, [*arguments, "--json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return dict(json.loads(printed.out))


def test_every_classifier_is_measured_with_its_intervals(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {
        name: _run(capsys, "eval", "--data", str(data), *PAIR, "--classifier", name)
        for name in ("rules", "article-4", "article-ex1", "length", "random")
    }

    for each in found.values():
        assert each["n"] == 150
        low, high = each["intervals"]["apgr"]
        assert low <= each["apgr"] <= high
    assert found["random"]["apgr"] == pytest.approx(0.5)
    assert found["rules"]["apgr"] > 0.6


def test_the_trained_classifier_beats_untrained_ones_and_the_cascade_beats_both(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ("eval", "--data", str(data), *PAIR, "--folds", "3")
    prompt_only = _run(capsys, *base)
    cascade = _run(capsys, *base, "--cascade", "learned")

    assert prompt_only["apgr"] > 0.65
    assert cascade["apgr"] > prompt_only["apgr"]
    assert cascade["auroc"] > 0.9


def test_an_artifact_is_trained_compared_and_used(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "router.json"
    trained = _run(capsys, "train", "--data", str(data), *PAIR, "--out", str(out))
    named = f"learned:{out}"
    measured = _run(capsys, "eval", "--data", str(data), *PAIR, "--classifier", named)

    assert trained["columns"] == ["small", "large"]
    assert trained["apgr"]["learned"] > 0.6
    assert measured["apgr"] > 0.7


WRONG = {
    "no artifact": (["--classifier", "learned"], "--folds 5"),
    "an artifact that is none": (["--classifier", "learned:{data}"], "not a Sluice artifact"),
    "a model that is not there": (["--weak", "tiny", "--strong", "large"], "no scores of tiny"),
    "the pair the wrong way": (["--weak", "large", "--strong", "small"], "swap them"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_invalid_argument_is_an_error_with_a_remedy(
    data: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given, message = WRONG[kind]
    arguments = [each.format(data=data) for each in given]
    base = ["eval", "--data", str(data)]
    if "--weak" not in arguments:
        base += PAIR
    if "--classifier" not in arguments:
        base += ["--classifier", "length"]

    assert report_faults(sluice, [*base, *arguments]) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_classifier_is_a_usage_error(data: Path) -> None:
    command = ["eval", "--data", str(data), *PAIR, "--classifier", "magic"]

    assert report_faults(sluice, command) == 2


def test_a_golden_set_fails_where_too_many_hard_prompts_stay_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(
        b'{"tier": "simple", "prompt": "What is the capital of France?"}\n'
        b'{"tier": "complex", "prompt": "Hi"}\n'
    )
    command = ["eval", "--golden", str(path), "--classifier", "rules"]

    assert report_faults(sluice, command) == 1
    assert "the limit is 10.0%" in capsys.readouterr().err
    assert report_faults(sluice, [*command, "--at-most", "1"]) == 0


def test_the_shipped_golden_set_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    command = ("eval", "--golden", "shipped", "--classifier", "rules", "--at-most", "1")
    found = _run(capsys, *command)

    assert found["n"] >= 200
    assert found["low"] <= found["complex_to_first"] <= found["high"]
    assert sum(sum(went.values()) for went in found["confusion"].values()) == found["n"]
