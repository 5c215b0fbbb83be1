"""Projections against the known outcome, end to end: recorded answers are routed by real handlers,
their events go through a real Kafka and a sink into a real ClickHouse, then `sluice replay run`
runs for each policy. Needs recorded answers (`BENCH_DATA`).
"""

from __future__ import annotations

import asyncio
import gzip
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson

from infra.cli.output.screen import notes
from infra.devstack.preparation import migrate_tables
from infra.replays.comparing import compared
from infra.replays.factory import ReplayComponents, opened
from infra.replays.ranges import spans_between
from infra.replays.target_version import Origin, chosen
from infra.replays.whole import replay_all
from streams.offline.replay.run_spec import RunSpec
from streams.providers.in_memory_provider import text_answer
from streams.registry.publishing import publish_version
from streams.registry.version import parse_registry
from tests.bench.figures import Figure
from tests.bench.prompts import recorded_file
from tests.bench.replay_truth import Pair, share
from tests.fixtures.services import run_sql, some_clickhouse, some_kafka
from tests.rig.kafka.replayed_log import golden, publish
from tests.rig.known_traffic import (
    ALONE,
    FIVE,
    Prompt,
    Traffic,
    random_policy,
    recorded_prompts,
    registry,
    registry_text,
)
from tests.rig.stack import Stack
from tests.unit.offline.replay.world import RecordedLog, record

LIVE = "classifier: rules\n  boundaries: [0.5, 0.999]" + ALONE
DRAWN = 10


def measure_proof(drawn: int = DRAWN) -> list[Figure]:
    """Shares of the policies whose intervals contain the true value, and whether the five rank
    right.
    """
    file = recorded_file()
    if file is None:
        notes.print("replay-proof needs recorded answers: BENCH_DATA=DIR")
        return []
    prompts = recorded_prompts(file)
    policies = {name: (policy, 1.0) for name, policy in FIVE.items()}
    policies |= {f"drawn {seed}": random_policy(seed) for seed in range(drawn)}
    truth = Traffic(prompts, registry(LIVE), 0)
    held: dict[str, list[bool]] = {"cost": [], "quality": []}
    means: dict[str, list[tuple[float, float]]] = {"cost": [], "quality": []}
    runs: list[str] = []
    with _pipeline(_log(prompts, file)) as folder, opened() as parts:
        now = datetime.now(UTC)
        spans = spans_between(parts, now - timedelta(hours=2), now + timedelta(minutes=1))
        for name, (policy, prices) in policies.items():
            path = folder / "replayed.yaml"
            path.write_text(registry_text(policy, shadow=False, prices=prices, provider="scripted"))
            version, _ = chosen(parts.history, Origin(file=path))
            document = replay_all(
                parts, RunSpec(registry=version.hash, spans=spans), version, [],
                origin=Origin(file=path), processes=1, tick=lambda: None,
            )  # fmt: skip
            runs.append(document["run"])
            ground = registry(policy, shadow=False, prices=prices)
            cost, quality = truth.true_means(ground, truth.ways(ground))
            for what, key, real in (("cost", "cost_nano", cost), ("quality", "quality", quality)):
                figure = document["projected"][key]
                inside = figure["low"] - 1e-9 <= real <= figure["high"] + 1e-9
                held[what].append(inside)
                means[what].append((figure["mean"], real))
                notes.print(
                    f"{name}: {what} {figure['mean']:.4g} ({figure['low']:.4g} to "
                    f"{figure['high']:.4g}), really {real:.4g}{'' if inside else '  MISSED'}"
                )
        truths = [quality for _, quality in means["quality"]]
        pairs = [
            _pair(parts, (runs[one], runs[two]), truths[two] - truths[one])
            for one, two in combinations(range(len(FIVE)), 2)
        ]
    return (
        [
            _figure(f"{what} in its interval", 100 * share(found), 90.0)
            for what, found in held.items()
        ]
        + [
            _figure(f"five ranked right by {what}", 100.0 * _ranked(found[: len(FIVE)]))
            for what, found in means.items()
        ]
        + [
            _figure(
                "pairs of the five told apart by quality", 100 * share(each.apart for each in pairs)
            ),
            _figure(
                "of those, in the right order",
                100 * share(each.right for each in pairs if each.apart),
                100.0,
            ),
        ]
    )


def _pair(parts: ReplayComponents, runs: tuple[str, str], truth: float) -> Pair:
    """The result of `sluice replay diff` for two runs."""
    quality_change = compared(parts, *runs)["change"]["quality"]
    return Pair(low=quality_change["low"], high=quality_change["high"], truth=truth)


def _log(prompts: list[Prompt], file: Path) -> RecordedLog:
    with gzip.open(file, "rb") as lines:
        rows = [orjson.loads(line) for line in lines]
    texts = {row["prompt"]: row for row in rows}
    known = {row["prompt"]: prompt for row, prompt in zip(rows, prompts, strict=True)}

    def script(call: Any, endpoint: Any) -> Any:
        prompt_text = call.body["messages"][-1]["content"]
        prompt = known[prompt_text]
        return text_answer(
            texts[prompt_text]["answers"][call.model]["text"] or "",
            input_tokens=prompt.tokens,
            output_tokens=prompt.answers[call.model].tokens,
        )

    requests = [
        (0, {"request_id": f"p{number}", "prompt": row["prompt"]})
        for number, row in enumerate(rows)
    ]
    log = record([registry_text(LIVE, provider="scripted")], requests, script=script, at_once=200)
    answers = [call for call in log.calls if call["purpose"] in {"answer", "shadow"}]
    log.signals += golden(
        answers,
        lambda call: prompts[int(call["request_id"][1:])].answers[call["request_model"]].score,
    )
    return log


@contextmanager
def _pipeline(log: RecordedLog) -> Iterator[Path]:
    with (
        tempfile.TemporaryDirectory(prefix="sluice-proof-") as name,
        some_kafka() as kafka,
        some_clickhouse() as clickhouse,
    ):
        folder = Path(name)
        stack = Stack(folder, kafka_at=kafka, clickhouse_at=clickhouse, partitions=4)
        wanted = {
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "SLUICE_CLICKHOUSE_URL": clickhouse,
        }
        before = dict(os.environ)
        try:
            stack.create_topics()
            migrate_tables(clickhouse)
            version = parse_registry(registry_text(LIVE, provider="scripted"))
            asyncio.run(publish_version({"bootstrap_servers": kafka}, version, by="bench"))
            stack.start_sink()
            publish(kafka, log, partitions=4)
            _until_stored(clickhouse, log)
            os.environ.update(wanted)
            yield folder
        finally:
            os.environ.clear()
            os.environ.update(before)
            stack.stop()


def _until_stored(clickhouse: str, log: RecordedLog) -> None:
    wanted = {"requests": len(log.requests), "calls": len(log.calls), "quality": len(log.signals)}
    deadline = time.monotonic() + 120
    for table, rows in wanted.items():
        while int(run_sql(clickhouse, f"SELECT count() FROM sluice.{table}")) < rows:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{table} has not all of its {rows} rows")
            time.sleep(0.2)


def _ranked(found: list[tuple[float, float]]) -> bool:
    order = sorted(range(len(found)), key=lambda at: found[at][0])
    return order == sorted(range(len(found)), key=lambda at: found[at][1])


def _figure(name: str, value: float, goal: float | None = None) -> Figure:
    return Figure(group="replay proof", name=name, value=value, unit="%", at_least=goal)
