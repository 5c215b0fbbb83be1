"""`sluice registry validate` needs no Kafka, and prints JSON whether a file is valid or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.devstack.registry import local_registry

TEXT = local_registry("http://127.0.0.1:1")
WRONG = {
    "a field": TEXT.replace("boundaries: [0.16, 0.5]", "boundaries: 0.2"),
    "a key twice": TEXT + "\ntiers: [a]\n",
    "no YAML": "tiers: [",
    "an arm": TEXT + "\nexperiments: {e: {arms: {a: {}, b: {policy: {clasifier: rules}}}}}\n",
    "an artifact that is nowhere": TEXT.replace(
        "classifier: rules", "classifier: learned\n  learned: {artifact: 0badc0de0badc0de}"
    ),
    "a budget without a price": TEXT.replace("gpt-4o-mini:", "unheard-of:").replace(
        "baseline:", "budgets: {b: {per: tenant, usd: 1, then: reject}}\nbaseline:"
    ),
}


@pytest.fixture(autouse=True)
def _no_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", raising=False)


def _validate(path: Path, capsys: pytest.CaptureFixture[str], status: int) -> dict[str, object]:
    assert report_faults(sluice, ["registry", "validate", str(path), "--json"]) == status
    return dict(json.loads(capsys.readouterr().out))


def test_a_valid_file_has_no_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(TEXT)

    found = _validate(path, capsys, 0)

    assert (found["valid"], found["problems"]) == (True, [])


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_json_too(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(WRONG[kind])

    found = _validate(path, capsys, 1)

    assert found["valid"] is False
    assert found["version"] is None
    assert isinstance(found["problems"], list)
    assert all(problem["message"] for problem in found["problems"])


def test_a_file_that_is_not_there_is_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _validate(tmp_path / "nothing.yaml", capsys, 1)

    assert found["valid"] is False
