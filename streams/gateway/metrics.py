"""Every metric of a gateway. Labels are names of endpoints and of errors, never of callers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)


class GatewayMetrics:
    """A gateway's counters, gauges and histograms, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        own = self.registry = registry or CollectorRegistry()
        self.requests = Counter(
            "sluice_gateway_requests",
            "Ended HTTP requests; code is ok or the code of the error.",
            ("endpoint", "status", "code"),
            registry=own,
        )
        """Why: the error rate that clients see. Statuses and codes are those of the code."""
        self.seconds = Histogram(
            "sluice_gateway_request_seconds",
            "Time from a request's headers to the last byte of its answer.",
            ("endpoint",),
            buckets=_LATENCY_S,
            registry=own,
        )
        """Why: the latency for clients, with the way through the log."""
        self.waiting = Gauge(
            "sluice_gateway_waiting_requests",
            "Accepted requests without a reply yet.",
            registry=own,
        )
        """Why: shows missing workers, and the limit `SLUICE_GATEWAY_MAX_WAITING` coming near."""
        self.disconnected = Counter(
            "sluice_gateway_disconnected_clients",
            "Clients that left before their answer; the request completes.",
            registry=own,
        )
        """Why: time-outs of clients that are shorter than the models' latency."""
        self.unreadable = Counter(
            "sluice_gateway_unreadable_replies",
            "Records of the reply topic that were neither a reply nor a part of an answer.",
            registry=own,
        )
        """Why: another process writes to the gateway's reply topic."""
        self.kafka_away = Gauge(
            "sluice_gateway_kafka_away", "1 while no broker answers.", registry=own
        )
        """Why: requests are refused with 503 meanwhile."""
