"""What `sluice ask` prints while no reply arrives."""

from __future__ import annotations

import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import FAILED, report_faults
from streams.client import client, request_fields
from streams.client.in_memory_connection import MemoryPipeline


def test_the_wait_beyond_the_deadline_is_announced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(client, "kafka_connection", MemoryPipeline(lambda _: None).connect)
    monkeypatch.setattr(request_fields, "GRACE_S", 0.01)

    assert report_faults(sluice, ["ask", "hi", "--deadline-ms", "20"]) == FAILED
    out, err = capfd.readouterr()
    said = " ".join(err.split())
    assert not out
    assert "no reply within the deadline of 0.02 s; waiting 0.01 s more" in said
    assert "sluice: no reply within 0.03 s (deadline 0.02 s)" in said
