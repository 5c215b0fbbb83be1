"""Opens the configured tracer; without an address OpenTelemetry is not loaded.

OpenTelemetry comes with the extra `traces`. Its exporter reads `OTEL_EXPORTER_OTLP_HEADERS` (keys
of a collector), `OTEL_EXPORTER_OTLP_CERTIFICATE` and the like itself.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec

from schemas.errors import ConfigurationError
from streams.tracing.tracer import NO_TRACER, Tracer

EXPORT_TIMEOUT_S = 5.0
QUEUE_SPANS = 8_192
"""Size of the queue of spans; further spans are dropped."""

_BATCH_SPANS = 512
_EVERY_MS = 2_000.0
_EXPORTER = "opentelemetry.exporter.otlp.proto.http"
_QUIET = "opentelemetry"


def open_tracer(endpoint: str | None, *, ratio: float, to_providers: bool, worker: str) -> Tracer:
    """Return a tracer for an OTLP/HTTP endpoint, such as `http://localhost:4318/v1/traces`.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    if not endpoint:
        return NO_TRACER
    if not _installed():
        raise ConfigurationError(
            "SLUICE_TRACES_ENDPOINT is set, but OpenTelemetry is not installed; install it: "
            'pip install "sluice[traces]"'
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    from streams.tracing.otel import InBatches, OtelTracer  # noqa: PLC0415 - needs the extra

    # It logs every batch that it could not send, with a traceback.
    logging.getLogger(_QUIET).setLevel(logging.CRITICAL)
    processor = InBatches(
        OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_S),
        max_queue_size=QUEUE_SPANS,
        max_export_batch_size=_BATCH_SPANS,
        schedule_delay_millis=_EVERY_MS,
        export_timeout_millis=EXPORT_TIMEOUT_S * 1000,
    )
    return OtelTracer(processor, ratio=ratio, to_providers=to_providers, worker=worker)


def _installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        return False
