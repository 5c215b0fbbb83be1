"""Goals of a release beside its predecessor, for the table of docs/performance.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal for one figure of the comparison; `of_base` for this tree's figure over the base's."""

    text: str
    part: str
    figure: tuple[str, str]
    limit: float
    of_base: bool = False
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


GOALS = (
    Goal(
        text="worker CPU a request at saturation, over the base's",
        part="worker",
        figure=("saturation", "worker CPU"),
        limit=0.5,
        of_base=True,
    ),
    Goal(
        text="worker CPU at saturation, over the floor's",
        part="worker",
        figure=("saturation", "worker CPU / floor CPU"),
        limit=1.4,
    ),
    Goal(
        text="worker CPU at 100 requests/s, over saturation",
        part="worker",
        figure=("at 100/s", "worker CPU / at saturation"),
        limit=1.5,
    ),
    Goal(text="idle worker, cores", part="worker", figure=("idle", "worker"), limit=0.015),
    Goal(text="idle Kafka beside it, cores", part="worker", figure=("idle", "Kafka"), limit=0.06),
    Goal(
        text="p50 topic to topic at 100 requests/s, over a bare round trip",
        part="worker",
        figure=("at 100/s", "p50 / round trip"),
        limit=5,
    ),
    Goal(
        text="p99 topic to topic at 100 requests/s, over a bare round trip",
        part="worker",
        figure=("at 100/s", "p99 / round trip"),
        limit=6,
    ),
    Goal(
        text="memory of a worker, over the base's",
        part="worker",
        figure=("memory", "worker, resident"),
        limit=1.2,
        of_base=True,
    ),
    Goal(
        text="rows stored by the sink, over bare inserts of such rows",
        part="sink",
        figure=("sink at full speed", "rows stored / bare inserts"),
        limit=0.6,
        at_least=True,
    ),
    Goal(
        text="10^7 additions over p99 of a decision by rules, 2,000 characters",
        part="decisions",
        figure=("rules at 2,000 characters", "10^7 additions / p99 of CPU"),
        limit=9_000,
        at_least=True,
    ),
    Goal(
        text="10^7 additions over p99 of a learned decision, 2,000 characters",
        part="decisions",
        figure=("learned at 2,000 characters", "10^7 additions / p99 of CPU"),
        limit=1_000,
        at_least=True,
    ),
    Goal(
        text="replay from the topic, one process, requests/s",
        part="replay",
        figure=("replay", "requests from the topic, reused, one process"),
        limit=25_000,
        at_least=True,
    ),
    Goal(
        text="replay, two processes over one",
        part="replay",
        figure=("replay", "two processes / one"),
        limit=1.7,
        at_least=True,
    ),
)
