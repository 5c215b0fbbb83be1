"""What `sluice ask` prints while no reply arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import FAILED, report_faults
from streams.client import batch_send, caller
from streams.client.in_memory_caller import MemoryCaller


def test_the_wait_beyond_the_deadline_is_announced(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    @asynccontextmanager
    async def silent(*_: Any) -> AsyncIterator[MemoryCaller]:
        yield MemoryCaller(lambda request: None)

    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(caller, "kafka_caller", silent)
    monkeypatch.setattr(batch_send, "GRACE_S", 0.01)

    assert report_faults(sluice, ["ask", "hi", "--deadline-ms", "20"]) == FAILED
    out, err = capfd.readouterr()
    said = " ".join(err.split())
    assert not out
    assert "no reply within the deadline of 0.02 s; waiting 0.01 s more" in said
    assert "sluice: no reply within 0.03 s (deadline 0.02 s)" in said
