"""Every metric of a worker, each defined here and nowhere else.

Each definition states its purpose and what bounds its labels. Names follow Prometheus: `sluice_`,
base units, `_total` on counters. Labels are names of the registry, of code and of Sluice's topics;
never a request, a user or text. `streams.observability.bounded` limits them to 200 values each.
Events are counted as they happen. States (calls in flight, circuits, levels, lag) are read at a
scrape (`streams.observability.readings`).

| when | call |
|---|---|
| a request was given a tier | `classified` |
| a hop ended without ending its request | `hop_ended` |
| a request ended | `ended` |
| a provider call ended and was booked | `called` |
| a message went aside | `dead_lettered` |
| a try to handle a message failed unexpectedly | `handling_failed` |
| a reader passed over a record of ours | `bad_record` |
| retention removed unread records | `removed_unread` |
| a message was recognised as a repeat | `repeated` |
| the event loop woke up late | `loop_was_late` |
| an alert fired or was resolved | `alert_changed` |
| a webhook was told, or was not | `webhook_ended` |

No global state: each `WorkerMetrics` has a registry of its own, which is also how tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from streams.observability.bounded import Bounded

NONE = "none"
"""Stands for a name that there is not, for instance the instance of an unknown call."""

_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)
"""From what Sluice itself adds to a request, up to its default deadline."""

_OVERHEAD_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_LOOP_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


@dataclass(frozen=True, slots=True)
class _CallSeries:
    """The series that one kind of call adds to, bound together."""

    calls: Counter
    seconds: Histogram
    spend: Counter
    unknown: Counter


class WorkerMetrics:
    """A worker's counters and histograms.

    Durations are given in ms, as everywhere in the code, and shown in seconds.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        own = self.registry = registry or CollectorRegistry()

        self.requests_classified = Bounded(
            Counter(
                "sluice_requests_classified",
                "Requests that were given a tier.",
                ("classifier", "tier"),
                registry=own,
            )
        )
        """Why: a classifier that falls back, or a tier that takes over, shows here first.
        Classifiers are ours (6); tiers are at most 8 a registry."""

        self.outcomes = Bounded(
            Counter(
                "sluice_outcomes",
                "Requests that ended, by how and on which tier.",
                ("status", "tier"),
                registry=own,
            )
        )
        """Why: the error rate. Statuses are the terminal four. Counts the outcomes that this worker
        wrote: one that is written twice after a crash is counted twice here, once in ClickHouse."""

        self.hop_transitions = Bounded(
            Counter(
                "sluice_hop_transitions",
                "Hops that ended without ending their request.",
                ("kind", "tier"),
                registry=own,
            )
        )
        """Why: escalated hops are what the cascade pays, parked ones are want of capacity. Kinds
        are `parked` and `escalated`."""

        self.calls = Bounded(
            Counter(
                "sluice_calls",
                "Provider calls that ended; status is ok or the class of the error.",
                ("model", "provider_instance", "purpose", "status"),
                registry=own,
            )
        )
        """Why: the state of every provider. Models and instances are the registry's, purposes ours
        (6), statuses our error classes (11)."""

        self.call_seconds = Bounded(
            Histogram(
                "sluice_call_seconds",
                "Time in a provider call, whatever its end.",
                ("model", "provider_instance"),
                buckets=_LATENCY_S,
                registry=own,
            )
        )
        """Why: most of a request's time is here. Without purpose and status, since each label
        multiplies a histogram's seventeen series."""

        self.spend = Bounded(
            Counter(
                "sluice_spend_nano_usd",
                "Money that calls of known cost took, in nano-USD (1e-9 USD).",
                ("model", "purpose"),
                registry=own,
            )
        )
        """Why: the rate of spending, live. Exact up to 9 million USD a process (2^53 nano-USD); the
        books are the table `calls`, not this."""

        self.unknown_cost_calls = Bounded(
            Counter(
                "sluice_unknown_cost_calls",
                "Calls whose cost is not known, which `sluice_spend_nano_usd` leaves out.",
                ("model", "purpose"),
                registry=own,
            )
        )
        """Why: unknown is unknown, never zero; a rate of spending beside many of these is too
        low."""

        self.request_seconds = Bounded(
            Histogram(
                "sluice_request_seconds",
                "From the request's append to its outcome, by the broker's clock.",
                ("status", "tier"),
                buckets=_LATENCY_S,
                registry=own,
            )
        )
        """Why: what callers wait for, queueing in Kafka included."""

        self.overhead_seconds = Histogram(
            "sluice_overhead_seconds",
            "Of that, what was not spent in provider calls; requests that waited are left out.",
            buckets=_OVERHEAD_S,
            registry=own,
        )
        """Why: the time that Sluice itself adds. As `sluice query routing_overhead` counts it:
        replied requests that were never parked."""

        self.dead_letters = Bounded(
            Counter(
                "sluice_dead_letters",
                "Messages that went to a dead-letter topic, by the topic they were meant for.",
                ("topic", "cause"),
                registry=own,
            )
        )
        """Why: a sender that broke. Topics are the operator's, causes ours: `undecodable`,
        `undeliverable`, `internal_error`."""

        self.handling_failures = Bounded(
            Counter(
                "sluice_handling_failures",
                "Tries to handle a message that ended by an unexpected error, by topic.",
                ("topic",),
                registry=own,
            )
        )
        """Why: an error of ours that callers do not see while a later try succeeds. A message that
        failed three times is also a dead letter with the cause `internal_error`."""

        self.bad_records = Bounded(
            Counter(
                "sluice_bad_records",
                "Records of Sluice's own topics that a reader of this worker passed over.",
                ("topic",),
                registry=own,
            )
        )
        """Why: somebody else writes there, or versions do not fit. Each reader counts: one record
        that two parts of three workers read counts six times. Also raised as alert
        `bad_record`, with the place."""

        self.registry_refused = Bounded(
            Counter(
                "sluice_registry_refused",
                "Records on the registry topic that were not believed, by what is wrong with them.",
                ("kind", "reason"),
                registry=own,
            )
        )
        """Why: somebody writes registry records without the key, or a command lacks it. At a
        start, only records that are the latest of their key count. Kinds are
        `registry`, `artifact`, `current`, `other`; reasons `unsigned`, `malformed`, `unknown_key`,
        `wrong`, `moved`. Also raised as alert `unsigned_registry`."""

        self.log_gaps = Bounded(
            Counter(
                "sluice_removed_unread",
                "Offsets of a topic that retention removed before they were read.",
                ("topic",),
                registry=own,
            )
        )
        """Also raised as alert `log_gap`, with the partition and the offsets."""

        self.duplicates = Bounded(
            Counter(
                "sluice_duplicates",
                "Messages that were recognised as a repeat and not worked on again.",
                ("kind",),
                registry=own,
            )
        )
        """Why: `duplicate` are callers that sent a request id again; `done` are hops that a crash
        or a rebalance delivered again, which is how at-least-once looks when it works."""

        self.loop_lag_seconds = Histogram(
            "sluice_event_loop_lag_seconds",
            "How much later than asked the event loop woke up, looked at twice a second.",
            buckets=_LOOP_S,
            registry=own,
        )
        """Why: everything in a worker shares one loop; when this grows, all latencies do, and
        leases and heartbeats come next."""

        self.alert_changes = Bounded(
            Counter(
                "sluice_alert_changes",
                "Alerts that fired or were resolved, by the worker that evaluates them.",
                ("rule", "state"),
                registry=own,
            )
        )
        """Why: what was told, beside what Prometheus itself alerts on. Rules are the registry's (at
        most 64) and ours; repeats are not counted."""

        self.webhook_deliveries = Bounded(
            Counter(
                "sluice_webhook_deliveries",
                "Deliveries of alerts to webhooks that ended, by how.",
                ("outcome",),
                registry=own,
            )
        )
        """Why: alerts that nobody hears of. Outcomes are `delivered`, `refused`, `failed` and
        `dropped`."""

        self._by_call: dict[tuple[str, str, str, str], _CallSeries] = {}

    def classified(self, classifier: str, tier: str) -> None:
        """A request was given a tier."""
        self.requests_classified.of(classifier, tier).inc()

    def hop_ended(self, kind: str, tier: str) -> None:
        """A hop was parked, or moved its request on."""
        self.hop_transitions.of(kind, tier).inc()

    def ended(
        self, status: str, tier: str, latency_ms: float, overhead_ms: float | None = None
    ) -> None:
        """A request ended; `overhead_ms` is `latency_ms` less all its calls, `None` where it waited
        or was not replied to.
        """
        self.outcomes.of(status, tier).inc()
        self.request_seconds.of(status, tier).observe(latency_ms / 1000)
        if overhead_ms is not None:
            self.overhead_seconds.observe(max(overhead_ms, 0.0) / 1000)

    def called(
        self,
        *,
        model: str,
        instance: str | None,
        purpose: str,
        status: str,
        latency_ms: float | None,
        cost_nano: int | None,
    ) -> None:
        """A provider call ended."""
        key = (model, instance or NONE, purpose, status)
        series = self._by_call.get(key) or self._call_series(key)
        series.calls.inc()
        if latency_ms is not None:
            series.seconds.observe(latency_ms / 1000)
        if cost_nano is None:
            series.unknown.inc()
        else:
            series.spend.inc(cost_nano)

    def dead_lettered(self, topic: str, cause: str) -> None:
        """A message went aside; `topic` is the one that it was read from, or meant for."""
        self.dead_letters.of(topic, cause).inc()

    def handling_failed(self, topic: str) -> None:
        """A try to handle a message of this topic failed unexpectedly."""
        self.handling_failures.of(topic).inc()

    def bad_record(self, topic: str) -> None:
        """A reader passed over a record of this topic."""
        self.bad_records.of(topic).inc()

    def registry_record_refused(self, kind: str, reason: str) -> None:
        """A record on the registry topic was not believed."""
        self.registry_refused.of(kind, reason).inc()

    def removed_unread(self, topic: str, offsets: int) -> None:
        """Retention removed so many offsets of a topic before they were read."""
        self.log_gaps.of(topic).inc(offsets)

    def repeated(self, kind: str) -> None:
        """A message was `done` already, or a `duplicate`."""
        self.duplicates.of(kind).inc()

    def alert_changed(self, rule: str, state: str) -> None:
        """An alert was `fired` or `resolved`."""
        self.alert_changes.of(rule, state).inc()

    def webhook_ended(self, outcome: str) -> None:
        """A delivery to a webhook is through."""
        self.webhook_deliveries.of(outcome).inc()

    def loop_was_late(self, late_ms: float) -> None:
        """The event loop woke up so much later than asked."""
        self.loop_lag_seconds.observe(max(late_ms, 0.0) / 1000)

    def _call_series(self, key: tuple[str, str, str, str]) -> _CallSeries:
        model, instance, purpose, _ = key
        calls = self.calls.of(*key)
        series = _CallSeries(
            calls=calls,
            seconds=self.call_seconds.of(model, instance),
            spend=self.spend.of(model, purpose),
            unknown=self.unknown_cost_calls.of(model, purpose),
        )
        if len(self._by_call) < self.calls.most_children:
            self._by_call[key] = series
        return series
