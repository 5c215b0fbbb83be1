"""Lines of a file without an answer are named, and `send` exits with an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from streams.client import client
from streams.client.batch.request_file import RequestFileFormat, numbered_requests
from streams.client.batch.unfinished import MOST_KEPT, MOST_SHOWN, Unfinished
from streams.client.in_memory_connection import MemoryPipeline, answered, unanswered
from streams.client.request_outcome import RequestOutcome


def _answer(request: Mapping[str, Any]) -> dict[str, Any] | None:
    if "prmpt" in request:
        return unanswered(request, "rejected", "invalid_request", message="prmpt: unknown field")
    if request["prompt"] == "slow":
        return unanswered(request, "expired", "deadline_exceeded", message="too late")
    return None if request["prompt"] == "lost" else answered(request, "yes")


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "kafka_connection", MemoryPipeline(_answer).connect)
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "nowhere:1")


def _file(folder: Path, *lines: str) -> str:
    path = folder / "requests.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_all_answered_is_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, '{"prompt": "a"}', '{"prompt": "b"}')

    assert report_faults(sluice, ["send", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["not_replied"] == []


def test_rejected_and_expired_lines_are_named_and_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path, '{"prompt": "a"}', "", '{"prmpt": "b"}', '{"prompt": "slow"}')

    assert report_faults(sluice, ["send", path, "--out", str(tmp_path / "replies")]) == 1

    output = capsys.readouterr().err
    assert "line 3: rejected: prmpt: unknown field (invalid_request)" in output
    assert "line 4: expired: too late (deadline_exceeded)" in output
    assert "2 of 3 requests got no answer" in output
    assert len((tmp_path / "replies").read_text().splitlines()) == 3


def test_they_are_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, '{"prmpt": "b"}', '{"prompt": "lost"}')

    assert report_faults(sluice, ["send", path, "--json", "--timeout-s", "1"]) == 1

    found = json.loads(capsys.readouterr().out)["not_replied"]
    assert [(each["line"], each["status"]) for each in found] == [
        (1, "rejected"),
        (2, "no reply"),
    ]


def test_ids_of_any_type_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text('{"request_id": ["a"]}\n{"request_id": {"b": 1}, "tenant": []}\n')

    assert [line for line, _ in numbered_requests(path, RequestFileFormat())] == [1, 2]


def test_stored_and_shown_requests_are_bounded() -> None:
    found = Unfinished(lines={})
    for number in range(MOST_KEPT + 10):
        request = {"request_id": f"r{number}"}
        found.take(RequestOutcome(request=request, reply=None, waited_s=1))

    assert found.count == MOST_KEPT + 10
    assert len(found.as_document()) == MOST_KEPT
    assert len(found.in_words()) == MOST_SHOWN + 1
    assert found.in_words()[-1] == f"and {MOST_KEPT + 10 - MOST_SHOWN} more"
