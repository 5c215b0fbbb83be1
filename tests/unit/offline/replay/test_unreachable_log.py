"""A replay without a reachable Kafka names it and the remedy, not librdkafka's code."""

from __future__ import annotations

import pytest

from infra.devstack.processes.ports import free_port
from streams.offline.replay import request_log
from streams.offline.replay.request_log import KafkaRequestLog, RequestLogUnavailableError
from streams.offline.replay.run_spec import OffsetSpan


def test_every_query_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CHECK_S", "_TIMEOUT_S"):
        monkeypatch.setattr(request_log, name, 0.2)
    log = KafkaRequestLog({"bootstrap.servers": f"127.0.0.1:{free_port()}"})
    span = OffsetSpan(topic="t", partition=0, first=0, end=1)
    try:
        for question in (
            log.check,
            lambda: log.held(span),
            lambda: log.spans(["t"], 0, 1),
            lambda: list(log.read(span)),
        ):
            with pytest.raises(RequestLogUnavailableError) as caught:
                question()
            assert str(caught.value).startswith("Kafka at 127.0.0.1:")
            assert "SLUICE_KAFKA_BOOTSTRAP_SERVERS" in str(caught.value)
    finally:
        log.close()
