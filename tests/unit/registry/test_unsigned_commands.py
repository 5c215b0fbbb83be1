"""`sluice registry` names the remedy where signatures or confirmations are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.registry_signature import RegistryKeys
from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from infra.cli.output.registry import show_current
from infra.cli.registry import repairing
from infra.devstack.registry import local_registry
from streams.registry import registry_topic
from streams.registry.history import CURRENT_KEY, RegistryRecord
from streams.registry.version import parse_registry

VERSION = parse_registry(local_registry("http://127.0.0.1:1"))
RECORDS = [
    RegistryRecord(key=f"registry/{VERSION.hash}".encode(), value=VERSION.content, at=0, offset=0),
    RegistryRecord(
        key=CURRENT_KEY, value=b'{"registry": "%b", "by": "ada"}' % VERSION.hash.encode(), at=1,
        offset=1,
    ),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_records(kafka: Any) -> AsyncIterator[RegistryRecord]:
        for each in RECORDS:
            yield each

    monkeypatch.setattr(repairing, "checked_kafka", dict)
    monkeypatch.setattr(repairing, "checked_librdkafka", dict)
    monkeypatch.setattr(repairing, "registry_keys", lambda: RegistryKeys(["abcdefghij" * 4]))
    monkeypatch.setattr(registry_topic, "read_records", read_records)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_without_a_terminal_a_question_is_an_error_that_names_yes(
    as_json: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_faults(sluice, ["registry", "sign", *as_json]) == 2

    printed = capsys.readouterr()
    assert "--yes" in printed.err
    assert VERSION.hash in printed.err
    assert printed.out == ""


def test_a_check_asks_for_no_confirmation(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_faults(sluice, ["registry", "sign", "--check"]) == 1
    assert "sluice registry sign" in capsys.readouterr().err


def _hint(capsys: pytest.CaptureFixture[str], *, is_refused: bool) -> str:
    show_current("v2", "v1", None, None, applied=True, as_json=False, is_refused=is_refused)
    return capsys.readouterr().err


def test_an_unsigned_version_is_to_be_signed_and_not_rolled_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "sluice registry rollback" in _hint(capsys, is_refused=False)

    hint = _hint(capsys, is_refused=True)
    assert "sluice registry sign v2" in hint
    assert "SLUICE_REGISTRY_KEY" in hint
    assert "to undo" not in hint
